"""A region includes the windows centred in it."""

from __future__ import annotations

import pytest
import torch

from scripts.evaluation.regions import ssim_by_region
from scripts.losses.ssim import SSIM


def test_the_whole_slice_is_the_mean_of_all_windows():
    one, other = torch.rand(3, 2, 20, 22), torch.rand(3, 2, 20, 22)
    found = ssim_by_region(one, other, {"slice": torch.ones(3, 1, 20, 22, dtype=torch.bool)})
    assert torch.allclose(found["slice"], SSIM()(one, other), atol=1e-6)


def test_a_region_counts_the_windows_centred_in_it():
    one, other = torch.rand(1, 1, 20, 22), torch.rand(1, 1, 20, 22)
    mask = torch.zeros(1, 1, 20, 22, dtype=torch.bool)
    mask[0, 0, 9, 12] = True
    found = ssim_by_region(one, other, {"lesion": mask})["lesion"]
    assert found.item() == pytest.approx(SSIM().similarity_map(one, other)[0, 0, 9 - 5, 12 - 5].item())


def test_an_empty_region_has_no_score():
    one = torch.rand(1, 1, 20, 22)
    assert ssim_by_region(one, one, {"lesion": torch.zeros(1, 1, 20, 22)})["lesion"].isnan().all()
