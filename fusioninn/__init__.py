"""The installed bundle: its folder, and its network with the shipped weights.

Examples::

    >>> network = fusioninn.load_network()
    >>> fused, latent = network(sources)
    >>> estimates = network.decompose(fused)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

_HERE = Path(__file__).resolve().parent

BUNDLE: Path = _HERE / "bundle" if (_HERE / "bundle").is_dir() else _HERE.parent / "bundle"
"""Folder of `configs`, `models` and `scripts`: inside this package, or next to it in a checkout."""

__version__: str = json.loads((BUNDLE / "configs" / "metadata.json").read_text(encoding="utf-8"))["version"]


def add_to_path() -> None:
    """Make the bundle's code importable as `scripts`, the name that the configs use.

    Raises:
        ImportError: when another package named `scripts` was imported before.
    """
    if str(BUNDLE) not in sys.path:
        sys.path.insert(1, str(BUNDLE))
    import scripts

    found = Path(scripts.__file__ or "").resolve().parent
    if found != BUNDLE / "scripts":
        raise ImportError(
            f"`scripts` was imported from {found}, not from {BUNDLE}. Import fusioninn in its own process."
        )


def load_network(device: str = "cpu") -> nn.Module:
    """Load the network of `configs/inference.json` with the shipped weights.

    `network(sources)` takes sources (batch, 2, H, W) in [0, 1], T1-Gd first, and returns the fused image
    (batch, 1, H, W) and the latent. `network.decompose(fused)` estimates the sources from the fused image alone;
    `network.inverse(fused, latent)` returns them exactly.

    Args:
        device: where it computes. Defaults to "cpu".

    Returns:
        the network in evaluation mode.
    """
    add_to_path()
    from monai.bundle import ConfigParser

    from scripts.networks.weights import load_weights

    config = ConfigParser()
    config.read_config(str(BUNDLE / "configs" / "inference.json"))
    return load_weights(config.get_parsed_content("network_def"), BUNDLE / "models" / "model.pt").to(device)
