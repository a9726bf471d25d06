"""The description stored in every export."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from scripts import RESEARCH_NOTICE, __version__
from scripts.networks import FusionINN
from scripts.runtimes.interface import DECOMPOSE, FUSE, INTERFACES, size_multiple, smallest_size

EXPORT_FILE = "export.json"
"""Name of the description inside TorchScript and torch.export files."""
NORMALISATION = {
    "slice": "x = (s - min) / (max - min) of each slice of each source s; 0 where a slice is constant",
    "volume": "x = (s - min) / (p - min) of each source s, p the 99.9th percentile of its foreground; not clipped",
    "back": "s = offset + factor * x, with offset = min and factor = max - min (p - min) of what was fused",
}
LATENT = (
    "A latent of zeros gives the estimates that the bundle gives by default; one drawn from N(0, I) a random estimate; "
    "the latent that fusing returned, with the fused image unrounded, the sources themselves."
)
ESTIMATES = "Decomposed images are estimates, unless the latent is that of the sources."


def describe(
    network: FusionINN,
    checkpoint_sha256: str,
    sources: Sequence[str],
    directions: Sequence[str] = (FUSE, DECOMPOSE),
    static_shape: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Describe an export.

    Args:
        network: the network that is exported.
        checkpoint_sha256: checksum of the file that its weights are from.
        sources: names of the sources, in the network's order.
        directions: directions of the file, "fuse" and "decompose". Defaults to both.
        static_shape: the only supported shape of sources. Defaults to None (any).

    Returns:
        a JSON-able object, which depends only on the weights and the arguments.
    """
    names = {"fused": "fused image", "latent": "latent", "image": " and ".join(sources)}
    names["decomposed"] = f"{names['image']}, estimated"
    channels = {"fused": 1, "latent": network.in_channels - 1}
    sizes = ("batch", "channels", *("height", "width", "depth")[: network.spatial_dims])

    def described(name: str) -> dict[str, Any]:
        shape = list(sizes) if static_shape is None else list(static_shape)
        shape[1] = channels.get(name, network.in_channels)
        unit = "unbounded" if name == "latent" else "[0, 1]"
        return {"shape": shape, "dtype": "float32", "range": unit, "content": names[name]}

    return {
        "name": "FusionINN",
        "bundle_version": __version__,
        "checkpoint_sha256": checkpoint_sha256,
        "research_only": RESEARCH_NOTICE,
        "estimates": ESTIMATES,
        "sources": list(sources),
        "interfaces": {
            direction: {
                kind: {name: described(name) for name in getattr(INTERFACES[direction], kind)}
                for kind in ("inputs", "outputs")
            }
            for direction in directions
        },
        "size_multiple": size_multiple(network),
        "smallest_size": smallest_size(network),
        "static_shape": None if static_shape is None else list(static_shape),
        "normalisation": NORMALISATION,
        "latent": LATENT,
        "precision": "float32; less, such as bfloat16, which some runtimes choose by themselves, gives wrong images",
    }


def as_properties(description: dict[str, Any]) -> dict[str, str]:
    """Convert a description to ONNX properties: values that are not text become JSON."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in description.items()
    }


def from_properties(properties: dict[str, str]) -> dict[str, Any]:
    """Inverse of `as_properties`; unknown properties stay text."""
    read: dict[str, Any] = {}
    for name, text in properties.items():
        try:
            read[name] = json.loads(text)
        except (ValueError, RecursionError):
            read[name] = text
    return read
