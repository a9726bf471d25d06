"""NRRD and MetaImage files."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("itk", reason="no itk: pip install -r requirements-clinic.txt")

import itk

from scripts.data.errors import BadInputError
from scripts.data.nifti import read_nifti
from scripts.registration.itk_file import read_itk
from scripts.registration.motion import rigid_matrix

TURN = rigid_matrix(np.array([10.0, 20.0, 30.0]), np.array([4.0, 5.0, 6.0]), np.zeros(3)) @ np.diag([1, 2, 3, 1.0])


@pytest.fixture(scope="module")
def nifti(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "a.nii.gz"
    values = np.random.default_rng(0).integers(-50, 900, (7, 6, 5)).astype(np.int16)
    nib.save(nib.Nifti1Image(values, TURN), path)
    return path


@pytest.mark.parametrize("ending", [".nrrd", ".nhdr", ".mha", ".mhd"])
def test_a_volume_lies_where_it_lies_as_nifti(nifti, ending):
    path = nifti.with_name(f"a{ending}")
    itk.imwrite(itk.imread(str(nifti)), str(path))
    read, expected = read_itk(path), read_nifti(nifti)
    assert np.array_equal(read, expected)
    assert np.allclose(read.affine, expected.affine, atol=1e-4)


def test_truncated_and_missing_files_are_refused(nifti):
    path = nifti.with_name("cut.nrrd")
    itk.imwrite(itk.imread(str(nifti)), str(path))
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(BadInputError, match=r"cut\.nrrd cannot be read"):
        read_itk(path)
    path.write_bytes(b"")
    with pytest.raises(BadInputError, match=r"cut\.nrrd cannot be read"):
        read_itk(path)
    with pytest.raises(BadInputError, match="does not exist"):
        read_itk(nifti.with_name("none.mha"))


def test_colours_are_refused(nifti):
    path = nifti.with_name("colour.mha")
    itk.imwrite(itk.image_from_array(np.zeros((4, 4, 4, 3), np.uint8), is_vector=True), str(path))
    with pytest.raises(BadInputError, match=r"colour\.mha holds 3 values in each voxel"):
        read_itk(path)


def test_another_format_is_refused_by_its_name(nifti):
    with pytest.raises(BadInputError, match=r"expected one of \.nii, \.nii\.gz, \.nrrd"):
        path = nifti.with_name("a.txt")
        path.write_text("x")
        read_itk(path)
