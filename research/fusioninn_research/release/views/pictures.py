"""Pictures of other kinds than the training data, and the phantom with its files swapped."""

from __future__ import annotations

import json

from .results import Results


def sections(results: Results) -> list[str]:
    """The tables of fused, decomposed and coloured pictures."""
    parts = results.text("out_of_distribution/tables.md").split("### ")[1:]
    return [part.partition("\n")[2].strip() for part in parts]


def similarity_range(results: Results) -> str:
    """Lowest and highest mean SSIM of the decomposed pictures, over kinds, orders and sources."""
    groups = results.json("out_of_distribution/summary.json")["groups"]
    values = [
        group["mean"][f"SSIM_{source}"]
        for group in groups
        if group["stored"] == "grey"
        for source in (group["first"], group["second"])
    ]
    return f"{min(values):.2f} to {max(values):.2f}"


def swapped_phantom(results: Results) -> str:
    """What the sidecar of the phantom with swapped files says."""
    found = results.json("swapped_phantom/swapped/phantom-01/phantom-01_fused.json")["Typicality"]
    lines = [
        {key: found[key] for key in ("Score", "Threshold", "NominalFalseAlarmRate")},
        {key: found[key] for key in ("OrderRatio", "Displacement")},
        {key: found[key] for key in ("Unusual", "LikelyReason") if key in found},
        {key: found[key] for key in ("Slices", "SliceScores")},
    ]
    body = ",\n  ".join(json.dumps(line)[1:-1] for line in lines)
    return f'```json\n"Typicality": {{\n  {body}\n}}\n```'


def right_phantom(results: Results) -> str:
    """The same figures with the files in their places."""
    found = results.json("swapped_phantom/right/phantom-01/phantom-01_fused.json")["Typicality"]
    warned = "a warning" if found["Unusual"] else "no warning"
    return f"a score of {found['Score']:.2f} and an order ratio of {found['OrderRatio']:.2f}, and {warned}"


VIEWS = {
    "out_of_distribution.fused": lambda results: sections(results)[0],
    "out_of_distribution.decomposed": lambda results: sections(results)[1],
    "out_of_distribution.colour": lambda results: sections(results)[2],
    "out_of_distribution.range": similarity_range,
    "swapped_phantom.sidecar": swapped_phantom,
    "swapped_phantom.right": right_phantom,
}
