"""The slice that a figure shows, and what a method makes of it."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import torch

from fusioninn_research.sample import read_sample
from scripts.data.errors import BadInputError
from scripts.inferers.slicewise import fuse_volume
from scripts.losses.ssim import SSIM
from scripts.networks import FusionINN
from scripts.networks.pixelwise import MaxFusion, MeanFusion

SOURCES = ["t1gd", "flair"]


@pytest.fixture
def patients(write_patient, tmp_path):
    lesion = np.zeros((40, 48, 8), dtype=np.int16)
    lesion[10:14, 20:30, 5] = 1
    lesion[12, 20, 2] = 1
    write_patient(tmp_path, "P1", seg=lesion)
    write_patient(tmp_path, "P2")
    return str(tmp_path)


def test_the_slice_with_the_largest_lesion_of_the_first_patient_is_shown(patients):
    sample = read_sample(patients, SOURCES)
    assert (sample.patient, sample.number) == ("P1", 5)
    assert sample.sources.shape == (2, 48, 40)
    assert (sample.sources.min(), sample.sources.max()) == (0.0, 1.0)


def test_the_enlarged_part_is_around_the_lesion_s_largest_part(patients):
    sample = read_sample(patients, SOURCES, zoom_size=(12, 8))
    rows, columns = sample.zoom
    assert (rows.stop - rows.start, columns.stop - columns.start) == (12, 8)
    # array index x runs to the right of the page, since the affine has -1; y downwards
    assert rows.start <= 24.5 < rows.stop
    assert columns.start <= 11.5 < columns.stop


def test_without_a_marked_lesion_the_middle_is_shown_and_nothing_enlarged(patients):
    sample = read_sample(patients, SOURCES, patient="P2")
    assert 2 <= sample.number <= 5
    assert sample.zoom is None


def test_slice_and_part_can_be_chosen(patients):
    sample = read_sample(patients, SOURCES, patient="P2", number=3, zoom_size=(10, 10), zoom_centre=(47, 0))
    assert sample.number == 3
    assert sample.zoom == (slice(38, 48), slice(0, 10)), "moved inside the picture"


def test_the_slice_is_that_of_the_file(patients):
    sample = read_sample(patients, SOURCES, patient="P2", number=3)
    volume = nib.load(f"{patients}/P2/P2_flair.nii.gz").get_fdata()[:, :, 3]
    expected = (volume - volume.min()) / (volume.max() - volume.min())
    assert sample.sources[1] == pytest.approx(expected.T, abs=1e-6)


def test_an_unknown_patient_is_told_who_is_known(patients):
    with pytest.raises(BadInputError, match="There is no patient P9 in .* for instance P1, P2"):
        read_sample(patients, SOURCES, patient="P9")


@pytest.mark.parametrize("number", [8, -1, "3"])
def test_a_slice_that_is_not_there_is_refused(patients, number):
    with pytest.raises(BadInputError, match="has slices 0 to 7"):
        read_sample(patients, SOURCES, number=number)


def test_a_part_outside_the_picture_is_refused(patients):
    with pytest.raises(BadInputError, match="expected a row and a column within"):
        read_sample(patients, SOURCES, zoom_centre=(48, 3))


class TestApply:
    def test_scores_are_those_of_what_is_shown(self, patients):
        sample = read_sample(patients, SOURCES)
        result = sample.apply(MeanFusion(), dtype="uint8")
        assert result.fused == pytest.approx(np.rint(sample.sources.mean(axis=0) * 255) / 255, abs=1e-6)
        images = torch.as_tensor(np.stack([sample.sources[0], result.fused]))[:, None, None].float()
        assert result.fused_ssim[0] == pytest.approx(SSIM()(images[0], images[1]).item(), abs=1e-6)
        assert result.decomposed is None

    def test_the_maximum_is_another_image(self, patients):
        sample = read_sample(patients, SOURCES)
        assert sample.apply(MaxFusion()).fused.mean() > sample.apply(MeanFusion()).fused.mean()

    def test_an_invertible_network_gives_estimates_with_scores(self, patients):
        sample = read_sample(patients, SOURCES)
        network = FusionINN(hidden_channels=4).eval()
        result = sample.apply(network, dtype="float32")
        fused, _ = fuse_volume(network, sample.image, sample.axis)
        assert result.fused == pytest.approx(sample.pages(fused.clamp(0, 1))[0])
        assert result.decomposed.shape == sample.sources.shape
        assert result.decomposed_ssim.shape == result.fused_ssim.shape == (2,)

    def test_another_number_of_sources_is_refused(self, patients):
        with pytest.raises(BadInputError, match="2 sources are given"):
            read_sample(patients, SOURCES).apply(MeanFusion(3))
