"""Series that a user names, and the files behind the records of studies."""

from __future__ import annotations

from typing import Any


def named_series(**patterns: str | int | None) -> dict[str, str]:
    """Collect the series that the user named.

    Args:
        patterns: UID, number or pattern of the description by source; None where it is to be found. MONAI's configs
            turn the "#" of the older form "9#2" into "::", which becomes "9:2".
    """
    return {
        source: str(pattern).replace("::", ":") for source, pattern in patterns.items() if pattern not in (None, "")
    }


def with_files(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Name every file of the series in the records, so that a resumed run sees whether one was changed.

    Args:
        records: what `find_studies` or `find_fused_series` returns.

    Returns:
        new records, with the path of each instance under the name of its series and a number.
    """
    named = []
    for record in records:
        files = {}
        for name, found in (record.get("series") or {}).items():
            series = getattr(found, "series", found)
            files |= {f"{name} {i}": str(file) for i, file in enumerate(sorted(series.files))}
        outlines = sorted(file for one in record.get("segmentations", ()) for file in one.files)
        files |= {f"segmentation {i}": str(file) for i, file in enumerate(outlines)}
        named.append({**files, **record})
    return named
