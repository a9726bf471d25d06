"""Structural similarity against MONAI's, against the definition, and at known values."""

from __future__ import annotations

import pytest
import torch
from monai.metrics import SSIMMetric
from torch.autograd import gradcheck

from scripts.losses import SSIM

C1, C2 = 0.01**2, 0.03**2


def gaussian_window(spatial_dims, size=11, sigma=1.5):
    offsets = torch.arange(size, dtype=torch.float64) - size // 2
    line = torch.exp(-offsets.square() / (2 * sigma**2))
    window = line
    for _ in range(spatial_dims - 1):
        window = window[..., None] * line
    return window / window.sum()


def by_definition(x, y):
    """Wang et al. 2004, Eq. 13, one window after the other."""
    window = gaussian_window(x.dim())

    def windows(image):
        for axis in range(x.dim()):
            image = image.unfold(axis, 11, 1)
        return image.flatten(0, x.dim() - 1)

    values = []
    for a, b in zip(windows(x), windows(y), strict=True):
        mean_a, mean_b = (window * a).sum(), (window * b).sum()
        variance_a = (window * (a - mean_a).square()).sum()
        variance_b = (window * (b - mean_b).square()).sum()
        covariance = (window * (a - mean_a) * (b - mean_b)).sum()
        luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
        values.append(luminance * (2 * covariance + C2) / (variance_a + variance_b + C2))
    return torch.stack(values)


def similar_pair(shape, dtype=torch.float64):
    x = torch.rand(shape, dtype=dtype)
    return x, (x + 0.2 * torch.randn(shape, dtype=dtype)).clamp(0, 1)


class TestAgainstOthers:
    @pytest.mark.parametrize(("dims", "size"), [(2, (24, 31)), (2, (11, 11)), (3, (12, 13, 14))])
    def test_it_is_monai_s_ssim(self, dims, size):
        x, y = similar_pair((3, 1, *size))
        expected = SSIMMetric(dims, data_range=1.0, win_size=11, kernel_sigma=1.5)(y, x)
        # MONAI computes in single precision and subtracts squares, so its last digits depend on the processor.
        assert torch.allclose(SSIM()(x, y), expected.to(x), rtol=0, atol=1e-5)

    @pytest.mark.parametrize("size", [(13, 16), (11, 12, 11)])
    def test_it_is_the_definition_window_by_window(self, size):
        x, y = similar_pair(size)
        got = SSIM().similarity_map(x[None, None], y[None, None])
        assert got.shape == (1, 1, *(n - 10 for n in size))
        assert torch.allclose(got.flatten(), by_definition(x, y), rtol=0, atol=1e-12)

    def test_single_precision_is_enough_for_images(self):
        x, y = similar_pair((2, 2, 64, 64))
        dark = 0.02 * x
        for a, b in ((x, y), (dark, 0.02 * y), (dark + 0.9, 0.02 * y + 0.9)):
            assert torch.allclose(SSIM()(a.float(), b.float()).double(), SSIM()(a, b), rtol=0, atol=1e-3)


class TestKnownValues:
    def test_an_image_is_perfectly_similar_to_itself(self):
        x = torch.rand(2, 3, 20, 21)
        assert torch.allclose(SSIM()(x, x), torch.ones(2, 3), rtol=0, atol=1e-6)
        for constant in (0.0, 0.3, 1.0):
            flat = torch.full((1, 1, 16, 16), constant)
            assert SSIM()(flat, flat).item() == pytest.approx(1, abs=1e-4)

    @pytest.mark.parametrize(("a", "b"), [(0.2, 0.6), (0.0, 1.0), (0.5, 0.4)])
    def test_constant_images_differ_by_luminance_alone(self, a, b):
        x, y = (torch.full((1, 1, 12, 12), value, dtype=torch.float64) for value in (a, b))
        expected = (2 * a * b + C1) / (a * a + b * b + C1)
        assert SSIM()(x, y).item() == pytest.approx(expected, abs=1e-9)

    def test_the_negative_of_noise_is_dissimilar(self):
        x = torch.rand(1, 1, 32, 32)
        assert SSIM()(x, 1 - x).item() == pytest.approx(-0.96, abs=0.03)

    def test_the_value_range_scales_with_the_images(self):
        x, y = similar_pair((1, 1, 16, 16))
        assert torch.allclose(SSIM(data_range=255.0)(255 * x, 255 * y), SSIM()(x, y), rtol=0, atol=1e-12)

    def test_it_is_symmetric(self):
        x, y = similar_pair((1, 2, 16, 16))
        assert torch.allclose(SSIM()(x, y), SSIM()(y, x), rtol=0, atol=1e-12)

    def test_every_channel_and_image_is_compared_on_its_own(self):
        x, y = similar_pair((2, 2, 16, 16))
        apart = [[SSIM()(x[i : i + 1, j : j + 1], y[i : i + 1, j : j + 1]).item() for j in range(2)] for i in range(2)]
        assert torch.allclose(SSIM()(x, y), torch.tensor(apart, dtype=torch.float64), rtol=0, atol=1e-12)


class TestGradient:
    @pytest.mark.parametrize("size", [(12, 13), (11, 11, 12)])
    def test_it_is_the_numerical_gradient(self, size):
        x, y = similar_pair((1, 1, *size))
        assert gradcheck(SSIM(), (x, y.requires_grad_()), fast_mode=True)

    def test_climbing_it_brings_the_images_together(self):
        x, y = similar_pair((1, 1, 16, 16))
        y.requires_grad_()
        before = SSIM()(x, y)
        before.sum().backward()
        assert SSIM()(x, (y + y.grad).detach()) > before

    def test_it_is_finite_where_both_images_are_black(self):
        y = torch.zeros(1, 1, 16, 16, requires_grad=True)
        SSIM()(torch.zeros(1, 1, 16, 16), y).sum().backward()
        assert y.grad.isfinite().all()


class TestBadInput:
    @pytest.mark.parametrize("size", [(10, 32), (32, 10), (12, 12, 8)])
    def test_an_image_smaller_than_the_window_is_refused(self, size):
        image = torch.rand(1, 1, *size)
        with pytest.raises(ValueError, match="sides of at least 11 pixels"):
            SSIM()(image, image)

    def test_images_of_different_shape_are_refused(self):
        with pytest.raises(ValueError, match=r"same shape, got \(1, 1, 16, 16\) and \(1, 1, 16, 17\)"):
            SSIM()(torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 17))

    def test_the_window_is_no_part_of_the_weights(self):
        assert list(SSIM().state_dict()) == []
        assert SSIM().taps.sum() == pytest.approx(1)
