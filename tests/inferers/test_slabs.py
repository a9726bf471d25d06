"""Slabs of a volume give what the volume as a whole gives, in either direction."""

from __future__ import annotations

import pytest
import torch

from scripts.flow import Subnet
from scripts.inferers.slabs import REACH, SlabSubnet, in_slabs

SIZES = [(12, 10, 8), (11, 9, 7), (2, 6, 5), (1, 5, 4)]
VOXELS = [1, 100, 400, 10_000]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("voxels", VOXELS)
def test_both_directions_are_those_of_the_whole_volume(volume_network, size, voxels):
    image = torch.rand(1, 2, *size)
    with torch.no_grad():
        fused, latent = volume_network(image)
        assert (fused - image.mean(dim=1, keepdim=True)).abs().max() > 1e-3
        restored = volume_network.inverse(fused, latent)
        with in_slabs(volume_network, voxels):
            assert any(isinstance(module, SlabSubnet) for module in volume_network.modules())
            in_parts = volume_network(image)
            restored_in_parts = volume_network.inverse(fused, latent)
    torch.testing.assert_close(in_parts, (fused, latent), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(restored_in_parts, restored, rtol=1e-5, atol=1e-5)


def test_in_double_precision_not_a_digit_is_lost(volume_network):
    volume_network.double()
    image = torch.rand(1, 2, 13, 8, 6, dtype=torch.float64)
    with torch.no_grad(), in_slabs(volume_network, 150):
        fused, latent = volume_network(image)
        assert (volume_network.inverse(fused, latent) - image).abs().max() < 1e-10


def test_a_voxel_of_a_subnetwork_sees_as_far_as_slabs_overlap():
    subnet = Subnet(3, 1, 1, 4)
    torch.nn.init.normal_(subnet.conv_1.weight)
    volume = torch.rand(1, 1, 11, 5, 5)
    changed = volume.clone()
    changed[:, :, 5] += 1
    with torch.no_grad():
        differs = (subnet(changed) != subnet(volume)).flatten(3).any(dim=3)[0].any(dim=0)
    assert differs.nonzero().flatten().tolist() == list(range(5 - REACH, 5 + REACH + 1))


def test_the_network_is_as_it_was_afterwards_whatever_happens(volume_network):
    names = [name for name, _ in volume_network.named_modules()]
    with pytest.raises(KeyError), in_slabs(volume_network):
        raise KeyError
    assert [name for name, _ in volume_network.named_modules()] == names
    assert not any(isinstance(module, SlabSubnet) for module in volume_network.modules())
