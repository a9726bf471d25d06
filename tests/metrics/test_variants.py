"""The centre of an image is where the published scripts look."""

from __future__ import annotations

import torch

from scripts.metrics.variants import central


def test_the_centre_of_an_even_side_is_the_pixel_after_the_middle():
    image = torch.arange(6.0).repeat(7, 1)[None, None]
    assert central(image, 1)[0, 0].tolist() == [[2.0, 3.0, 4.0]] * 3


def test_pixels_outside_the_image_are_zero():
    assert central(torch.ones(1, 1, 3, 3), 2)[0, 0].sum() == 9
