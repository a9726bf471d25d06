"""Upper bound, visible code, refinement and exactness."""

from __future__ import annotations

from collections.abc import Mapping

from .results import Results, number, power, table

BANDS = ("along columns", "along rows", "along both")
WITH_A_PATTERN = ("fused", "T1-Gd", "FLAIR")
"""Images of which `benchmarks/pattern.py` measures the pattern."""


def ceiling(results: Results) -> str:
    """The best possible fused image compared with the plain mean."""
    found = results.json("ceiling/ceiling.json")
    mean = found["ssim"]["plain mean"]
    return f"{found['ssim']['ceiling']:.3f}, where the plain average has {mean:.3f} ({found['slices']} of the slices)"


def visible_code(results: Results) -> str:
    """Energy of the finest bands."""
    found = results.json("visible_code/visible_code.json")["bands"]
    rows = {
        "T1-Gd / FLAIR": ("T1-Gd", "FLAIR"),
        "their mean": ("mean of both",),
        "fused": ("fused",),
        "decomposed T1-Gd / FLAIR": ("decomposed T1-Gd", "decomposed FLAIR"),
    }
    lines = [
        [name, *(" / ".join(f"{found[image][i]:.3f}" for image in images) for i in range(len(BANDS)))]
        for name, images in rows.items()
    ]
    return table(("detail", *BANDS), lines)


def refinement(results: Results) -> str:
    """What refinement gains, by the number of steps."""
    found = results.json("refinement/refinement.json")["ssim_brain"]
    names = [name.removesuffix(", fused") for name in found if name.endswith(", fused")]
    rows = []
    for name in names:
        fused = sum(found[f"{name}, fused"]) / 2
        decomposed = found.get(f"{name}, decomposed from uint16")
        rows.append([name, number(fused), " / ".join(number(value) for value in decomposed) if decomposed else ""])
    return table(("", "fused, mean of both", "decomposed from 16 bits, T1-Gd / FLAIR"), rows)


def refinement_words(results: Results) -> str:
    """Slices that refinement was measured on."""
    found = results.json("refinement/refinement.json")
    return f"{found['slices']} slices of the validation patients"


def _amplitude(found: Mapping[str, float]) -> str:
    return f"{number(found['mean'], 2)} / {number(found['worst'], 2)}"


def pattern(results: Results) -> str:
    """Amplitude of the repeating pattern, in the brain and where the sources differ."""
    columns, cells = [], []
    for name, patients in (("gliomas", "held-out gliomas"), ("validation", "validation patients")):
        found = results.json(f"pattern/{name}.json")
        columns += [f"{found['patients']} {patients}", "where the sources differ"]
        cells.append([[_amplitude(value) for value in found[image].values()] for image in WITH_A_PATTERN])
    rows = zip(WITH_A_PATTERN, *cells, strict=True)
    return table(("grey levels, mean / worst patient", *columns), [[name, *one, *other] for name, one, other in rows])


def pattern_words(results: Results) -> str:
    """Amplitude of the repeating pattern beside the sources' own."""
    found = results.json("pattern/gliomas.json")
    fused, t1gd, flair = (number(found[name]["brain"]["mean"], 1) for name in WITH_A_PATTERN)
    return f"{fused} grey levels of 8 bits in three held-out gliomas, where T1-Gd has {t1gd} and FLAIR {flair}"


def round_trip(results: Results) -> str:
    """Largest errors of both directions, on patients and on extremes."""
    found = results.json("round_trip/round_trip.json")
    rows = {
        "five whole volumes, every 15th slice": [one for one in found["rows"] if one["patient"]],
        "noise, black-and-white noise, black, white, checkerboards, one bright pixel, one white source": [
            one for one in found["rows"] if not one["patient"]
        ],
    }
    names = list(rows)
    count = len(rows[names[0]])
    words = {5: "five", 9: "nine", 14: "fourteen"}.get(count, str(count))
    rows = {names[0].replace("five", words): rows[names[0]], names[1]: rows[names[1]]}
    lines = [
        [name, *(power(max(one["errors"][i] for one in there), 1) for i in range(len(found["columns"])))]
        for name, there in rows.items()
        if there
    ]
    return table(("", *found["columns"]), lines)


VIEWS = {
    "ceiling.values": ceiling,
    "visible_code.table": visible_code,
    "refinement.words": refinement_words,
    "refinement.table": refinement,
    "pattern.table": pattern,
    "pattern.words": pattern_words,
    "round_trip.table": round_trip,
}
