"""Which source speaks, against known answers and the whole Jacobian."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scripts.networks import FusionINN, MaxFusion, MeanFusion
from scripts.networks.contribution import source_contribution


def by_jacobian(network, image):
    """Return Σ_q ∂y_p/∂x_{i,q} x_{i,q} from the Jacobian, entry by entry."""

    def fused(values):
        result = network(values)
        return result if isinstance(result, torch.Tensor) else result[0]

    jacobian = torch.autograd.functional.jacobian(fused, image)[0, 0, :, :, 0]
    return torch.einsum("hwnij,nij->nhw", jacobian, image[0])[None]


@pytest.mark.parametrize("size", [(8, 10), (7, 9)])
def test_it_is_the_jacobian_times_the_source(perturbed, size):
    network = perturbed(blocks=4)
    image = torch.rand(1, 2, *size)
    assert torch.allclose(source_contribution(network, image), by_jacobian(network, image), atol=1e-5)


def test_it_is_so_for_three_sources(perturbed):
    network = perturbed(in_channels=3)
    image = torch.rand(1, 3, 6, 6)
    assert torch.allclose(source_contribution(network, image), by_jacobian(network, image), atol=1e-5)


def test_a_small_brightening_of_a_source_adds_so_much():
    network = FusionINN(hidden_channels=4).double().eval()
    for name, weight in network.named_parameters():
        if "conv_1" in name:
            nn.init.normal_(weight, std=0.05)
    image = torch.rand(2, 2, 12, 12, dtype=torch.float64) * 0.9 + 0.05
    contribution = source_contribution(network, image)
    for source in range(2):
        brighter = image.clone()
        brighter[:, source] *= 1 + 1e-6
        with torch.no_grad():
            gained = (network(brighter)[0] - network(image)[0]) / 1e-6
        assert torch.allclose(gained[:, 0], contribution[:, source], atol=1e-4)


def test_of_a_mean_each_source_is_its_share():
    image = torch.rand(3, 4, 5, 6)
    assert torch.allclose(source_contribution(MeanFusion(4), image), image / 4)


def test_of_a_maximum_only_the_larger_source_speaks():
    image = torch.rand(1, 2, 9, 9)
    larger = image == image.amax(dim=1, keepdim=True)
    assert torch.allclose(source_contribution(MaxFusion(2), image), image * larger)


def test_contributions_to_a_linear_network_add_up_to_the_fused_image():
    network = nn.Conv2d(2, 1, 5, padding=2, bias=False)
    image = torch.rand(2, 2, 11, 13)
    with torch.no_grad():
        assert torch.allclose(source_contribution(network, image).sum(dim=1, keepdim=True), network(image), atol=1e-6)


def test_those_to_the_shipped_network_do_so_to_first_order(shared_data, shipped):
    from scripts.data.discovery import find_patients
    from scripts.transforms.load_sources import LoadSourcesd
    from scripts.transforms.normalize import NormalizeSourcesd

    data = NormalizeSourcesd()(LoadSourcesd(with_seg=False)(find_patients(shared_data / "open")[0]))
    image = data["image"].as_tensor()[..., 80].contiguous()[None]
    with torch.no_grad():
        fused = shipped(image)[0][0, 0]
    gap = source_contribution(shipped, image).sum(dim=1)[0] - fused
    assert gap[fused > 0.05].square().mean().sqrt() < 0.15 * fused[fused > 0.05].square().mean().sqrt()


def test_a_source_that_is_black_says_nothing(perturbed):
    image = torch.rand(1, 2, 8, 8)
    image[:, 1] = 0
    assert (source_contribution(perturbed(), image)[:, 1] == 0).all()


def test_no_gradient_is_kept(perturbed):
    assert not source_contribution(perturbed(), torch.rand(1, 2, 8, 8)).requires_grad
