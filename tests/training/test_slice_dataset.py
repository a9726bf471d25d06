"""The data set of slices."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.transforms import Compose, RandFlipd
from torch.utils.data import DataLoader

from scripts.data.errors import BadInputError
from scripts.training.slice_dataset import SliceDataset
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd

SHAPE = (40, 48, 8)


@pytest.fixture
def patients(tmp_path, write_patient):
    """Two patients of different size."""
    return [
        write_patient(tmp_path / "data", "P1", shape=SHAPE),
        write_patient(tmp_path / "data", "P2", shape=(36, 42, 7)),
    ]


def read(patients, **settings):
    return SliceDataset(patients, progress=False, **settings)


def assert_same_items(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert (a["patient"], a["slice"]) == (b["patient"], b["slice"])
        assert torch.equal(a["image"], b["image"])
        assert torch.equal(a["brain"], b["brain"])


class TestItems:
    def test_an_item_is_a_normalised_slice_with_its_origin(self, patients):
        dataset = read(patients)
        item = dataset[0]
        assert list(item) == ["image", "patient", "slice", "brain"]
        assert (item["image"].shape, item["image"].dtype) == ((2, 40, 48), torch.float32)
        assert (item["brain"].shape, item["brain"].dtype) == ((1, 40, 48), torch.bool)
        assert type(item["image"]) is torch.Tensor
        assert (item["patient"], type(item["slice"])) == ("P1", int)
        assert dataset[len(dataset) - 1]["image"].shape == (2, 36, 42)
        assert dataset.patients == ["P1", "P2"]

    @pytest.mark.parametrize("mode", ["slice", "volume"])
    def test_images_are_those_of_the_transforms_to_sixteen_bits(self, patients, mode):
        whole = NormalizeSourcesd(mode)(LoadSourcesd()(patients[0]))["image"]
        for item in read(patients[:1], normalisation=mode):
            expected = whole[..., item["slice"]].as_tensor()
            span = expected.amax((1, 2)) - expected.amin((1, 2))
            error = (item["image"] - expected).abs().amax((1, 2))
            assert (error <= span / 131070 + 1e-7).all()
            assert torch.equal(item["image"].amax((1, 2)), expected.amax((1, 2)))

    def test_brain_is_where_a_source_shows_something(self, patients):
        for item in read(patients):
            assert torch.equal(item["brain"][0], (item["image"] > 0).any(dim=0))

    def test_values_below_zero_are_kept(self, patients):
        items = read(patients[:1], normalisation="volume", lower=20.0, upper=80.0)
        assert min(item["image"].min() for item in items) < -0.1

    def test_a_transform_is_applied_to_each_item(self, patients):
        flip = Compose([RandFlipd(["image", "brain"], prob=1.0, spatial_axis=0)])
        plain, flipped = read(patients)[2], read(patients, transform=flip)[2]
        assert torch.equal(flipped["image"].flip(1), plain["image"])

    def test_tumour_slices_are_chosen_where_a_segmentation_says_so(self, tmp_path, write_patient):
        seg = np.zeros(SHAPE)
        seg[20, 20, 3:6] = 1
        seg[20, 22, 4:7] = 2
        patient = write_patient(tmp_path, "P3", shape=SHAPE, seg=seg)
        assert [item["slice"] for item in read([patient])] == [4, 5]
        assert len(read([patient], criterion="brain")) > 2

    def test_thick_slices_are_cut_whole(self, tmp_path, write_patient):
        patient = write_patient(tmp_path, "P4", shape=(8, 40, 48), affine=np.diag([6.0, 1, 1, 1]))
        assert read([patient])[0]["image"].shape == (2, 40, 48)
        assert read([patient], slice_axis=2)[0]["image"].shape == (2, 8, 40)

    def test_workers_of_a_loader_read_the_same(self, patients):
        dataset = read(patients[:1])
        (batch,) = DataLoader(dataset, batch_size=len(dataset), num_workers=1)
        assert torch.equal(batch["image"], torch.stack([item["image"] for item in dataset]))

    def test_no_patients_are_an_empty_data_set(self):
        assert len(read([])) == 0
        assert list(DataLoader(read([]), batch_size=4)) == []

    def test_a_progress_bar_counts_patients_on_a_terminal(self, patients, capsys, monkeypatch):
        SliceDataset(patients)
        assert capsys.readouterr().err == ""  # a file or a pipe, whose lines it would garble
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        SliceDataset(patients)
        assert "Reading patients: 100%" in capsys.readouterr().err
        SliceDataset(patients, progress=False)
        assert capsys.readouterr().err == ""


class TestBadInput:
    def break_file(self, patient):
        path = Path(patient["flair"])
        path.write_bytes(path.read_bytes()[:200])

    def test_all_bad_patients_are_named_at_once(self, patients):
        for patient in patients:
            self.break_file(patient)
        with pytest.raises(BadInputError, match="2 of 2 patients cannot be used") as caught:
            read(patients)
        assert "- P1: " in str(caught.value)
        assert "P2_flair.nii.gz" in str(caught.value)

    def test_bad_patients_can_be_skipped_with_a_warning(self, patients):
        self.break_file(patients[0])
        with pytest.warns(UserWarning, match=r"left out: P1: .*P1_flair\.nii\.gz cannot be read"):
            dataset = read(patients, on_bad_input="skip")
        assert dataset.patients == ["P2"]

    @pytest.mark.filterwarnings("ignore:left out")
    def test_skipping_everybody_is_refused(self, patients):
        self.break_file(patients[0])
        with pytest.raises(BadInputError, match="1 of 1 patients cannot be used"):
            read(patients[:1], on_bad_input="skip")

    def test_a_patient_without_chosen_slices_is_warned_of(self, patients, tmp_path, write_patient):
        seg = np.zeros(SHAPE)
        seg[20, 20, 3] = 1
        seg[20, 20, 5] = 2
        patient = write_patient(tmp_path, "P5", shape=SHAPE, seg=seg)
        with pytest.warns(UserWarning, match=r"1 patient.* no slice by the criterion .*: P5"):
            assert read([*patients, patient]).patients == ["P1", "P2"]

    def test_no_slice_at_all_is_refused(self, patients):
        with pytest.raises(BadInputError, match="no slice was chosen from 2 patients"):
            read(patients, min_brain_fraction=0.99)

    def test_unknown_settings_are_refused_before_reading(self, patients):
        with pytest.raises(BadInputError, match='criterion is "any"'):
            read(patients, criterion="any")
        with pytest.raises(BadInputError, match='on_bad_input is "ignore"'):
            read(patients, on_bad_input="ignore")
        with pytest.raises(BadInputError, match='normalisation is "none"'):
            read(patients, normalisation="none")


class TestCache:
    def test_a_second_run_reads_the_same_from_the_cache(self, patients, tmp_path):
        cache = tmp_path / "cache"
        first = read(patients, cache_dir=cache)
        assert sorted(file.name[:3] for file in cache.iterdir()) == ["P1-", "P2-"]
        # the content is gone, size and time are not: only the cache can answer
        for patient in patients:
            status = os.stat(patient["flair"])
            Path(patient["flair"]).write_bytes(bytes(status.st_size))
            os.utime(patient["flair"], ns=(status.st_atime_ns, status.st_mtime_ns))
        assert_same_items(read(patients, cache_dir=cache), first)

    def test_a_changed_file_is_read_anew(self, patients, tmp_path):
        cache = tmp_path / "cache"
        read(patients, cache_dir=cache)
        os.utime(patients[0]["flair"], ns=(1, 1))
        read(patients, cache_dir=cache)
        assert len(list(cache.glob("P1-*"))) == 2

    @pytest.mark.parametrize(
        "change",
        [
            {"normalisation": "volume"},
            {"criterion": "brain"},
            {"min_brain_fraction": 0.2},
            {"sources": ("flair", "t1gd")},
            {"slice_axis": 1},
        ],
    )
    def test_a_changed_setting_is_not_served_from_the_cache(self, patients, tmp_path, change):
        cache = tmp_path / "cache"
        read(patients, cache_dir=cache)
        assert_same_items(read(patients, cache_dir=cache, **change), read(patients, **change))

    def test_a_damaged_cache_is_made_anew(self, patients, tmp_path):
        cache = tmp_path / "cache"
        first = read(patients[:1], cache_dir=cache)
        (file,) = cache.iterdir()
        file.write_bytes(file.read_bytes()[:500])
        with pytest.warns(UserWarning, match="is damaged"):
            assert_same_items(read(patients[:1], cache_dir=cache), first)
        assert_same_items(read(patients[:1], cache_dir=cache), first)

    def test_patients_without_slices_are_remembered(self, patients, tmp_path):
        cache = tmp_path / "cache"
        for _ in range(2):
            with pytest.raises(BadInputError, match="no slice was chosen"):
                read(patients, cache_dir=cache, min_brain_fraction=0.99)
        assert len(list(cache.iterdir())) == 2
