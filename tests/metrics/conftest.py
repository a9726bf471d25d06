"""The sixteen reference triples, the definition in NumPy, and random ones."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

FOLDER = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def references() -> dict[str, dict[str, float | None]]:
    """Values of each triple by their name in the file; where the original is not reproducible the robust one."""
    values = json.loads((FOLDER / "reference" / "reference.json").read_text())
    for known in values.values():
        for key, both in known.get("ill_conditioned", {}).items():
            known[key] = both["robust"]
    return values


@pytest.fixture(scope="session")
def triple() -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    """Return a function that gives fused (1, 1, H, W) and sources (1, 2, H, W) of a triple, in [0, 1]."""
    with np.load(FOLDER / "reference" / "triples.npz") as stored:
        images = dict(stored)

    def get(name: str, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
        fused, a, b = (torch.from_numpy(images[f"{name}/{part}"]).to(dtype) / 255 for part in ("fused", "a", "b"))
        return fused[None, None], torch.stack((a, b))[None]

    return get


@pytest.fixture(scope="session")
def definition() -> ModuleType:
    """The metrics in NumPy."""
    spec = importlib.util.spec_from_file_location("definition", FOLDER / "definition.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def blobs() -> Callable[..., tuple[torch.Tensor, torch.Tensor]]:
    """Return a function that gives smooth 8-bit images on black: fused (B, 1, H, W) and N sources."""

    def make(batch: int = 2, sources: int = 2, size: tuple[int, int] = (20, 23)) -> tuple[torch.Tensor, torch.Tensor]:
        coarse = torch.rand(batch, sources, 6, 6, dtype=torch.float64)
        image = torch.nn.functional.interpolate(coarse, size=size, mode="bilinear")
        image[..., :6, :] = 0
        fused = 0.7 * image[:, :1] + 0.3 * image[:, -1:]
        return (fused * 255).round() / 255, (image * 255).round() / 255

    return make
