"""Eq. 3 of the paper, put together from its terms."""

from __future__ import annotations

import pytest
import torch

from scripts.losses import SSIM, FusionINNLoss, FusionLoss

TERMS = {"loss", "fusion", "fusion_l2", "fused_ssim_t1gd", "fused_ssim_flair"}


@pytest.fixture
def image():
    return torch.rand(3, 2, 24, 20, dtype=torch.float64)


@pytest.fixture
def fused(image):
    return image.mean(dim=1, keepdim=True) + 0.1 * torch.randn(3, 1, 24, 20, dtype=torch.float64)


@pytest.mark.parametrize("lam", [0.0, 0.3, 0.8, 1.0])
def test_it_is_the_sum_by_hand(image, fused, lam):
    expected = 0.0
    for i in range(2):
        source = image[:, i : i + 1]
        expected += lam * (1 - SSIM()(source, fused).mean()) + (1 - lam) * (source - fused).square().mean()
    assert FusionLoss(lam)({"fused": fused}, image).item() == pytest.approx(expected.item(), abs=1e-12)


def test_it_is_the_fusion_term_of_the_total_loss(image, fused):
    prediction = {"fused": fused, "latent": torch.randn_like(fused), "decomposed": image}
    assert FusionLoss().terms(prediction, image)["fusion"] == FusionINNLoss().terms(prediction, image)["fusion"]
    total = FusionINNLoss(alpha=1.0, latent_weight=0.0, range_weight=0.0)
    assert total(prediction, image) == FusionLoss()({"fused": fused}, image)


def test_images_that_are_not_usual_do_not_count(image, fused):
    usual = torch.tensor([i != 1 for i in range(len(image))])
    some = FusionLoss().terms({"fused": fused, "usual": usual}, image)
    alone = FusionLoss().terms({"fused": fused[usual]}, image[usual])
    for name, value in alone.items():
        assert float(some[name]) == pytest.approx(float(value))


def test_a_batch_without_a_usual_image_costs_nothing_and_pulls_at_nothing(image, fused):
    fused = fused.clone().requires_grad_()
    loss = FusionLoss()({"fused": fused, "usual": torch.zeros(len(image), dtype=torch.bool)}, image)
    loss.backward()
    assert float(loss.detach()) == 0
    assert fused.grad.abs().max() == 0


def test_every_term_is_reported_without_a_graph(image, fused):
    loss = FusionLoss()
    value = loss({"fused": fused.requires_grad_()}, image)
    assert set(loss.reported) == TERMS
    assert value.requires_grad
    assert value == loss.reported["loss"]
    assert not any(term.requires_grad for term in loss.reported.values())


def test_the_sources_have_their_own_names():
    image = torch.rand(2, 3, 16, 16)
    terms = FusionLoss(sources=("ct", "pet", "mri")).terms({"fused": image[:, 1:2]}, image)
    assert terms["fused_ssim_pet"].item() == pytest.approx(1, abs=1e-5)
    assert terms["fused_ssim_mri"] < 0.5


def test_it_is_no_part_of_a_checkpoint():
    assert list(FusionLoss().state_dict()) == []


@pytest.mark.parametrize("lam", [-0.01, 1.01, float("nan")])
def test_a_weight_outside_zero_to_one_is_refused(lam):
    with pytest.raises(ValueError, match=f"lam must lie between 0 and 1, got {lam}"):
        FusionLoss(lam)
