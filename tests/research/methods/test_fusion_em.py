"""Expectation maximisation towards an image between two sources: each step against what it stands for."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from fusioninn_research.methods import FusionEM
from fusioninn_research.methods.fusion_em import expectation


@pytest.fixture
def sources():
    return 2 * torch.rand(2, 2, 1, 12, 9, dtype=torch.float64) - 1


def fixed_point(em, fused, iterations=100):
    for _ in range(iterations):
        fused = em(fused)
    return fused


class TestExpectation:
    @pytest.mark.parametrize(("error", "scale"), [(0.7, 1.0), (-0.2, 0.05), (1.9, 3.0)])
    def test_weight_and_scale_are_the_integrals_over_the_posterior_of_the_variance(self, error, scale):
        def moment(power):
            # m = s², which takes the singularity at 0 away
            return quad(lambda s: 2 * s ** (2 * power) * math.exp(-(error**2) / (2 * s**2) - s**2 / scale), 0, 20)[0]

        error_image = torch.full((1, 1, 3, 4), error, dtype=torch.float64)
        weight, next_scale = expectation(error_image, torch.full((1, 1, 1, 1), scale, dtype=torch.float64))
        assert torch.allclose(weight, torch.tensor(moment(-1) / moment(0), dtype=torch.float64), rtol=1e-4)
        assert next_scale.item() == pytest.approx(moment(1) / moment(0), rel=1e-4)

    def test_a_pixel_without_error_has_a_large_but_finite_weight(self):
        weight, scale = expectation(torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 1, 1))
        assert torch.allclose(weight, torch.tensor(2**0.5 * 1e3))
        assert scale.item() == pytest.approx(0.5, abs=1e-3)

    def test_every_image_has_its_own_scale(self):
        errors = torch.stack((torch.full((1, 4, 4), 0.1), torch.full((1, 4, 4), 0.5)))
        alone = [expectation(error[None], torch.ones(1, 1, 1, 1))[1].item() for error in errors]
        assert expectation(errors, torch.ones(2, 1, 1, 1))[1].flatten().tolist() == pytest.approx(alone)


class TestMaximisation:
    @pytest.mark.parametrize("size", [(5, 4), (4, 5), (1, 3), (2, 2)])
    def test_the_fourier_solution_is_the_one_of_the_linear_equations(self, size):
        x, *slope = torch.randn(3, 1, 1, *size, dtype=torch.float64)
        em = FusionEM(x, torch.zeros_like(x))
        em.slope = tuple(slope)
        pixels = x.numel()
        identity = torch.eye(pixels, dtype=torch.float64).view(pixels, *size)
        differences = [(identity.roll(-1, axis) - identity).view(pixels, pixels).T for axis in (1, 2)]
        matrix = torch.eye(pixels, dtype=torch.float64) + sum(d.T @ d for d in differences)
        right = x.flatten() + sum(d.T @ u.flatten() for d, u in zip(differences, slope, strict=True))
        assert torch.allclose(em.smooth(x).flatten(), torch.linalg.solve(matrix, right))

    def test_x_is_where_its_quadratic_has_no_slope(self, sources):
        em = FusionEM(*sources, penalty=0.3)
        x, m, n = (torch.rand_like(sources[0]) for _ in range(3))
        smooth = em.smooth(x)
        best = em.maximise(x, m, n).requires_grad_()
        quadratic = m * (em.difference - best) ** 2 + n * best**2 + 0.3 / 2 * (smooth - best) ** 2
        quadratic.sum().backward()
        assert best.grad.abs().max() < 1e-12

    def test_the_slope_is_the_one_of_the_smooth_image_shrunk(self, sources):
        em = FusionEM(*sources, gradient_weight=0.5, penalty=0.01)
        x = torch.rand_like(sources[0])
        smooth = em.smooth(x).numpy()
        em.maximise(x, torch.ones_like(x), torch.ones_like(x))
        for axis, slope in zip((2, 3), em.slope, strict=True):
            assert np.allclose(slope.numpy(), 0.01 / 1.01 * (np.roll(smooth, -1, axis) - smooth))

    def test_a_source_that_weighs_everything_is_the_result(self, sources):
        x, heavy, light = torch.rand_like(sources[0]), *(torch.full_like(sources[0], w) for w in (1e12, 1e-12))
        assert torch.allclose(FusionEM(*sources).maximise(x, heavy, light), sources[0] - sources[1])
        assert torch.allclose(FusionEM(*sources).maximise(x, light, light), FusionEM(*sources).smooth(x))
        assert FusionEM(*sources).maximise(x, light, heavy).abs().max() < 1e-12


class TestIteration:
    def test_two_equal_sources_give_that_image(self, sources):
        image = sources[0]
        assert torch.allclose(fixed_point(FusionEM(image, image), torch.randn_like(image)), image, atol=1e-6)

    def test_what_lies_between_the_sources_stays_in_the_model_and_is_mirrored_where_the_weights_are_exchanged(
        self, sources
    ):
        first, second = sources
        share = torch.rand_like(first)
        between, mirrored = (second + s * (first - second) for s in (share, 1 - share))
        assert torch.allclose(FusionEM(first, second, penalty=0, exchanged=False)(between), between, atol=1e-3)
        assert torch.allclose(FusionEM(first, second, penalty=0)(between), mirrored, atol=1e-3)

    @pytest.mark.parametrize("exchanged", [True, False])
    def test_what_lies_outside_comes_in(self, sources, exchanged):
        inside = fixed_point(FusionEM(*sources, exchanged=exchanged), sources.amax(0) + 0.5)
        assert (inside <= sources.amax(0) + 1e-2).all()
        assert (inside >= sources.amin(0) - 1e-2).all()

    def test_both_sources_have_the_same_rank(self, sources):
        fused = torch.rand_like(sources[0])
        both = [FusionEM(*order, penalty=0)(fused) for order in (sources, sources.flip(0))]
        assert torch.allclose(*both)

    def test_in_the_model_with_a_scale_each_the_nearer_source_takes_it_all(self, sources):
        first, second = sources
        nearer = second + 0.6 * (first - second)
        separate, shared = (FusionEM(first, second, exchanged=False, shared_scale=given) for given in (False, True))
        assert torch.allclose(fixed_point(separate, nearer), first, atol=1e-2)
        assert torch.allclose(fixed_point(shared, nearer), nearer, atol=0.1)

    def test_images_of_a_batch_do_not_meet(self, sources):
        fused = torch.rand_like(sources[0])
        em, alone = FusionEM(*sources), FusionEM(*sources[:, 1:])
        for _ in range(3):
            together, single = em(fused), alone(fused[1:])
        assert torch.allclose(together[1:], single)

    def test_sources_of_two_sizes_are_refused(self):
        with pytest.raises(ValueError, match="one shape"):
            FusionEM(torch.rand(1, 1, 4, 4), torch.rand(1, 1, 4, 5))
