"""The files of the maps."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from scripts.outputs.map_files import map_keys, write_map_sidecar, write_maps
from scripts.outputs.result_names import ResultNames


@pytest.fixture
def like(tmp_path, write_patient):
    return write_patient(tmp_path / "in", "P1")["t1gd"]


def written(tmp_path, like, kind, **maps):
    return [nib.load(path) for path in write_maps(tmp_path, ResultNames("P1"), maps, kind, np.eye(4), like)]


def test_values_come_back_from_16_bits_negative_ones_as_well(tmp_path, like):
    values = torch.linspace(-0.2, 1.1, 24).view(2, 3, 4)
    image, other = written(tmp_path, like, "contribution", t1gd=values, flair=values.abs())
    assert image.get_data_dtype() == np.uint16
    assert np.abs(image.get_fdata() - values.numpy()).max() <= 1.3 / 65535
    assert other.get_fdata().min() >= 0
    assert image.header["descrip"].item().decode() == "FusionINN contribution of t1gd to fused, research use only"


def test_expected_errors_say_that_they_are_of_estimates(tmp_path, like):
    (image,) = written(tmp_path, like, "uncertainty", flair=torch.rand(2, 3, 4))
    told = image.header["descrip"].item().decode()
    assert told == "FusionINN expected error of ESTIMATED flair, research use only"
    assert (tmp_path / "P1_flair_uncertainty.nii.gz").is_file()


def test_a_map_without_contrast_can_be_written(tmp_path, like):
    (image,) = written(tmp_path, like, "uncertainty", flair=torch.zeros(2, 3, 4))
    assert (image.get_fdata() == 0).all()


def test_the_sidecar_describes_the_maps_and_names_their_files(tmp_path):
    keys = map_keys(ResultNames("P1"), ["t1gd", "flair"], "uncertainty")
    assert keys["UncertaintyFiles"] == ["P1_t1gd_uncertainty.nii.gz", "P1_flair_uncertainty.nii.gz"]
    assert "Expected error" in keys["Uncertainty"] and "in its units" in keys["Uncertainty"]
    path = write_map_sidecar(tmp_path / "s.json", ResultNames("P1"), ["t1gd", "flair"], "uncertainty", "0123456789ab")
    content = json.loads(Path(path).read_text())
    assert content["ResearchUseOnly"].startswith("For research use only")
    assert content["Uncertainty"] == keys["Uncertainty"]
    assert content["FusionID"] == "0123456789ab"
