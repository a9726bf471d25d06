"""Size of the shipped network: ``python -m fusioninn_research.release.network_facts OUT.json``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from torch.utils.flop_counter import FlopCounterMode

from scripts import BUNDLE_ROOT
from scripts.outputs.tables import write_json

SIDE = 240


def network_facts() -> dict[str, Any]:
    """Return parameters, bytes of the file, and operations for fusing a slice of 240 x 240."""
    config = ConfigParser()
    config.read_config(f"{BUNDLE_ROOT}/configs/inference.json")
    config.update({"device": "cpu"})
    network = config.get_parsed_content("network")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.rand(1, network.in_channels, SIDE, SIDE))
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "megabytes": Path(config.get_parsed_content("ckpt_path")).stat().st_size / 2**20,
        "gflop": counter.get_total_flops() / 1e9,
    }


if __name__ == "__main__":
    write_json(sys.argv[1], network_facts())
