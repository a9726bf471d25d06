"""How well any fused image can score."""

from __future__ import annotations

import pytest
import torch

from fusioninn_research.methods import Ceiling
from scripts.losses import SSIM


@pytest.fixture
def image():
    """Two unlike patterns on black."""
    image = torch.zeros(2, 2, 24, 22)
    image[:, :, 4:20, 4:18] = torch.rand(2, 2, 16, 14)
    return image


def score(image, fused):
    return SSIM()(image, fused.expand_as(image)).mean(dim=1)


def test_it_beats_mean_and_maximum(image):
    fused = Ceiling(steps=40)(image)
    assert fused.shape == (2, 1, 24, 22)
    assert fused.min() >= 0
    assert fused.max() <= 1
    assert (score(image, fused) > score(image, image.mean(dim=1, keepdim=True)) + 0.01).all()
    assert (score(image, fused) > score(image, image.amax(dim=1, keepdim=True)) + 0.01).all()


def test_equal_sources_are_kept():
    image = torch.rand(1, 1, 16, 16).expand(1, 2, 16, 16)
    torch.testing.assert_close(Ceiling(steps=5)(image), image[:, :1], rtol=0, atol=0.02)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_it_works_where_gradients_are_switched_off(image, context):
    expected = Ceiling(steps=3)(image)
    with context():
        fused = Ceiling(steps=3)(image.clone())
    assert torch.equal(fused, expected)
    assert not fused.requires_grad


def test_the_sources_are_left_as_they_are(image):
    before = image.clone()
    Ceiling(steps=3)(image)
    assert torch.equal(image, before)
    assert image.grad is None


def test_an_image_is_optimised_for_itself_alone(image):
    together, alone = Ceiling(steps=5)(image)[1:], Ceiling(steps=5)(image[1:])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


def test_without_a_step_it_is_the_mean_and_so_it_is_where_ssim_has_no_window(image):
    assert torch.equal(Ceiling(steps=0)(image), image.mean(dim=1, keepdim=True))
    assert torch.equal(Ceiling()(image[..., :9]), image[..., :9].mean(dim=1, keepdim=True))


def test_it_has_nothing_to_learn_and_works_in_single_precision(image):
    assert Ceiling().state_dict() == {}
    assert Ceiling(steps=1)(image).dtype == torch.float32
    assert {buffer.dtype for buffer in Ceiling().buffers()} == {torch.float32}


def test_negative_steps_are_refused():
    with pytest.raises(ValueError, match="got -1"):
        Ceiling(steps=-1)
