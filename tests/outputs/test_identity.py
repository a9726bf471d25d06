"""A fused image and a sidecar that do not belong together are rejected."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from scripts.data.errors import BadInputError
from scripts.outputs.digest import voxel_digest
from scripts.outputs.identity import check_belongs, identity_keys, patient_of
from scripts.outputs.volumes import fused_descrip, save_volume

AFFINE = np.diag([-1.0, -1.0, 5.0, 1.0])
SHAPE = (6, 5, 4)
ID = "0123456789ab"
VALUES = np.linspace(0, 1, 120).reshape(SHAPE)


@pytest.fixture
def fused(tmp_path):
    path = tmp_path / "P1_fused.nii.gz"
    save_volume(path, VALUES, AFFINE, "uint16", descrip=fused_descrip(ID))
    return path


@pytest.fixture
def sidecar():
    return {
        **identity_keys("P1", SHAPE, AFFINE),
        "FusionID": ID,
        "StoredDtype": "uint16",
        "FusedSHA256": voxel_digest(VALUES, "uint16"),
    }


def without_id(path):
    image = nib.load(path)
    nib.save(nib.Nifti1Image(image.get_fdata(dtype=np.float32), image.affine), path)
    return path


@pytest.mark.parametrize(("name", "patient"), [("A_1_fused.nii.gz", "A_1"), ("A_fused.nii", "A"), ("A.nii.gz", None)])
def test_the_patient_is_in_the_name(name, patient):
    assert patient_of(name) == patient


def test_a_pair_is_accepted_even_renamed(fused, sidecar):
    check_belongs(fused, sidecar, VALUES, AFFINE)
    renamed = fused.rename(fused.with_name("other_fused.nii.gz"))
    check_belongs(renamed, sidecar, VALUES, AFFINE)


def test_an_older_sidecar_is_not_compared(fused):
    check_belongs(fused, {}, VALUES, AFFINE)


def test_the_sidecar_of_another_fusion_is_refused(fused, sidecar):
    with pytest.raises(BadInputError, match=r"P1_fused\.nii\.gz and the sidecar .* different fusions .*fuse again"):
        check_belongs(fused, {**sidecar, "FusionID": "ba9876543210"}, VALUES, AFFINE)


def test_the_name_counts_where_a_tool_has_dropped_the_id(fused, sidecar):
    check_belongs(without_id(fused), sidecar, VALUES, AFFINE)
    with pytest.raises(BadInputError, match=r'P1_fused\.nii\.gz is of patient P2.*change "Patient"'):
        check_belongs(fused, {**sidecar, "Patient": "P2"}, VALUES, AFFINE)


def test_a_resampled_image_is_refused(fused, sidecar):
    with pytest.raises(
        BadInputError, match=r"shape \(12, 10, 4\), but \(6, 5, 4\) was written: .*original fused image"
    ):
        check_belongs(fused, sidecar, np.zeros((12, 10, 4)), AFFINE)


@pytest.mark.parametrize("change", ["shifted", "flipped"])
def test_an_image_that_lies_elsewhere_is_refused(fused, sidecar, change):
    other = AFFINE.copy()
    if change == "shifted":
        other[0, 3] += 0.5
    else:
        other[0] *= -1
    with pytest.raises(BadInputError, match="resampled or reoriented"):
        check_belongs(fused, sidecar, VALUES, other)


def test_rounding_of_the_header_makes_no_difference(fused, sidecar):
    check_belongs(fused, sidecar, VALUES, AFFINE + 1e-4)
