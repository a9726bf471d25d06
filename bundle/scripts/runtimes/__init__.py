"""Run the network on other runtimes than PyTorch, with the same interface."""

from __future__ import annotations

from .exported_network import ExportedNetwork, with_derivatives
from .load_runtime import RUNTIMES, load_runtime

__all__ = ["RUNTIMES", "ExportedNetwork", "load_runtime", "with_derivatives"]
