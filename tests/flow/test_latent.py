"""Fresh latents of the four kinds."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from scripts.flow.latent import LATENT_KINDS, draw_latent, draw_like

FUSED = torch.zeros(3, 1, 64, 48)


class TestDrawLatent:
    def test_the_four_kinds_are_what_their_names_say(self):
        assert LATENT_KINDS == ("normal", "zeros", "ones", "uniform")
        assert draw_latent(FUSED, 1, "zeros").abs().max() == 0
        assert (draw_latent(FUSED, 1, "ones") == 1).all()
        normal = draw_latent(FUSED, 1)
        assert normal.mean().abs() < 0.05
        assert normal.std() == pytest.approx(1, abs=0.05)
        uniform = draw_latent(FUSED, 1, "uniform")
        assert 0 <= uniform.min() < 0.01
        assert 0.99 < uniform.max() < 1
        assert uniform.mean() == pytest.approx(0.5, abs=0.02)

    @pytest.mark.parametrize("kind", LATENT_KINDS)
    @pytest.mark.parametrize("size", [(5, 7), (3, 4, 5)])
    def test_shape_and_type_follow_the_fused_image(self, kind, size):
        latent = draw_latent(torch.zeros(2, 1, *size, dtype=torch.float64), 3, kind)
        assert latent.shape == (2, 3, *size)
        assert latent.dtype == torch.float64

    @pytest.mark.parametrize("kind", ["normal", "uniform"])
    def test_the_seed_decides_the_numbers(self, kind):
        assert torch.equal(draw_latent(FUSED, 2, kind, seed=4), draw_latent(FUSED, 2, kind, seed=4))
        assert not torch.equal(draw_latent(FUSED, 2, kind, seed=4), draw_latent(FUSED, 2, kind, seed=8))

    @pytest.mark.parametrize("kind", ["normal", "uniform"])
    def test_image_i_has_the_numbers_of_seed_plus_i(self, kind):
        together = draw_latent(FUSED, 1, kind, seed=10)
        for i in range(3):
            assert torch.equal(together[i : i + 1], draw_latent(FUSED[:1], 1, kind, seed=10 + i))
        assert not torch.equal(together[0], together[1])

    def test_the_global_generator_is_left_alone(self):
        before = torch.get_rng_state()
        draw_latent(FUSED, 1)
        assert torch.equal(torch.get_rng_state(), before)

    def test_the_first_numbers_stay_the_same_from_version_to_version(self):
        first = draw_latent(torch.zeros(1, 1, 2, 2), 1, seed=0).flatten()
        assert torch.allclose(first, torch.tensor([1.5410, -0.2934, -2.1788, 0.5684]), atol=1e-4)

    def test_an_unknown_kind_is_refused(self):
        with pytest.raises(ValueError, match="one of normal, zeros, ones, uniform, got 'gamma'"):
            draw_latent(FUSED, 1, "gamma")

    @pytest.mark.parametrize("kind", LATENT_KINDS)
    def test_torchscript_draws_the_same_numbers(self, kind):
        scripted = torch.jit.script(draw_latent)
        assert torch.equal(scripted(FUSED, 2, kind, 4), draw_latent(FUSED, 2, kind, 4))

    @pytest.mark.parametrize("kind", ["normal", "uniform"])
    def test_threads_that_share_a_torchscript_file_draw_the_same_numbers_as_one(self, kind):
        file = io.BytesIO()
        torch.jit.save(torch.jit.script(draw_latent), file)
        file.seek(0)
        loaded = torch.jit.load(file)
        fused = torch.zeros(6, 1, 200, 200)
        expected = draw_latent(fused, 1, kind, 5)
        with ThreadPoolExecutor(4) as threads:
            drawn = list(threads.map(lambda _: loaded(fused, 1, kind, 5), range(100)))
        assert all(torch.equal(latent, expected) for latent in drawn)


class TestDrawLike:
    @pytest.mark.parametrize("kind", LATENT_KINDS)
    def test_it_has_the_distribution_of_draw_latent(self, kind):
        drawn, expected = draw_like(torch.empty(3, 1, 64, 48), kind), draw_latent(FUSED, 1, kind)
        assert drawn.shape == expected.shape
        assert drawn.mean() == pytest.approx(expected.mean().item(), abs=0.05)
        assert drawn.std() == pytest.approx(expected.std().item(), abs=0.05)

    def test_it_follows_the_global_seed(self):
        torch.manual_seed(3)
        first = draw_like(FUSED)
        torch.manual_seed(3)
        assert torch.equal(draw_like(FUSED), first)
        assert not torch.equal(draw_like(FUSED), first)

    def test_an_unknown_kind_is_refused(self):
        with pytest.raises(ValueError, match="one of normal, zeros, ones, uniform, got 'gaussian'"):
            draw_like(FUSED, "gaussian")
