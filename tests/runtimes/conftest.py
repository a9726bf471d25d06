"""Exports of the small network, by runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from scripts.networks import FusionINN
from scripts.runtimes import ExportedNetwork, load_runtime

PACKAGES = {"onnx": "onnxruntime", "openvino": "openvino"}


@pytest.fixture
def exported_for(request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """Return a function that gives the folder of the exports for a runtime, or skips."""

    def find(runtime: str) -> Path:
        package = PACKAGES.get(runtime)
        if package:
            pytest.importorskip(package, reason=f"no {package}: pip install -r requirements-dev.txt")
        return request.getfixturevalue("onnx_exports" if package else "torch_exports")

    return find


@pytest.fixture
def opened(exported_for: Callable[[str], Path]) -> Callable[[str], ExportedNetwork]:
    """Return a function that loads the small network on a runtime."""

    def load(runtime: str) -> ExportedNetwork:
        folder = exported_for(runtime)
        network = FusionINN(blocks=2, hidden_channels=4, latent_scale=0.5)
        return load_runtime(runtime, network, folder / "model.pt", folder, torch.device("cpu"))

    return load
