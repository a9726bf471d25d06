"""Free water and tissue look in the synthetic pair as they do in a real one."""

from __future__ import annotations

import math

import pytest
import torch
from monai.data import MetaTensor

from fusioninn_research.scorecard_diffusion import TISSUE_ADC, WATER_ADC, SyntheticDiffusiond


@pytest.fixture
def made():
    """Tissue, with oedema (bright in T2 and FLAIR) and a ventricle (bright in T2, black in FLAIR), in other units."""
    t2, flair = torch.zeros(2, 12, 12, 2)
    t2[1:11, 1:11], flair[1:11, 1:11] = 300.0, 50.0
    t2[2, 2:4], flair[2, 2:4] = 600.0, 100.0
    t2[5, 2:4], flair[5, 2:4] = 900.0, 0.0
    image = MetaTensor(torch.stack((t2, flair)), meta={"filename_or_obj": "x_t2.nii.gz"})
    return SyntheticDiffusiond()({"patient": "P", "image": image})


def test_tissue_and_water_have_their_coefficients(made):
    dwi, adc = made["image"].as_tensor()
    assert adc[8, 8, 0].item() == pytest.approx(TISSUE_ADC)
    assert adc[5, 2, 0].item() == pytest.approx(WATER_ADC)
    assert dwi[8, 8, 0].item() == pytest.approx(math.exp(-TISSUE_ADC))


def test_a_ventricle_is_dark_in_dwi_and_oedema_bright(made):
    dwi = made["image"].as_tensor()[0]
    assert dwi[5, 2, 0] < dwi[8, 8, 0] < dwi[2, 2, 0]


def test_background_stays_black_and_the_grid_is_kept(made):
    assert made["image"].as_tensor()[:, 0].abs().max() == 0
    assert made["patient"] == "P"
    assert made["image"].meta["filename_or_obj"] == "x_t2.nii.gz"


def test_noise_where_t2_is_dark_gives_no_values_out_of_range():
    image = torch.rand(2, 16, 16, 2)
    image[:, 0] = image[:, -1] = 0
    image[0, 4:6] = 1e-6
    dwi, adc = SyntheticDiffusiond()({"image": image})["image"]
    assert torch.isfinite(dwi).all()
    assert adc.max() <= WATER_ADC
    assert adc[1:-1].min() >= TISSUE_ADC - 1e-6
