"""What the shipped weights are to reach, what they reach, and whether that is enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from scripts.metrics.haar_energy import BANDS
from scripts.outputs.overview import DISPLAY_NAMES
from scripts.outputs.tables import mean_of

from .disturbances import DISTURBANCES
from .markdown import GAP
from .scorecard_figures import Figures
from .scorecard_pairs import FIRST, SECOND
from .scorecard_slices import DRAWN_REGIONS, METRICS

REGION_NAMES = {"slice": "whole slice", "brain": "brain", "lesion": "lesion"}

CEILING_SHARE = 0.995
DECOMPOSED = {"slice": 0.985, "brain": 0.955, "lesion": 0.955}
DISTURBED = 0.01
DISTURBED_REGIONS = ("slice", "brain")
BAND_RATIO = 1.25
ROUND_TRIP = 1e-4
SPREAD = 0.002
UNSEEN = 0.93


@dataclass(frozen=True)
class Goal:
    """A row of the scorecard.

    Args:
        name: what is measured.
        wanted: what is to be reached, in words.
        measured: what is reached, in words.
        met: whether that is enough; None where it is not measured.
    """

    name: str
    wanted: str
    measured: str
    met: bool | None


def shown(source: str) -> str:
    """Name of a source as it is read."""
    return DISPLAY_NAMES.get(source, source)


def at_least(name: str, figures: Mapping[str, float | None], bound: float) -> Goal:
    """A goal that every figure reaches or exceeds."""
    wanted = f"≥ {bound:g}" + (" each" if len(figures) > 1 else "")
    return _bounded(name, wanted, figures, lambda value: value >= bound, ".4f")


def at_most(name: str, figures: Mapping[str, float | None], bound: float, form: str = ".4f") -> Goal:
    """A goal that no figure exceeds."""
    wanted = f"≤ {bound:g}" + (" each" if len(figures) > 1 else "")
    return _bounded(name, wanted, figures, lambda value: value <= bound, form)


def within(name: str, differences: Mapping[str, Mapping[str, float | None]], bound: float) -> Goal:
    """A goal that every difference keeps, upwards and downwards; the largest of each group is told."""
    wanted = f"difference within ± {bound:g}"
    if any(None in group.values() for group in differences.values()):
        return Goal(name, wanted, GAP, None)
    largest = {key: max(group.items(), key=lambda item: abs(item[1])) for key, group in differences.items()}
    told = ", ".join(f"{key} {signed(value)} ({label})" for key, (label, value) in largest.items())
    return Goal(name, wanted, told, all(abs(value) <= bound for _, value in largest.values()))


def above(name: str, value: float | None, others: Mapping[str, float]) -> Goal:
    """A goal that is higher than what all others reach."""
    if value is None or not others:
        return Goal(name, "above every other method in Table 1", GAP if value is None else f"{value:.4f}", None)
    best, highest = max(others.items(), key=lambda item: item[1])
    beaten = sum(value > other for other in others.values())
    return Goal(
        name,
        f"above every other method in Table 1 (> {highest:.4f}, {best})",
        f"{value:.4f}, above {beaten} of {len(others)}",
        beaten == len(others),
    )


def signed(value: float) -> str:
    """A difference with its sign."""
    # what rounds to zero has no sign to tell
    return f"{round(value, 4) + 0.0:+.4f}".replace("-", "−")


def goals(
    figures: Figures,
    sources: Sequence[str],
    unseen: Mapping[str, Figures],
    compared: Mapping[str, Mapping[str, float]],
) -> list[Goal]:
    """Judge all that was measured.

    Args:
        figures: what `ScorecardSlices` measured.
        sources: names of the sources.
        unseen: what `UnseenPairs` measured, by kind.
        compared: mean over patients of Q_XY and Q_P of the other methods on the same slices, by metric and method;
            a metric that is missing is not judged.
    """

    def of_sources(prefix: str, region: str) -> dict[str, float | None]:
        return {shown(source): figures.mean(f"{prefix}_{source}_{region}") for source in sources}

    rows = [_ceiling(figures), _above_the_mean(figures)]
    for region, bound in DECOMPOSED.items():
        rows.append(at_least(f"decomposed, SSIM, {REGION_NAMES[region]}", of_sources("decomposed", region), bound))
    for key, words in DISTURBANCES.items():
        differences = {
            REGION_NAMES[region]: {
                shown(source): figures.difference(f"{key}_{source}_{region}", f"decomposed_{source}_{region}")
                for source in sources
            }
            for region in DISTURBED_REGIONS
        }
        rows.append(within(f"decomposed after: {words}", differences, DISTURBED))
    rows.append(_bands("no visible code: fused, finest Haar bands", figures, ["fused"], sources))
    decomposed = [f"decomposed_{source}" for source in sources]
    rows.append(_bands("no visible code: decomposed, finest Haar bands", figures, decomposed, sources))
    for metric in METRICS:
        means = list(figures.by_patient(metric).values())
        rows.append(above(f"{metric} (whole image)", mean_of(means), compared.get(metric, {})))
    rows.append(
        at_most(
            "round trip with the true latent, fp32, largest error",
            {"": figures.largest("roundtrip_error")},
            ROUND_TRIP,
            ".1e",
        )
    )
    for region in DRAWN_REGIONS:
        name = f"spread over latent draws, SSIM, {REGION_NAMES[region]}"
        rows.append(at_most(name, of_sources("spread", region), SPREAD, ".5f"))
    for kind, found in unseen.items():
        both = {place: found.mean(f"decomposed_{place}_slice") for place in (FIRST, SECOND)}
        rows.append(at_least(f"unseen pair {kind}: decomposed, SSIM, whole slice", both, UNSEEN))
    if not unseen:
        rows.append(Goal("unseen pairs: decomposed, SSIM, whole slice", f"≥ {UNSEEN:g} each", GAP, None))
    return rows


def _bounded(
    name: str, wanted: str, figures: Mapping[str, float | None], enough: Callable[[float], bool], form: str
) -> Goal:
    if not figures or None in figures.values():
        return Goal(name, wanted, GAP, None)
    told = ", ".join(f"{label} {value:{form}}".strip() for label, value in figures.items())
    return Goal(name, wanted, told, all(enough(value) for value in figures.values()))


def _ceiling(figures: Figures) -> Goal:
    some = figures.known("ceiling_slice")
    name, wanted = "fused, SSIM as a share of the ceiling, whole slice", f"≥ {CEILING_SHARE:.1%}"
    fused, ceiling = some.mean("fused_slice"), some.mean("ceiling_slice")
    if fused is None or ceiling is None:
        return Goal(name, wanted, GAP, None)
    share = fused / ceiling
    told = f"{share:.2%} ({fused:.4f} of {ceiling:.4f}, {len(some.rows)} slice(s))"
    return Goal(name, wanted, told, share >= CEILING_SHARE)


def _above_the_mean(figures: Figures) -> Goal:
    fused, mean = figures.mean("fused_brain"), figures.mean("mean_brain")
    if fused is None or mean is None:
        return Goal("fused, SSIM, brain", "above the plain mean", GAP, None)
    return Goal("fused, SSIM, brain", f"above the plain mean (> {mean:.4f})", f"{fused:.4f}", fused > mean)


def _bands(name: str, figures: Figures, images: Sequence[str], sources: Sequence[str]) -> Goal:
    """Mean over patients of the energy in each band against the larger source; of several images the largest."""
    ratios = [figures.band_ratios(image, sources) for image in images]
    largest: dict[str, float | None] = {}
    for band in BANDS:
        means = [mean_of(list(ratio[band].values())) for ratio in ratios]
        largest[band] = None if None in means else max(means)
    goal = at_most(name, largest, BAND_RATIO, ".2f")
    return Goal(goal.name, f"≤ {BAND_RATIO:g} × the larger source in every band", goal.measured, goal.met)
