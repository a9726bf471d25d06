"""An export behaves like the network, or raises a clear error."""

from __future__ import annotations

import copy

import pytest
import torch

from scripts.cases.fuse import ExactNetwork
from scripts.data.errors import BadInputError
from scripts.inferers.maps import contribution_volume
from scripts.inferers.slicewise import decompose_volume, fuse_volume, restore_volume
from scripts.runtimes import with_derivatives


@pytest.fixture
def exported(opened):
    return opened("torchscript")


class TestInTheNetworksPlace:
    def test_whole_volumes_are_fused_decomposed_and_restored(self, exported, small_network, phantom_slices):
        volume = phantom_slices[..., 60:101, 50:93].movedim(0, -1)
        fused, latent = fuse_volume(exported, volume, 2, batch_size=2)
        assert torch.allclose(fused, fuse_volume(small_network, volume, 2)[0], atol=1e-4)
        assert torch.allclose(restore_volume(exported, fused, latent, 2), volume, atol=1e-4)
        estimates = decompose_volume(exported, fused, 2, "normal", seed=3)
        assert torch.allclose(estimates, decompose_volume(small_network, fused, 2, "normal", seed=3), atol=1e-4)

    def test_decompose_draws_the_network_s_latents(self, exported, small_network):
        fused = torch.rand(2, 1, 9, 8)
        for kind in ("normal", "uniform", "zeros", "ones"):
            assert torch.allclose(
                exported.decompose(fused, kind, 4), small_network.decompose(fused, kind, 4), atol=1e-4
            )

    def test_its_log_determinant_is_the_network_s(self, exported, small_network):
        image = torch.rand(2, 2, 7, 8)
        assert torch.equal(exported.log_det(image), small_network.log_det(image))

    def test_contributions_are_taken_from_the_network_itself(self, exported, small_network, phantom_slices):
        volume = phantom_slices[:1, :, 60:80, 60:81].movedim(0, -1)
        own = contribution_volume(exported, volume, 2)
        assert torch.allclose(own, contribution_volume(small_network, volume, 2), atol=1e-6)

    def test_so_is_double_precision(self, exported):
        exact = ExactNetwork()
        assert exact(exported, "slice") is exported
        double = exact(exported, "volume")
        assert next(double.parameters()).dtype == torch.float64
        assert double is not with_derivatives(exported)
        assert next(with_derivatives(exported).parameters()).dtype == torch.float32

    def test_another_network_has_its_own_derivatives(self, small_network):
        assert with_derivatives(small_network) is small_network


class TestSizes:
    def test_below_the_smallest_is_refused(self, exported):
        with pytest.raises(BadInputError, match="for sizes from 3, but these images are 2 × 8"):
            exported(torch.rand(1, 2, 2, 8))

    def test_odd_ones_are_refused_by_an_export_of_the_paper_s_network(self, exported):
        even = copy.copy(exported)
        even.multiple = 2
        with pytest.raises(BadInputError, match="multiples of 2, but these images are 7 × 8"):
            even(torch.rand(1, 2, 7, 8))

    def test_a_static_export_takes_its_own_only(self, exported):
        static = copy.copy(exported)
        static.static_shape = [1, 2, 8, 8]
        assert static(torch.rand(1, 2, 8, 8))[0].shape == (1, 1, 8, 8)
        for other in (torch.rand(1, 2, 8, 9), torch.rand(2, 2, 8, 8)):
            with pytest.raises(BadInputError, match="for batches of 1 images of 8 × 8 only, but these are"):
                static(other)
        with pytest.raises(BadInputError, match="Export without --static_shape"):
            static.inverse(torch.rand(1, 1, 8, 9), torch.rand(1, 1, 8, 9))
