"""Grey levels come back exactly, and groups of images stay small."""

from __future__ import annotations

import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.metrics.grey_levels import PIXELS_AT_ONCE, check_images, grey_levels


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_8_bit_value_comes_back_exactly(dtype):
    levels = torch.arange(256, dtype=dtype).view(1, 1, 16, 16)
    for image in next(grey_levels(levels / 255, levels / 255)):
        assert torch.equal(image, levels.double())


def test_16_bit_values_stay_between_the_levels():
    image = (torch.tensor([256, 257, 258]) / 65535.0).view(1, 1, 1, 3)
    assert next(grey_levels(image, image))[0].flatten().tolist() == pytest.approx([256 / 257, 1, 258 / 257], abs=1e-6)


@pytest.mark.parametrize("image", [torch.zeros(1, 1, 4, 4, dtype=torch.bool), torch.zeros(1, 1, 4, 4).numpy()])
def test_what_holds_no_grey_values_is_refused(image):
    with pytest.raises(BadInputError, match="fused must"):
        check_images("fused", image)


def test_a_group_of_images_has_a_bounded_number_of_pixels():
    for batch, side, expected in ((9, 240, [4, 4, 1]), (2, 600, [1, 1])):
        groups = grey_levels(torch.zeros(batch, 1, side, side), torch.zeros(batch, 2, side, side))
        assert [len(fused) for fused, _ in groups] == expected
    assert PIXELS_AT_ONCE["cpu"] // 240**2 == 4
