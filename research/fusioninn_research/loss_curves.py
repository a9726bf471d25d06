"""The loss of every epoch, as in Fig. 3 of the paper."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from scripts import RESEARCH_NOTICE
from scripts.data.errors import BadInputError
from scripts.outputs.page import ACCENT, FAINT, RULE, TEXT, Page
from scripts.training.history import Row

# Measures in pixels of the finished picture.
WIDTH, HEIGHT = 1800, 860
MARGIN, AXIS, LABELS = 36, 92, 250
TOP, BOTTOM = 196, 152

# Okabe and Ito's blue and orange: told apart by the colour-blind, and in grey by their lightness.
TOTAL, FUSION, DECOMPOSITION = TEXT, "#56b4e9", "#e69f00"
STYLES = {"train": {"linestyle": "-", "linewidth": 1.8}, "validation": {"linestyle": (0, (3, 2)), "linewidth": 1.4}}

PLOTS = {
    "Total and SSIM terms": {
        r"$L_\mathrm{total}$": ("total", TOTAL),
        r"$L_\mathrm{SSIM}$  fused": ("ssim", FUSION),
        r"$L_\mathrm{dec}^\mathrm{SSIM}$  decomposed": ("decomposition_ssim", DECOMPOSITION),
    },
    "Squared $\\ell_2$ terms": {
        r"$L_{\ell_2}$  fused": ("l2", FUSION),
        r"$L_\mathrm{dec}^{\ell_2}$  decomposed": ("decomposition_l2", DECOMPOSITION),
    },
}


def paper_losses(row: Row) -> dict[str, float]:
    """The five losses of Fig. 3 from a row of the history.

    Args:
        row: one epoch, with SSIM per source.

    Returns:
        "total" (Eq. 5, with the weights of the run), "ssim" (Eq. 2), "l2" (Eq. 3), "decomposition_ssim" and
        "decomposition_l2" (Eq. 4): sums over the sources.

    Raises:
        KeyError: the row lacks a term.
    """
    sources = [name.removeprefix("fused_ssim_") for name in row if name.startswith("fused_ssim_")]
    return {
        "total": row["loss"],
        "ssim": sum(1 - row[f"fused_ssim_{source}"] for source in sources),
        "l2": row["fusion_l2"],
        "decomposition_ssim": sum(1 - row[f"decomposed_ssim_{source}"] for source in sources),
        "decomposition_l2": row["decomposition_l2"],
    }


def draw_loss_curves(history: Sequence[Row], title: str, footer: str, name: str = "history.csv") -> Page:
    """Draw the five losses over the epochs, training solid and validation dashed.

    Args:
        history: rows, see `read_history`.
        title: what was trained.
        footer: what the reader has to know of the run, in one line.
        name: the history's file, for the message of an error. Defaults to "history.csv".

    Returns:
        the page, 1800 pixels wide.

    Raises:
        BadInputError: the history has no epoch, or lacks a term of the paper.
    """
    curves: dict[str, list[tuple[int, dict[str, float]]]] = {}
    try:
        for row in history:
            curves.setdefault(row["part"], []).append((row["epoch"], paper_losses(row)))
    except KeyError as error:
        raise BadInputError(
            f"{name} has no column {error}: Fig. 3 shows a training that decomposes, not one with fusion_only.json."
        ) from error
    if not curves:
        raise BadInputError(f"{name} holds no epoch yet. Train for one epoch at least.")

    page = Page(WIDTH, HEIGHT)
    page.text(MARGIN, 30, title, fontsize=15, fontweight="bold")
    page.text(MARGIN, 76, f"Losses of FusionINN by epoch, as Fig. 3 of the paper.  {RESEARCH_NOTICE}", color=ACCENT)
    each = (WIDTH - 2 * MARGIN - 40) / len(PLOTS)
    for i, (heading, lines) in enumerate(PLOTS.items()):
        left = MARGIN + i * (each + 40)
        page.text(left, 130, heading, fontsize=9.5, fontweight="bold")
        axes = page.axes(left + AXIS, TOP, each - AXIS - LABELS, HEIGHT - TOP - BOTTOM)
        _draw_plot(axes, lines, curves)
    _draw_key(page, curves)
    page.text(MARGIN, HEIGHT - 42, footer, fontsize=7, color=FAINT)
    return page


def _draw_plot(
    axes: Axes, lines: dict[str, tuple[str, str]], curves: dict[str, list[tuple[int, dict[str, float]]]]
) -> None:
    axes.set_facecolor("none")
    axes.set_yscale("log")
    for part, points in curves.items():
        epochs = [epoch for epoch, _ in points]
        for loss, colour in lines.values():
            values = [losses[loss] for _, losses in points]
            # a single epoch makes no line
            marker = "o" if len(points) == 1 else None
            axes.plot(epochs, values, color=colour, marker=marker, markersize=4, **STYLES[part])
    last = max(epoch for points in curves.values() for epoch, _ in points)
    axes.set_xlim(1 if last > 1 else 0, max(last, 2))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch", color=FAINT, fontsize=8)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(FuncFormatter(_minor_label))
    axes.tick_params(which="both", colors=FAINT, labelsize=7.5, length=3, width=0.6)
    axes.grid(color=RULE, linewidth=0.5)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(RULE)
    _label_ends(axes, lines, curves)


def _minor_label(value: float, _: int) -> str:
    """Label 2 and 5 between the powers of ten."""
    first = f"{value:e}"[0]
    return f"{value:g}" if first in "25" else ""


def _label_ends(
    axes: Axes, lines: dict[str, tuple[str, str]], curves: dict[str, list[tuple[int, dict[str, float]]]]
) -> None:
    """Name each curve beside its end, with its last value."""
    part = "validation" if "validation" in curves else "train"
    _, losses = curves[part][-1]
    for words, (loss, colour) in lines.items():
        axes.annotate(
            f"{words}  {losses[loss]:.2g}",
            (axes.get_xlim()[1], losses[loss]),
            xytext=(7, 0),
            textcoords="offset points",
            color=colour,
            fontsize=8.5,
            va="center",
            annotation_clip=False,
        )


def _draw_key(page: Page, curves: dict[str, list[tuple[int, dict[str, float]]]]) -> None:
    words = {"train": "training", "validation": "validation"}
    axes = page.panel(WIDTH - MARGIN - 420, 118, 420, 50)
    axes.set_xlim(0, 420)
    axes.set_ylim(50, 0)
    for i, part in enumerate(part for part in STYLES if part in curves):
        axes.plot([210 * i, 210 * i + 56], [25, 25], color=FAINT, **STYLES[part])
        axes.text(210 * i + 70, 25, words[part], color=FAINT, fontsize=8, va="center_baseline")
