"""NaN around the head is background, NaN in the head is an error."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from scripts.data.nan_background import fill_background
from scripts.transforms.load_sources import LoadSourcesd

SHAPE = (12, 10, 8)


def masked(lowest=5.0):
    """A head in a box surrounded by NaN."""
    values = np.full(SHAPE, np.nan, np.float32)
    values[3:9, 3:8, 2:7] = np.linspace(lowest, 90, 6 * 5 * 5).reshape(6, 5, 5)
    return values


def filled(values):
    return fill_background(MetaTensor(torch.from_numpy(values), affine=np.diag([1.0, 2, 3, 1])), "a.nii", "flair")


def test_it_becomes_0_with_one_warning_that_counts():
    values = masked()
    with pytest.warns(
        UserWarning, match=r"a\.nii \(flair\) contains NaN in 810 of 960 voxels.*background \(0\)"
    ) as caught:
        volume = filled(values)
    assert len(caught) == 1
    assert np.array_equal(volume, np.nan_to_num(values))
    assert np.array_equal(volume.affine, np.diag([1.0, 2, 3, 1]))
    assert np.isnan(values).sum() == 810  # what was given is not changed


def test_it_becomes_the_lowest_value_where_there_are_negative_ones():
    with pytest.warns(UserWarning, match=r"background \(-2\)"):
        assert filled(masked(lowest=-2.0)).min() == -2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda values: values.__setitem__((5, 5, 4), np.nan),  # a hole in the head
        lambda values: values.__setitem__((5, 5, 4), np.inf),
        lambda values: values.fill(np.nan),
    ],
)
def test_nan_in_the_head_is_left_for_the_check(spoil):
    values = masked()
    spoil(values)
    assert np.array_equal(filled(values), values, equal_nan=True)


def test_a_volume_without_nan_is_given_back_itself():
    volume = MetaTensor(torch.ones(SHAPE))
    assert fill_background(volume, "a.nii") is volume


def test_a_patient_whose_sources_are_masked_by_nan_is_read(tmp_path, write_patient):
    values = masked()
    record = write_patient(tmp_path, "P1", shape=SHAPE, dtype="float32", t1ce=values, flair=values[::-1].copy())
    with pytest.warns(UserWarning, match="all outside the head") as caught:
        image = LoadSourcesd()(record)["image"]
    assert len(caught) == 2
    assert torch.isfinite(image).all()
