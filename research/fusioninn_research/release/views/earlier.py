"""The version before, measured on the same patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .results import Results, both, number, table
from .similarity import means

VERSION, MARK = "0.4.0", "6583c010f98b"
PARTS = {"validation": ("validation", "validation/uint8"), "held-out": ("held_out", "held_out/uint8")}
_ROWS: Mapping[str, Callable[[Mapping[str, float | None]], str]] = {
    "fused, whole slice": lambda values: number(values["fused_slice"]),
    "fused, inside the brain": lambda values: number(values["fused_brain"]),
    "plain average, inside the brain": lambda values: number(values["mean_brain"]),
    "decomposed T1-Gd / FLAIR, whole slice": lambda values: both(values, "decomposed_{}_slice"),
    "decomposed, inside the brain": lambda values: both(values, "decomposed_{}_brain"),
    "decomposed, inside the lesion": lambda values: both(values, "decomposed_{}_lesion"),
}


def compared(results: Results) -> str:
    """Both versions side by side, or a sentence where the weights are that version's."""
    if results.folder.name == MARK:
        return f"These are the weights of version {VERSION}."
    header = ["SSIM, from 8 bits"]
    columns = []
    for part, (earlier, ours) in PARTS.items():
        header += [f"{part}, version {VERSION}", f"{part}, these weights"]
        columns += [means(results, f"earlier/{earlier}"), means(results, ours)]
    return table(header, [[name, *(told(values) for values in columns)] for name, told in _ROWS.items()])


VIEWS = {"earlier.compared": compared}
