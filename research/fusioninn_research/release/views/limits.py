"""Upper bound, visible code and exactness."""

from __future__ import annotations

from .results import Results, power, table

BANDS = ("along columns", "along rows", "along both")


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


VIEWS = {"ceiling.values": ceiling, "visible_code.table": visible_code, "round_trip.table": round_trip}
