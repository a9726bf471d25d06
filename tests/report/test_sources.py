"""Sources of results that were registered are put where they lay when they were fused."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from scripts.data.errors import BadInputError
from scripts.report.sources import read_sources

AFFINE = np.diag([1.0, 1.0, 1.0, 1.0])
SHAPE = (12, 14, 10)


@pytest.fixture
def record(tmp_path):
    """A patient whose FLAIR was acquired 3 mm further along x."""
    t1gd = np.random.default_rng(0).integers(1, 100, SHAPE).astype(np.int16)
    flair = np.roll(t1gd, -3, axis=0)
    files = {}
    for name, values in (("t1gd", t1gd), ("flair", flair)):
        files[name] = str(tmp_path / f"{name}.nii.gz")
        nib.save(nib.Nifti1Image(values, AFFINE), files[name])
    return {"patient": "P1", **files}, t1gd


def sidecar(**extra):
    return {"SourceModalities": ["t1gd", "flair"], **extra}


def test_the_recorded_registration_moves_a_source_back(record):
    of_patient, t1gd = record
    moved = np.eye(4)
    moved[0, 3] = -3
    registration = {"t1gd": {"why": "the reference", "matrix": np.eye(4)}, "flair": {"matrix": moved.tolist()}}
    volumes, seg, segments = read_sources(of_patient, sidecar(Registration=registration), SHAPE, AFFINE)
    assert seg is None and segments == {}
    np.testing.assert_allclose(volumes["flair"][3:], t1gd[3:], atol=1e-3)
    np.testing.assert_array_equal(volumes["t1gd"], t1gd)


def test_a_reference_on_another_grid_is_refused(record):
    registration = {"t1gd": {"why": "the reference", "matrix": np.eye(4)}, "flair": {"matrix": np.eye(4)}}
    with pytest.raises(BadInputError, match=r"P1: the source .*t1gd\.nii\.gz lies on another grid"):
        read_sources(record[0], sidecar(Registration=registration), (6, 14, 10), AFFINE)
