"""Normalising the sources and restoring them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from scripts.data.errors import BadInputError
from scripts.transforms.normalize import (
    NormalizeSourcesd,
    normalize_by,
    normalize_slices,
    normalize_volume,
    restore_intensity,
)


def scanner_volume(shape=(2, 9, 10, 6)):
    """Sources with a black background, of different ranges."""
    image = torch.randint(1, 900, shape).float()
    image[1] *= 3
    image[:, :2] = 0
    return image


class TestSliceMode:
    @pytest.mark.parametrize("axis", [0, 1, 2])
    def test_each_slice_of_each_source_spans_zero_to_one(self, axis):
        image = scanner_volume() + 5
        image[:, 0, 0, 0] = 0
        normalized, scale = normalize_slices(image, axis)
        across = tuple(dim for dim in (1, 2, 3) if dim != axis + 1)
        constant = image.amax(across) == image.amin(across)
        assert (normalized.amin(across) == 0).all()
        assert (normalized.amax(across)[~constant] == 1).all()
        assert np.shape(scale["offset"]) == (2, image.shape[axis + 1])

    def test_values_are_those_of_the_paper(self):
        image = torch.tensor([0.0, 50, 100, 200]).view(1, 2, 2, 1)
        normalized, scale = normalize_slices(image, 2)
        assert normalized.flatten().tolist() == [0, 0.25, 0.5, 1]
        assert scale == {"mode": "slice", "slice_axis": 2, "offset": [[0.0]], "factor": [[200.0]]}

    @pytest.mark.parametrize("value", [0.0, 7.0, -3.0])
    def test_a_constant_slice_becomes_zero_and_comes_back(self, value):
        image = scanner_volume()
        image[0, ..., 3] = value
        normalized, scale = normalize_slices(image, 2)
        assert (normalized[0, ..., 3] == 0).all()
        assert torch.isfinite(normalized).all()
        assert (restore_intensity(normalized, scale)[0, ..., 3] == value).all()


class TestVolumeMode:
    def test_the_upper_percentile_becomes_one_and_brighter_is_not_clipped(self):
        image = torch.zeros(1, 20, 20, 20)
        image[0, 5:15, 5:15, 5:15] = torch.arange(1, 1001).view(10, 10, 10).float()
        image[0, 6, 6, 6] = 5000.0
        normalized, scale = normalize_volume(image, 2, upper=99.0)
        assert scale["offset"] == [[0.0]]
        assert scale["factor"][0][0] == pytest.approx(990, abs=2)
        assert normalized.min() == 0
        assert normalized.max() == pytest.approx(5000 / scale["factor"][0][0])

    def test_black_stays_zero(self):
        image = scanner_volume()
        normalized, _ = normalize_volume(image, 2)
        assert torch.equal(normalized == 0, image == 0)

    def test_the_background_s_share_does_not_matter(self):
        image = scanner_volume()
        padded = torch.nn.functional.pad(image, (5, 5, 5, 5, 5, 5))
        assert normalize_volume(image, 2)[1] == normalize_volume(padded, 2)[1]

    def test_a_lower_percentile_becomes_zero(self):
        image = torch.arange(1001.0).view(1, 7, 11, 13)
        scale = normalize_volume(image, 2, lower=10, upper=90)[1]
        assert scale["offset"][0][0] == pytest.approx(101, abs=1)
        assert scale["factor"][0][0] == pytest.approx(799, abs=1)

    def test_a_mask_of_one_grey_value_is_not_divided_by_zero(self):
        image = torch.zeros(1, 4, 4, 4)
        image[0, 1:3] = 8
        normalized, _ = normalize_volume(image, 2)
        assert normalized.unique().tolist() == [0, 1]


@pytest.mark.parametrize("mode", ["slice", "volume"])
class TestWayBack:
    @pytest.mark.parametrize("axis", [0, 1, 2])
    def test_the_sources_come_back_through_json(self, mode, axis):
        image = MetaTensor(scanner_volume(), affine=np.diag([2.0, 2, 2, 1]))
        data = NormalizeSourcesd(mode, slice_axis=axis)({"image": image, "patient": "X"})
        scale = json.loads(json.dumps(data["intensity_scale"]))
        assert scale["slice_axis"] == axis
        restored = restore_intensity(data["image"], scale)
        assert (restored - image).abs().max() <= 1e-6 * image.max()
        assert data["patient"] == "X"

    def test_the_affine_and_the_input_are_kept(self, mode):
        affine = np.diag([-1.0, -1, 5, 1])
        image = MetaTensor(scanner_volume(), affine=affine, meta={"filename_or_obj": "X.nii"})
        before = image.clone()
        data = NormalizeSourcesd(mode)({"image": image})
        assert np.array_equal(data["image"].affine, affine)
        assert data["image"].meta["filename_or_obj"] == "X.nii"
        assert data["image"].dtype == torch.float32
        assert torch.equal(image, before)

    def test_a_background_below_zero_works(self, mode):
        image = scanner_volume() - 1000
        normalized, scale = {"slice": normalize_slices, "volume": normalize_volume}[mode](image, 2)
        assert normalized.min() == 0
        assert (normalized[:, :2] == 0).all()
        assert (restore_intensity(normalized, scale) - image).abs().max() < 1e-3

    def test_the_axis_is_determined_from_the_affine(self, mode):
        image = MetaTensor(scanner_volume(), affine=np.diag([1.0, 6, 1, 1]))
        assert NormalizeSourcesd(mode)({"image": image})["intensity_scale"]["slice_axis"] == 1


class TestKnownScale:
    @pytest.mark.parametrize("normalize", [normalize_slices, normalize_volume])
    def test_a_scale_applied_to_its_own_sources_normalises_them(self, normalize):
        image = scanner_volume()
        normalized, scale = normalize(image, 2)
        assert torch.equal(normalize_by(image, json.loads(json.dumps(scale))), normalized)


class TestBadSettings:
    def test_an_unknown_mode_is_refused(self):
        with pytest.raises(BadInputError, match='normalisation is "zscore", expected one of'):
            NormalizeSourcesd("zscore")

    def test_an_impossible_axis_is_refused(self):
        with pytest.raises(BadInputError, match="slice_axis is 3"):
            NormalizeSourcesd(slice_axis=3)

    @pytest.mark.parametrize(("lower", "upper"), [(-1, 99), (50, 50), (0, 101)])
    def test_impossible_percentiles_are_refused(self, lower, upper):
        with pytest.raises(BadInputError, match="0 <= lower < upper <= 100"):
            NormalizeSourcesd("volume", lower=lower, upper=upper)

    def test_the_scale_of_another_volume_is_refused(self):
        _, scale = normalize_slices(scanner_volume((2, 9, 10, 6)), 2)
        with pytest.raises(BadInputError, match="needs 2 sources x 7 slices"):
            restore_intensity(torch.zeros(2, 9, 10, 7), scale)
        with pytest.raises(BadInputError, match="needs 3 sources"):
            restore_intensity(torch.zeros(3, 9, 10, 6), scale)

    def test_an_incomplete_scale_is_refused(self):
        with pytest.raises(BadInputError, match='no usable "offset"'):
            restore_intensity(torch.zeros(2, 3, 3, 3), {"mode": "slice", "slice_axis": 2})


def test_real_volumes_come_back(shared_data):
    from scripts.data.discovery import find_patients
    from scripts.transforms.load_sources import LoadSourcesd

    data = LoadSourcesd()(find_patients(shared_data / "open" / "openms-26")[0])
    normalized = NormalizeSourcesd()(data)
    restored = restore_intensity(normalized["image"], normalized["intensity_scale"])
    assert torch.equal(restored.round(), data["image"])
