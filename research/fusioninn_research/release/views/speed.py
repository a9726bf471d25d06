"""Times and memory."""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from .results import Results, table

VOLUME_ROWS = {
    "inference": "fuse, decompose, compare, {} and draw (`inference.json`)",
    "decompose": "decompose a stored file (`decompose.json`)",
}


def peers(results: Results, index: int) -> str:
    """A table of `make bench`: 0 for fusing and decomposing, 1 for training.

    Args:
        results: the results.
        index: which table.
    """
    return re.findall(r"(?:^\|.*\n)+", results.text("speed/speed.md") + "\n", re.MULTILINE)[index].strip()


def machine(results: Results) -> str:
    """What was measured on."""
    return results.text("speed/speed.md").partition("\n")[0].strip()


def hardware(results: Results) -> str:
    """Rates of the machine, and the floor."""
    return results.text("speed/speed.md").split("\n\n")[1].strip()


def manual(results: Results) -> str:
    """The table of the manual."""
    found = results.json("speed/speed.json")["peers"]
    rows = [
        _peer("published network in FrEIA, as its authors run it", found["freia"], found.get("freia,train")),
        _peer(
            "the same at its best (memory blocks kept)",
            _best(found),
            found.get("freia,train,kept"),
        ),
        _peer("ours (two slices at a time; training: float32)", found["ours,pair"], found.get("ours,train")),
        _peer("ours, training in bfloat16", {}, found.get("ours,train,bfloat16")),
    ]
    return table(("", "fuse, ms a slice", "decompose, ms a slice", "training step, ms"), rows)


def _best(found: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The fastest way to run the published network in FrEIA."""
    return min(
        (row for name, row in found.items() if name.startswith("freia") and "fuse" in row), key=itemgetter("fuse")
    )


def _peer(name: str, row: dict[str, Any], train: dict[str, Any] | None) -> list[str]:
    times = [f"{1e3 * row[kind]:.1f}" if kind in row else "–" for kind in ("fuse", "decompose")]
    step = f"{1e3 * train['train']:.0f}" if train and "train" in train else "–"
    return [name, *times, step]


def ratio(results: Results) -> str:
    """How fast our network is compared with the published one."""
    found = results.json("speed/speed.json")["peers"]
    ours = found["ours,pair"]["fuse"]
    return (
        f"{found['freia']['fuse'] / ours:.1f} times as fast as the published one as its authors run it, and "
        f"{_best(found)['fuse'] / ours:.1f} times as fast as that one at its best"
    )


def volume(results: Results, check: str) -> str:
    """Time and memory of a volume, file to file.

    Args:
        results: the results.
        check: word for the check of unusual inputs.
    """
    rows = [
        [
            VOLUME_ROWS[row["config"]].format(check),
            f"{row['wall']:.1f} s",
            f"{row['wall_without_start']:.1f} s",
            f"{row['memory']:.0f} MB",
        ]
        for row in results.json("volume/volume.json")["rows"]
    ]
    start = "without start" if check == "warn" else "without start of Python"
    return table(("", "time", start, "peak memory"), rows)


VIEWS = {
    "speed.machine": machine,
    "speed.hardware": hardware,
    "speed.fuse": lambda results: peers(results, 0),
    "speed.train": lambda results: peers(results, 1),
    "speed.manual": manual,
    "speed.ratio": ratio,
    "volume.manual": lambda results: volume(results, "check"),
    "volume.table": lambda results: volume(results, "warn"),
    "memory.table": lambda results: _memory(results),
}


def _memory(results: Results) -> str:
    rows = [
        [
            str(row["blocks"]),
            f"{row['kept_megabytes']:.0f}",
            f"{row['recomputed_megabytes']:.0f}",
            f"{row['difference']:.0e}",
        ]
        for row in results.json("memory/memory.json")["rows"]
    ]
    return table(("k", "kept, MB", "recomputed, MB", "difference of the gradients"), rows)
