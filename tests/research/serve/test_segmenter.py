"""A small segmenter learns to find bright discs."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from monai.losses import DiceCELoss
from monai.metrics import compute_dice
from monai.networks.nets import UNet

from fusioninn_research.serve.segmenter import TrainingPlan, dice_of, segment, train_segmenter

BUILD = partial(UNet, 2, out_channels=1, channels=(8, 16), strides=(2,))
PLAN = TrainingPlan(epochs=12, batch_size=8, learning_rate=0.02)


@pytest.fixture(scope="module")
def discs() -> tuple[torch.Tensor, torch.Tensor]:
    """Noise with a bright disc anywhere, 48 slices, and the discs."""
    generator = torch.Generator().manual_seed(0)
    y, x = torch.meshgrid(torch.arange(32), torch.arange(24), indexing="ij")
    centres = torch.rand(48, 2, generator=generator) * torch.tensor([20, 12]) + 6
    disc = (y - centres[:, 0, None, None]) ** 2 + (x - centres[:, 1, None, None]) ** 2 < 25
    images = 0.2 * torch.rand(48, 1, 32, 24, generator=generator) + 0.5 * disc[:, None]
    return images, disc[:, None].float()


def train(discs, seed=0, count=32):
    def build(channels):
        return BUILD(in_channels=channels)

    return train_segmenter(build, DiceCELoss(sigmoid=True), discs[0][:count], discs[1][:count], PLAN, seed)


def test_it_finds_discs_that_it_was_not_trained_on(discs):
    found = segment(train(discs), discs[0][32:])
    assert found.dtype == torch.bool
    assert compute_dice(found.float(), discs[1][32:]).mean() > 0.9


def test_the_same_seed_gives_the_same_segmenter_whatever_was_drawn_before(discs):
    torch.rand(7)
    first = train(discs, seed=4, count=8).state_dict()
    state = torch.get_rng_state()
    second = train(discs, seed=4, count=8).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = train(discs, seed=5, count=8).state_dict()
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_a_step_sees_a_window_of_the_slices(discs):
    seen = []

    class Seeing(torch.nn.Conv2d):
        def forward(self, image):
            seen.append(tuple(image.shape))
            return super().forward(image)

    plan = TrainingPlan(epochs=1, batch_size=4, learning_rate=0.01, window=(16, 48))
    train_segmenter(
        lambda channels: Seeing(channels, 1, 1), DiceCELoss(sigmoid=True), discs[0][:8], discs[1][:8], plan, 0
    )
    assert seen == [(4, 1, 16, 24)] * 2


def test_dice_is_that_of_all_slices_together():
    lesion = torch.zeros(3, 1, 8, 8, dtype=torch.bool)
    lesion[0, :, 2:6, 2:6] = True  # 16 pixels
    lesion[1, :, 0, :4] = True  # 4
    found = torch.zeros_like(lesion)
    assert dice_of(found, lesion) == 0
    assert dice_of(lesion, lesion) == 1
    found[0, :, 4:8, 2:6] = True  # 16, of which 8 are right
    assert dice_of(found, lesion) == pytest.approx(2 * 8 / (16 + 20))
    found[2, :, 0, 0] = True  # in a slice without lesion
    assert dice_of(found, lesion) == pytest.approx(2 * 8 / (17 + 20))
    assert math.isnan(dice_of(found, torch.zeros_like(lesion)))


def test_segmentation_has_the_resolution_of_the_patient(discs):
    network = train(discs, count=8)
    assert segment(network, discs[0][:2], downsampling=2).shape == (2, 1, 64, 48)
