"""A study through a PACS and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .results import Results, table

REGISTERED, TRUE = "as registered", "as it truly lies"


def clinic(results: Results) -> str:
    """One column for each patient."""
    found = results.json("clinic/clinic.json")["patients"]

    def scores(place: str, kind: str, source: str) -> Callable[[Mapping[str, Any]], str]:
        return lambda one: "{slice:.3f} / {brain:.3f}".format(**one["ssim"][place][kind][source])

    def converted(one: Mapping[str, Any]) -> str:
        read = [values for values in one["dcm2niix"].values() if values]
        if not read:
            return "not installed"
        return f"{max(v['mm'] for v in read):.2g} mm / {max(v['of the range'] for v in read):.0e}".replace("e-0", "e-")

    def validated(one: Mapping[str, Any]) -> str:
        told = one["dciodvfy"]
        return "not installed" if told is None else f"{told['with errors']} of {told['instances']}"

    rows: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "slices compared (brain on a tenth of them)": lambda one: str(one["ssim"][REGISTERED]["slices"]),
        "fused, T1-Gd": scores(REGISTERED, "fused", "t1gd"),
        "fused, FLAIR as registered": scores(REGISTERED, "fused", "flair"),
        "fused, FLAIR in its true position": scores(TRUE, "fused", "flair"),
        "decomposed, T1-Gd": scores(REGISTERED, "decomposed", "t1gd"),
        "decomposed, FLAIR as registered": scores(REGISTERED, "decomposed", "flair"),
        "decomposed, FLAIR in its true position": scores(TRUE, "decomposed", "flair"),
        "FLAIR as registered, with FLAIR in its true position": scores(TRUE, "registered", "flair"),
        "error of the registration from the known motion / from the original pair": lambda one: (
            " / ".join(f"{value:.2f}" for value in one["residual_mm"].values()) + " mm"
        ),
        "instances with errors, by dciodvfy": validated,
        "largest difference in dcm2niix: position / share of the range": converted,
        "fetched, fused and sent back: processor time, of this process": lambda one: (
            f"{one['seconds']['fetched, fused and sent back, processor']:.0f} s"
        ),
        "decomposed: processor time": lambda one: f"{one['seconds']['decomposed, processor']:.0f} s",
    }
    header = ("SSIM, whole slice / inside the brain", *(one["patient"] for one in found))
    return table(header, [[name, *(told(one) for one in found)] for name, told in rows.items()])


VIEWS = {"clinic.table": clinic}
