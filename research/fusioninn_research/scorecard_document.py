"""The scorecard as a document: the goals, then where their figures come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scripts import RESEARCH_NOTICE
from scripts.evaluation.regions import REGIONS
from scripts.metrics.haar_energy import BANDS
from scripts.outputs.tables import markdown_table, mean_of

from .disturbances import DISTURBANCES
from .markdown import GAP
from .scorecard_figures import Figures, Spread
from .scorecard_goals import REGION_NAMES, Goal, shown, signed
from .scorecard_pairs import FIRST, SECOND, SYNTHETIC
from .scorecard_slices import DRAWN_REGIONS, METRICS

ANSWERS = {True: "yes", False: "**no**"}


def scorecard_markdown(
    rows: Sequence[Goal],
    figures: Figures,
    sources: Sequence[str],
    unseen: Mapping[str, Figures],
    compared: Mapping[str, Mapping[str, float]],
    about: Mapping[str, Any],
    left_out: Sequence[str],
    remarks: Sequence[str] = (),
) -> str:
    """Write the scorecard.

    Args:
        rows: what `goals` judged.
        figures: what `ScorecardSlices` measured.
        sources: names of the sources.
        unseen: what `UnseenPairs` measured, by kind.
        compared: mean over patients of Q_XY and Q_P of the other methods, by metric and method.
        about: "data", "checkpoint_sha256", and the settings of the measurement.
        left_out: what was not measured, and why.
        remarks: what a reader has to know of the comparison. Defaults to ().

    Returns:
        the document.
    """
    known = [row for row in rows if row.met is not None]
    parts = [
        "# Scorecard",
        f"{RESEARCH_NOTICE} Decomposed images are estimates.",
        _about(figures, about),
        f"**{sum(row.met for row in known)} of {len(known)} measured goals are met.**",
        # words are read from the left
        markdown_table(["Goal", "Wanted", "Measured", "Met?"], map(_cells, rows)).replace("---:", "---"),
        "Figures are means over slices, judged before they are rounded; those of the Haar bands, Q_XY and Q_P are "
        "means over patients. Everything is decomposed from a fused image rounded to 8 bits, unless the row says "
        "otherwise, and with the latent that is named above. Numbers cannot say whether a lattice or lines are to be "
        "seen at fourfold zoom, or whether a reader would take an artefact for anatomy: that is for eyes.",
    ]
    if left_out:
        parts.append(f"Left out: {'; '.join(left_out)}.")
    sections = {
        "Fused": _fused(figures),
        "Decomposed": _decomposed(figures, sources),
        "Drawn latents": _drawn(figures, sources, about["draws"]),
        "Visible code": _code(figures, sources),
        "Q_XY and Q_P": _compared(figures, compared, remarks),
        "Unseen pairs": _unseen(unseen),
        "Patients": _patients(figures, sources),
    }
    parts += [f"## {title}\n\n{text}" for title, text in sections.items() if text]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def ranked_patients(figures: Figures, sources: Sequence[str]) -> dict[str, tuple[str, float]]:
    """Return worst, median and best patient by decomposed SSIM in the brain, mean over the sources."""
    by_source = [figures.by_patient(f"decomposed_{source}_brain") for source in sources]
    scores = {name: sum(one[name] for one in by_source) / len(sources) for name in by_source[0]}
    order = sorted(scores.items(), key=lambda item: item[1])
    if not order:
        return {}
    return {"worst": order[0], "median": order[len(order) // 2], "best": order[-1]}


def _cells(goal: Goal) -> list[str]:
    unknown = "not measured" if goal.measured == GAP else "not judged"
    return [goal.name, goal.wanted, goal.measured, ANSWERS.get(goal.met, unknown)]


def _about(figures: Figures, about: Mapping[str, Any]) -> str:
    checksum = about["checkpoint_sha256"]
    lines = [
        f"- Weights: {'none' if checksum is None else f'SHA-256 `{checksum}`'}.",
        f"- Data: {about['data']}; {len(figures.patients)} patient(s), {len(figures.rows)} slice(s) (slice_step "
        f"{about['slice_step']}, of the slices with brain on {about['min_brain_fraction']:.0%} of their area or more; "
        f"normalised by {about['normalisation']}).",
        f"- Latent: {about['latent']}. Seed of latents and noise: {about['seed']}.",
    ]
    return "\n".join(lines)


def _number(value: float | None, form: str = ".4f") -> str:
    return GAP if value is None else f"{value:{form}}"


def _spread(spread: Spread) -> str:
    if spread.deviation is None:
        return _number(spread.slices)
    return f"{spread.slices:.4f} ({spread.patients:.4f} ± {spread.deviation:.4f})"


def _fused(figures: Figures) -> str:
    names = {"fused": "fused, 8 bits", "mean": "plain mean", "max": "maximum"}
    header = ["SSIM with the sources", *(REGION_NAMES[region] for region in REGIONS)]
    told = [
        [words, *(_spread(figures.spread(f"{key}_{region}")) for region in REGIONS)] for key, words in names.items()
    ]
    text = "Mean of SSIM with all sources: mean over slices (mean ± standard deviation over patients).\n\n"
    text += markdown_table(header, told)
    some = figures.known("ceiling_slice")
    if not some.rows:
        return text
    names = {"ceiling": "ceiling", **names}
    told = [[words, *(_number(some.mean(f"{key}_{region}")) for region in REGIONS)] for key, words in names.items()]
    shares = []
    for region in REGIONS:
        fused, ceiling = some.mean(f"fused_{region}"), some.mean(f"ceiling_{region}")
        shares.append(GAP if fused is None or ceiling is None else f"{fused / ceiling:.2%}")
    return (
        f"{text}\nThe ceiling, pixels optimised directly for SSIM with all sources over the whole slice, and the "
        f"others on the same {len(some.rows)} slice(s):\n\n"
        + markdown_table(header, [*told, ["fused, share of the ceiling", *shares]])
    )


def _decomposed(figures: Figures, sources: Sequence[str]) -> str:
    places = [(source, region) for source in sources for region in REGIONS]

    def cells(prefix: str, difference: bool) -> list[str]:
        told = []
        for source, region in places:
            value = figures.mean(f"{prefix}_{source}_{region}")
            change = figures.difference(f"{prefix}_{source}_{region}", f"decomposed_{source}_{region}")
            told.append(_number(value) + (f" ({signed(change)})" if difference and change is not None else ""))
        return told

    undisturbed = [_spread(figures.spread(f"decomposed_{source}_{region}")) for source, region in places]
    header = ["SSIM", *(f"{shown(source)}, {REGION_NAMES[region]}" for source, region in places)]
    first = markdown_table(header, [["8 bits", *undisturbed]])
    rows = [["8 bits, undisturbed", *cells("decomposed", False)]]
    rows += [[words, *cells(key, True)] for key, words in DISTURBANCES.items()]
    limits = {
        "source_noise8": "the same noise on the source itself, 8 bits",
        "source_noise": "the same noise on the source itself, neither rounded nor cut off",
    }
    rows += [[words, *cells(key, False)] for key, words in limits.items()]
    return (
        "Mean over slices (mean ± standard deviation over patients), latent as above:\n\n"
        f"{first}\nAfter disturbances of the stored fused image, with the difference to the undisturbed one. The last "
        "rows compare each source with itself under the same noise: no method that does not remove noise can be "
        f"expected to exceed that.\n\n{markdown_table(header, rows)}"
    )


def _drawn(figures: Figures, sources: Sequence[str], draws: int) -> str:
    header = ["SSIM", "latent as above", f"mean of {draws} draws", "standard deviation over the draws"]
    rows = []
    for source in sources:
        for region in DRAWN_REGIONS:
            still, drawn, spread = (
                figures.mean(f"{key}_{source}_{region}") for key in ("decomposed", "drawn", "spread")
            )
            name = f"{shown(source)}, {REGION_NAMES[region]}"
            rows.append([name, _number(still), _number(drawn), _number(spread, ".5f")])
    about = "From 8 bits, latents drawn from N(0, I); standard deviation per slice, then mean."
    return f"{about}\n\n{markdown_table(header, rows)}"


def _code(figures: Figures, sources: Sequence[str]) -> str:
    images = {source: shown(source) for source in sources}
    images |= {"fused": "fused", **{f"decomposed_{one}": f"decomposed {shown(one)}" for one in sources}}
    rows = []
    for image, words in images.items():
        energy, ratios = figures.bands(image), figures.band_ratios(image, sources)
        cells = [_number(mean_of(list(energy[band].values()))) for band in BANDS]
        for band in BANDS:
            values = list(ratios[band].values())
            cells.append(f"{mean_of(values):.2f} ({max(values):.2f})" if values else GAP)
        rows.append([words, *cells])
    header = ["Image", *BANDS, *(f"{band} / larger source" for band in BANDS)]
    return (
        "Root mean square of the finest Haar bands in the brain, mean over patients; HL is detail along the second "
        "axis of a slice, LH along the first, HH along both. Ratios to the larger source of the same patient: mean "
        f"(largest) over patients.\n\n{markdown_table(header, rows)}"
    )


def _compared(figures: Figures, compared: Mapping[str, Mapping[str, float]], remarks: Sequence[str]) -> str:
    own = [mean_of(list(figures.by_patient(metric).values())) for metric in METRICS]
    rows = [["**these weights**", *(_number(value) for value in own)]]
    methods = dict.fromkeys(method for others in compared.values() for method in others)
    rows += [[name, *(_number(compared.get(metric, {}).get(name)) for metric in METRICS)] for name in methods]
    return "\n\n".join([*remarks, f"Whole image, mean over patients.\n\n{markdown_table(['Method', *METRICS], rows)}"])


def _unseen(unseen: Mapping[str, Figures]) -> str:
    if not unseen:
        return ""
    rows = []
    for kind, found in unseen.items():
        worst = ranked_patients(found, [FIRST, SECOND])["worst"]
        fused = [_number(found.mean(f"{key}_brain")) for key in ("fused", "mean")]
        back = [
            _number(found.mean(f"decomposed_{place}_{region}")) for place in (FIRST, SECOND) for region in DRAWN_REGIONS
        ]
        error = found.largest("roundtrip_error")
        told = [str(len(found.patients)), str(len(found.rows)), *fused, *back, f"{worst[0]} ({worst[1]:.4f})"]
        rows.append([kind, *told, _number(error, ".1e")])
    header = [
        "Pair, in the order of fusion",
        "cases",
        "slices",
        "fused, brain",
        "plain mean, brain",
        *(f"{place} back, {REGION_NAMES[region]}" for place in (FIRST, SECOND) for region in DRAWN_REGIONS),
        "worst case, brain",
        "round trip",
    ]
    text = (
        "SSIM; in pictures the brain is what differs from the background. Whether patients or contrasts of these "
        "folders served for training is not known here: the record of the weights tells.\n\n"
    ) + markdown_table(header, rows)
    if SYNTHETIC in unseen:
        text += (
            "\nThe diffusion pair is **synthetic**, made of T2 and FLAIR: what T2 shows and FLAIR lacks counts as free "
            "water, and tissue and water are given their usual diffusion coefficients. It has the contrast of DWI and "
            "ADC, not their distortion, resolution or noise.\n"
        )
    return text


def _patients(figures: Figures, sources: Sequence[str]) -> str:
    rows = []
    for which, (name, score) in ranked_patients(figures, sources).items():
        own = Figures(figures.patients[name])
        cells = [_number(own.mean(f"decomposed_{source}_{region}")) for region in REGIONS for source in sources]
        rows.append([which, name, str(len(own.rows)), f"{score:.4f}", _number(own.mean("fused_brain")), *cells])
    header = [
        "",
        "patient",
        "slices",
        "decomposed, brain",
        "fused, brain",
        *(f"{shown(source)}, {REGION_NAMES[region]}" for region in REGIONS for source in sources),
    ]
    return f"By decomposed SSIM in the brain, mean over the sources.\n\n{markdown_table(header, rows)}"
