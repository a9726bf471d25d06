"""What a batch is for an engine."""

from __future__ import annotations

import torch

from scripts.training.batches import sources_as_target


def test_sources_go_in_and_are_compared_with():
    image = torch.rand(2, 2, 8, 6)
    inputs, target = sources_as_target({"image": image, "patient": ["A", "B"]}, "cpu")
    assert inputs is target
    assert torch.equal(inputs, image)


def test_slices_are_laid_out_channels_last():
    inputs, _ = sources_as_target({"image": torch.rand(2, 2, 8, 6)})
    assert inputs.is_contiguous(memory_format=torch.channels_last)


def test_volumes_are_taken_as_they_are():
    inputs, _ = sources_as_target({"image": torch.rand(1, 2, 8, 6, 4)}, dtype=torch.float64)
    assert inputs.shape == (1, 2, 8, 6, 4)
    assert inputs.dtype == torch.float64


def test_whether_images_are_usual_is_an_argument_of_the_inferer():
    usual = torch.tensor([True, False])
    inputs, target, positional, named = sources_as_target({"image": torch.rand(2, 2, 8, 6), "usual": usual})
    assert inputs is target
    assert positional == ()
    assert torch.equal(named["usual"], usual)
