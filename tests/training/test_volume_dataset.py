"""The data set of volumes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.data.slices import brain_mask
from scripts.training.volume_dataset import VolumeDataset
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd

SHAPE = (40, 48, 12)


@pytest.fixture
def patients(tmp_path, write_patient):
    """Two patients of different size."""
    return [
        write_patient(tmp_path / "data", "P1", shape=SHAPE),
        write_patient(tmp_path / "data", "P2", shape=(36, 42, 9)),
    ]


def read(patients, **settings):
    return VolumeDataset(patients, progress=False, **settings)


def whole(patient):
    """What the transforms make of a patient, and where its brain is."""
    data = LoadSourcesd()(patient)
    return NormalizeSourcesd("volume")(data)["image"].as_tensor(), brain_mask(data["image"])


def place(mask, margin, axis):
    """From the first to the last place along an axis that shows something, with the margin."""
    where = np.flatnonzero(mask.numpy().any(axis=tuple(other for other in range(4) if other != axis)))
    return slice(max(where[0] - margin, 0), where[-1] + 1 + margin)


def test_an_item_is_the_normalised_volume_around_the_brain(patients):
    dataset = read(patients, margin=3)
    assert len(dataset) == 2
    for patient, item in zip(patients, dataset, strict=True):
        assert list(item) == ["image", "patient", "brain"]
        assert item["patient"] == patient["patient"]
        image, mask = whole(patient)
        box = (slice(None), place(mask, 3, 1), place(mask, 3, 2), place(mask, 0, 3))
        assert (item["image"].dtype, item["brain"].dtype) == (torch.float32, torch.bool)
        # 16 bits of the range of a slice
        torch.testing.assert_close(item["image"], image[box].contiguous(), rtol=0, atol=float(image.max()) / 131070)
        assert torch.equal(item["brain"], mask[box])


def test_slices_follow_each_other_along_the_last_axis(tmp_path, write_patient):
    patient = write_patient(tmp_path, "P", shape=(8, 40, 48), affine=np.diag([6.0, 1, 1, 1]))
    image, mask = whole(patient)
    (item,) = read([patient], margin=48)
    expected = image.movedim(1, -1)[..., place(mask, 0, 1)]
    torch.testing.assert_close(item["image"], expected, rtol=0, atol=float(image.max()) / 131070)


def test_a_slice_without_brain_stays_in_its_place(tmp_path, write_patient):
    volume = np.zeros(SHAPE)
    volume[10:30, 10:30, 2:9] = 100
    volume[..., 5] = 0
    patient = write_patient(tmp_path, "P", shape=SHAPE, t1ce=volume, flair=2 * volume)
    (item,) = read([patient], margin=0)
    assert item["image"].shape == (2, 20, 20, 7)
    shown = item["image"].amax(dim=(0, 1, 2)) > 0
    assert shown.tolist() == [True, True, True, False, True, True, True]
    assert item["brain"].flatten(0, 2).any(dim=0).tolist() == shown.tolist()


def test_what_was_cached_is_read_again(tmp_path, patients):
    first, second = (read(patients, cache_dir=tmp_path / "cache") for _ in range(2))
    assert len(list((tmp_path / "cache").iterdir())) == 2
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one["image"], other["image"])


def test_a_transform_is_applied_to_each_item(patients):
    assert list(read(patients, transform=lambda item: item["patient"])) == ["P1", "P2"]


def test_patients_that_cannot_be_read_are_told(patients):
    patients[0]["flair"] += ".gone"
    with pytest.raises(BadInputError, match="1 of 2 patients cannot be used"):
        read(patients)


def test_no_patients_are_an_empty_data_set():
    assert len(read([])) == 0
