from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("nilearn", reason="the brain maps are in nilearn's wheel")

from scripts.phantom.build import build_phantom

SMALL = {"voxel": 4.0, "slice_factor": 1}


def test_small_phantom_fills_the_same_frame(small):
    assert small.t1gd.shape == small.flair.shape == small.seg.shape == small.tissue.shape == (60, 60, 39)
    assert small.t1gd.dtype == small.seg.dtype == np.int16
    assert np.diag(small.affine).tolist() == [-4.0, -4.0, 4.0, 1.0]


def test_the_same_seed_gives_the_same_phantom(small):
    again = build_phantom(7, **SMALL)
    assert all(np.array_equal(one, other) for one, other in zip(small, again, strict=True))


def test_another_seed_gives_another_head_and_it_may_have_no_tumour(small):
    other = build_phantom(8, tumour=False, **SMALL)
    assert ((small.tissue > 0) != (other.tissue > 0)).mean() > 0.005
    assert small.seg.any()
    assert not other.seg.any()


def test_a_grid_that_does_not_divide_the_frame_is_refused():
    with pytest.raises(ValueError, match=r"voxels of 1\.0 mm and slices of 5"):
        build_phantom(7, slice_factor=5)
