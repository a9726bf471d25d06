"""Size of the shipped network."""

from __future__ import annotations

from .results import Results


def sizes(results: Results) -> str:
    """Parameters and size of the file."""
    facts = results.json("network/network.json")
    return f"{facts['parameters']:,} parameters, {facts['megabytes']:.2f} MB"


def operations(results: Results) -> str:
    """Floating-point operations of a slice."""
    return f"{results.json('network/network.json')['gflop']:.2f} GFLOP"


VIEWS = {"network.sizes": sizes, "network.operations": operations}
