"""Fixtures of the phantom: a small one, built once, and a fast substitute for a full one."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from scripts.phantom.grid import Grid


@pytest.fixture(scope="session")
def small():
    """The phantom of seed 7 in voxels of 4 mm."""
    pytest.importorskip("nilearn", reason="the brain maps are in nilearn's wheel")
    from scripts.phantom.build import build_phantom

    return build_phantom(7, voxel=4.0, slice_factor=1)


@pytest.fixture
def coarse_build(monkeypatch):
    """Write real phantoms with voxels of 12 mm, because those of 1 mm take a minute each."""
    pytest.importorskip("nilearn", reason="the brain maps are in nilearn's wheel")
    from scripts.phantom import files
    from scripts.phantom.build import build_phantom

    coarse = partial(build_phantom, voxel=12.0, slice_factor=1)
    monkeypatch.setattr(files, "build_phantom", coarse)
    return coarse


@pytest.fixture(scope="session")
def coarse_grid():
    """The box around the brain in voxels of 8 mm."""
    return Grid.around_brain(8.0)


@pytest.fixture
def rng():
    """A random generator with the same seed in every test."""
    return np.random.default_rng(11)
