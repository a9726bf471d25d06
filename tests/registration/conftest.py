"""A phantom in two contrasts, optionally with a skull."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.phantom.build import build_phantom
from scripts.registration.motion import rigid_matrix
from scripts.registration.resample import resample
from scripts.registration.volume import Volume, head_points


def phantom_of(voxel: float) -> tuple[Volume, Volume]:
    """T1-Gd and FLAIR of a phantom in cubes of `voxel` mm."""
    phantom = build_phantom(7, voxel=voxel, slice_factor=1)
    return tuple(Volume(values.astype(np.float32), phantom.affine) for values in (phantom.t1gd, phantom.flair))


@pytest.fixture(scope="session")
def pair() -> tuple[Volume, Volume]:
    """T1-Gd and FLAIR of a phantom, 3 mm cubes."""
    return phantom_of(3.0)


@pytest.fixture(scope="session")
def fine_pair() -> tuple[Volume, Volume]:
    """T1-Gd and FLAIR of a phantom, 2 mm cubes, three times as many: where it matters how close a result is."""
    return phantom_of(2.0)


@pytest.fixture(scope="session")
def moved():
    """Return a function that simulates a scan after the head moved, and returns it with the motion.

    `moved(volume, degrees, mm, spacing)`; the grid is that of the volume where no spacing is given.
    """

    def move(volume, degrees, shift, spacing=None):
        points = head_points(volume)
        truth = rigid_matrix(np.asarray(degrees, float), np.asarray(shift, float), points.mean(0))
        onto, shape = volume.affine, volume.values.shape
        if spacing is not None:
            ends = points @ truth[:3, :3].T + truth[:3, 3]
            onto = np.diag([*spacing, 1.0])
            onto[:3, 3] = ends.min(0) - 15
            shape = tuple(int(n) for n in np.ceil((np.ptp(ends, axis=0) + 30) / spacing))
        return Volume(resample(volume.values, volume.affine, onto, shape, np.linalg.inv(truth)).volume, onto), truth

    return move
