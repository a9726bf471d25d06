"""Squared l2 distance of images."""

from __future__ import annotations

import pytest
import torch

from scripts.losses import squared_l2


class TestSquaredL2:
    def test_it_is_the_mean_square_per_image_and_channel(self):
        x = torch.tensor([[[[0.0, 1.0], [0.5, 0.25]], [[1.0, 1.0], [1.0, 1.0]]]])
        y = torch.tensor([[[[0.0, 0.0], [0.0, 0.25]], [[0.0, 1.0], [1.0, 1.0]]]])
        assert squared_l2(x, y).tolist() == [[1.25 / 4, 0.25]]

    @pytest.mark.parametrize("size", [(5, 7), (3, 4, 5)])
    def test_the_size_of_the_image_does_not_weigh(self, size):
        x = torch.rand(2, 3, *size)
        assert squared_l2(x, x + 0.5).shape == (2, 3)
        assert torch.allclose(squared_l2(x, x + 0.5), torch.tensor(0.25))

    def test_one_channel_is_compared_with_every_channel(self):
        image, fused = torch.rand(2, 3, 4, 4), torch.rand(2, 1, 4, 4)
        assert torch.equal(squared_l2(image, fused), squared_l2(image, fused.expand_as(image)))

    def test_its_gradient_is_twice_the_difference_over_the_number_of_pixels(self):
        x, y = torch.rand(1, 1, 4, 5), torch.rand(1, 1, 4, 5, requires_grad=True)
        squared_l2(x, y).sum().backward()
        assert torch.allclose(y.grad, 2 * (y - x).detach() / 20)
