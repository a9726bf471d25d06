"""The methods of Table 1, to be timed: their networks with fresh weights, and their quality as Table 1 has it.

Time does not depend on the weights, so nothing has to be trained.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
from shipped import BUNDLE
from torch import nn

RESEARCH = BUNDLE.parent / "research"
SOURCES = ("t1gd", "flair")
FUSED = "fused_brain"
DECOMPOSED = tuple(f"decomposed_{source}_brain" for source in SOURCES)


@cache
def rows() -> dict[str, Mapping[str, Any]]:
    """Return the rows of Table 1 by their method, such as "unet", or "shipped"."""
    found = json.loads((RESEARCH / "configs" / "table1.json").read_text(encoding="utf-8"))["rows"]
    return {row.get("cell", row["method"]): row for row in found}


def build_method(name: str) -> nn.Module:
    """Build the network of a row as its evaluation does, with fresh weights.

    Args:
        name: key of `rows`.
    """
    from monai.bundle import ConfigParser

    from fusioninn_research.config_paths import config_path, method_config

    row = rows()[name]
    config = ConfigParser()
    config.read_config([config_path("evaluate.json"), config_path(method_config(row["method"]))])
    config.update({"sources": list(SOURCES), **row.get("overrides", {})})
    return config.get_parsed_content("network_def").eval()


def fusing(network: nn.Module) -> Callable[[torch.Tensor], Any]:
    """Return what fuses a batch; of DDFM the sampling, because it refuses to fuse before its prior is trained.

    Args:
        network: result of `build_method`.
    """
    return getattr(network, "sample", network)


def quality() -> dict[str, dict[str, str]]:
    """Return the similarity in the brain of the fused and of the decomposed images, by row and column; "–" for none.

    The row of the shipped weights has none: those of Table 1 are of an earlier version.
    """
    means: dict[str, dict[str, float]] = {}
    with (RESEARCH / "docs" / "tables" / "table1.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            means.setdefault(line["row"], {})[line["figure"]] = float(line["mean"])
    found = {}
    for row in rows().values():
        measured = {} if "ckpt_path" in row else means.get(row["name"], {})
        found[row["name"]] = {
            "fused": _shown(measured, (FUSED,)),
            "decomposed": _shown(measured, DECOMPOSED),
        }
    return found


def _shown(measured: Mapping[str, float], figures: tuple[str, ...]) -> str:
    return " / ".join(f"{measured[name]:.3f}" for name in figures) if set(figures) <= measured.keys() else "–"
