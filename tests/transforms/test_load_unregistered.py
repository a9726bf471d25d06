"""Reading images on different grids."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from scripts.data.errors import BadInputError
from scripts.transforms.load_unregistered import LoadUnregisteredd


@pytest.fixture
def patient(tmp_path, write_patient):
    """A patient whose FLAIR has other voxels."""
    record = write_patient(tmp_path, "P1", shape=(12, 10, 6))
    flair = np.random.default_rng(0).uniform(1, 90, (9, 11, 4)).astype(np.float32)
    nib.save(nib.Nifti1Image(flair, np.diag([1.5, 1.0, 5.0, 1.0])), record["flair"])
    return record


def test_each_source_keeps_its_grid(patient):
    data = LoadUnregisteredd()(patient)
    assert {source: tuple(volume.shape) for source, volume in data["volumes"].items()} == {
        "t1gd": (12, 10, 6),
        "flair": (9, 11, 4),
    }
    assert np.allclose(data["volumes"]["flair"].affine, np.diag([1.5, 1.0, 5.0, 1.0]))
    assert data["patient"] == "P1"
    assert data["files"] == {source: patient[source] for source in ("t1gd", "flair")}


def test_nrrd_and_metaimage_are_read_as_well_as_nifti(patient):
    itk = pytest.importorskip("itk", reason="no itk: pip install -r requirements-clinic.txt")
    other = patient["flair"].replace(".nii.gz", ".mha")
    itk.imwrite(itk.imread(patient["flair"]), other)
    expected, read = (
        LoadUnregisteredd()(patient)["volumes"],
        LoadUnregisteredd()({**patient, "flair": other})["volumes"],
    )
    assert np.array_equal(read["flair"], expected["flair"])
    assert np.allclose(read["flair"].affine, expected["flair"].affine)


def test_what_holds_no_image_is_refused(patient):
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), np.float32), np.eye(4)), patient["flair"])
    with pytest.raises(BadInputError, match="is all zero"):
        LoadUnregisteredd()(patient)


def test_a_record_with_a_problem_is_refused():
    with pytest.raises(BadInputError, match="no flair"):
        LoadUnregisteredd()({"patient": "P1", "problem": "P1: no flair"})
