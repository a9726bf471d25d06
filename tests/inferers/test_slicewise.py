"""Volumes by slices: the same as slice after slice, whatever the batch."""

from __future__ import annotations

import pytest
import torch

from scripts.flow.latent import draw_latent
from scripts.inferers import decompose_volume, fuse_volume, restore_volume
from scripts.inferers.maps import contribution_volume
from scripts.networks.contribution import source_contribution

AXES = [0, 1, 2]
BATCH_SIZES = [1, 2, 3, 8, 100]


@pytest.fixture
def volume():
    return torch.rand(2, 7, 6, 5)


def slice_of(volume, axis, i):
    return volume.select(axis + 1, i)[None]


class TestFuseVolume:
    @pytest.mark.parametrize("axis", AXES)
    @pytest.mark.parametrize("batch_size", BATCH_SIZES)
    def test_it_is_slice_after_slice(self, network, volume, axis, batch_size):
        fused, latent = fuse_volume(network, volume, axis, batch_size)
        assert fused.shape == latent.shape == (1, 7, 6, 5)
        for i in range(volume.shape[axis + 1]):
            one = network(slice_of(volume, axis, i))
            assert torch.allclose(slice_of(fused, axis, i), one[0], rtol=0, atol=1e-5)
            assert torch.allclose(slice_of(latent, axis, i), one[1], rtol=0, atol=1e-4)

    def test_three_sources_have_two_latent_volumes(self, network_of_three):
        fused, latent = fuse_volume(network_of_three, torch.rand(3, 4, 5, 6), axis=1)
        assert fused.shape == (1, 4, 5, 6)
        assert latent.shape == (2, 4, 5, 6)

    def test_a_method_without_latent_and_without_weights_is_applied_too(self, volume):
        class Maximum(torch.nn.Module):
            def forward(self, image):
                return image.amax(dim=1, keepdim=True)

        fused, latent = fuse_volume(Maximum(), volume, axis=1, batch_size=4)
        assert torch.equal(fused, volume.amax(dim=0, keepdim=True))
        assert latent is None

    def test_a_latent_that_is_not_wanted_is_not_kept(self, network, volume):
        fused, latent = fuse_volume(network, volume, axis=2, keep_latent=False)
        assert latent is None
        assert torch.equal(fused, fuse_volume(network, volume, axis=2)[0])

    def test_results_carry_no_graph(self, network, volume):
        assert not any(result.requires_grad for result in fuse_volume(network, volume, axis=2))


class TestRestoreVolume:
    @pytest.mark.parametrize("axis", AXES)
    @pytest.mark.parametrize("batch_size", BATCH_SIZES)
    def test_the_sources_come_back(self, network, volume, axis, batch_size):
        fused, latent = fuse_volume(network, volume, axis)
        restored = restore_volume(network, fused, latent, axis, batch_size)
        assert torch.allclose(restored, volume, rtol=0, atol=1e-4)

    def test_three_sources_come_back_too(self, network_of_three):
        volume = torch.rand(3, 4, 5, 6)
        restored = restore_volume(network_of_three, *fuse_volume(network_of_three, volume, axis=0), axis=0)
        assert torch.allclose(restored, volume, rtol=0, atol=1e-4)


class TestDecomposeVolume:
    @pytest.mark.parametrize("axis", AXES)
    @pytest.mark.parametrize("batch_size", BATCH_SIZES)
    @pytest.mark.parametrize("kind", ["normal", "zeros", "ones", "uniform"])
    def test_it_is_slice_after_slice_with_the_seeds_in_order(self, network, volume, axis, batch_size, kind):
        fused = volume[:1]
        decomposed = decompose_volume(network, fused, axis, kind, seed=30, batch_size=batch_size)
        assert decomposed.shape == (2, 7, 6, 5)
        for i in range(fused.shape[axis + 1]):
            one = slice_of(fused, axis, i)
            expected = network.inverse(one, draw_latent(one, 1, kind, seed=30 + i)).clamp(min=0)
            assert torch.allclose(slice_of(decomposed, axis, i), expected, rtol=0, atol=1e-4)

    @pytest.mark.parametrize("batch_size", BATCH_SIZES)
    def test_a_slice_among_few_is_decomposed_as_among_all(self, network, volume, batch_size):
        numbers = [0, 2, 3, 6]
        every = decompose_volume(network, volume[:1], 0, "normal", 7)
        some = decompose_volume(network, volume[:1, numbers], 0, "normal", 7, batch_size, numbers)
        assert torch.allclose(some, every[:, numbers], rtol=0, atol=1e-5)

    def test_nothing_is_darker_than_black(self, network, volume):
        fused = 0.05 * volume[:1]
        assert network.decompose(fused[None, :, 0]).min() < 0
        assert decompose_volume(network, fused, axis=0).min() == 0

    def test_another_seed_is_another_estimate(self, network, volume):
        one, other = (decompose_volume(network, volume[:1], 2, "normal", seed) for seed in (0, 50))
        assert not torch.allclose(one, other)

    def test_three_sources_are_estimated(self, network_of_three):
        assert decompose_volume(network_of_three, torch.rand(1, 4, 5, 6), axis=2).shape == (3, 4, 5, 6)

    def test_an_unknown_latent_is_refused(self, network, volume):
        with pytest.raises(ValueError, match="got 'gaussian'"):
            decompose_volume(network, volume[:1], 2, "gaussian")


class TestThreeDimensions:
    @pytest.mark.parametrize("axis", AXES)
    def test_a_volume_is_seen_as_a_whole_with_its_slices_last(self, volume_network, volume, axis):
        fused, latent = fuse_volume(volume_network, volume, axis, batch_size=2)
        expected = volume_network(volume.movedim(axis + 1, -1)[None])
        for result, whole in zip((fused, latent), expected, strict=True):
            assert result.shape == (1, 7, 6, 5)
            assert torch.allclose(result, whole[0].movedim(-1, axis + 1), rtol=0, atol=1e-5)
        assert torch.allclose(restore_volume(volume_network, fused, latent, axis), volume, rtol=0, atol=1e-4)

    @pytest.mark.parametrize("axis", AXES)
    def test_its_latent_is_drawn_at_once(self, volume_network, volume, axis):
        fused = volume[:1]
        decomposed = decompose_volume(volume_network, fused, axis, "normal", seed=30, batch_size=2)
        whole = fused.movedim(axis + 1, -1)[None]
        expected = volume_network.inverse(whole, draw_latent(whole, 1, "normal", seed=30)).clamp(min=0)[0]
        assert torch.allclose(decomposed, expected.movedim(-1, axis + 1), rtol=0, atol=1e-4)

    def test_what_it_makes_of_a_slice_depends_on_the_next_one(self, volume_network, volume):
        changed = volume.clone()
        changed[..., 3] = 0
        before, after = (fuse_volume(volume_network, image, axis=2)[0] for image in (volume, changed))
        assert not torch.allclose(before[..., 2], after[..., 2], rtol=0, atol=1e-4)

    def test_the_contribution_of_its_sources_is_mapped_too(self, volume_network, volume):
        maps = contribution_volume(volume_network, volume, axis=1)
        assert maps.shape == volume.shape
        whole = source_contribution(volume_network, volume.movedim(2, -1)[None])[0].movedim(-1, 2)
        assert torch.allclose(maps, whole, rtol=0, atol=1e-4)
