"""Networks whose blocks work at several resolutions."""

from __future__ import annotations

import pytest
import torch
from torch.autograd.functional import jacobian

from scripts.export.any_size import AnySize
from scripts.flow import Lifting, SpreadSigns
from scripts.networks import FusionINN
from scripts.networks.multiscale import paper_scales

QUARTER = {"scales": (2, 4, 4, 2), "spread": True, "lifting": False}
LIFTED = {**QUARTER, "lifting": True, "hidden_channels": (12, 16, 20, 8)}
DESIGNS = {
    "half and quarter": QUARTER,
    "quarter only": {"scales": (4, 4, 4), "spread": True, "lifting": False},
    "down in steps": {"scales": (2, 2, 4, 2, 2), "lifting": False},
    "full to quarter": {"scales": (1, 2, 4, 1)},
    "an eighth": {"scales": (2, 8, 2), "lifting": False},
    "lifted": LIFTED,
    "through full resolution": {"scales": (2, 1, 2)},
}


def exact(network, image):
    with torch.no_grad():
        return (network.inverse(*network(image)) - image).abs().max().item()


class TestExactness:
    @pytest.mark.parametrize("size", [(1, 1), (2, 3), (4, 4), (9, 14), (17, 31)])
    @pytest.mark.parametrize("sources", [2, 3, 4])
    @pytest.mark.parametrize("design", DESIGNS)
    def test_sources_of_any_size_come_back(self, perturbed, design, sources, size):
        network = perturbed(in_channels=sources, **DESIGNS[design])
        image = torch.rand(2, sources, *size)
        fused, latent = network(image)
        assert (fused.shape, latent.shape) == ((2, 1, *size), (2, sources - 1, *size))
        assert exact(network, image) <= 1e-4
        assert exact(network.double(), image.double()) <= 1e-9

    @pytest.mark.parametrize("size", [(4, 8, 4), (5, 3, 6)])
    def test_volumes_come_back(self, perturbed, size):
        assert exact(perturbed(spatial_dims=3, **LIFTED).double(), torch.rand(1, 2, *size).double()) <= 1e-9

    @pytest.mark.parametrize("size", [(4, 4), (3, 5)])
    def test_the_log_determinant_is_that_of_autograd(self, perturbed, size):
        network, image = perturbed(**LIFTED).double(), torch.rand(1, 2, *size).double()
        full = jacobian(lambda x: torch.cat(network(x), dim=1), image).reshape(image.numel(), image.numel())
        assert network.log_det(image).item() == pytest.approx(torch.linalg.slogdet(full).logabsdet.item(), abs=1e-8)


class TestStart:
    def test_a_fresh_network_fuses_to_the_mean_details_included(self):
        image = 0.2 + 0.6 * torch.rand(1, 2, 16, 20)
        middle = FusionINN(scales=(1,))(image)[0]
        assert torch.allclose(FusionINN(**LIFTED)(image)[0], middle, atol=1e-6)

    def test_black_stays_black(self, perturbed):
        network = perturbed(**LIFTED)
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if name.endswith("bias"):
                    parameter.zero_()
        assert network(torch.zeros(1, 2, 10, 12))[0].abs().max() == 0


class TestSizes:
    @pytest.mark.parametrize("size", [(16, 20), (15, 18), (5, 7)])
    def test_one_graph_for_any_size_gives_the_same(self, perturbed, size):
        network, image = perturbed(**LIFTED), torch.rand(1, 2, *size)
        twin = AnySize.of(network)
        with torch.no_grad():
            assert torch.allclose(twin(image)[0], network(image)[0], atol=1e-6)
            assert torch.allclose(twin.decompose(image[:, :1]), network.decompose(image[:, :1]), atol=1e-6)

    def test_a_script_gives_the_same(self, perturbed):
        network, image = perturbed(**LIFTED), torch.rand(1, 2, 13, 10)
        with torch.no_grad():
            assert torch.allclose(torch.jit.script(network)(image)[0], network(image)[0], atol=1e-6)

    def test_the_gradient_without_kept_activations_is_the_same(self, perturbed):
        network, image = perturbed(**LIFTED).double().train(), torch.rand(1, 2, 9, 8).double()
        gradients = []
        for recompute in (False, True):
            network.recompute = recompute
            network.zero_grad()
            network(image)[0].square().sum().backward()
            gradients.append([parameter.grad.clone() for parameter in network.parameters()])
        for one, other in zip(*gradients, strict=True):
            assert torch.allclose(one, other, rtol=1e-6, atol=1e-9)


class TestChoices:
    @pytest.mark.parametrize(("blocks", "scales"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 1]), (6, [1, 2, 2, 2, 2, 1])])
    def test_a_number_of_blocks_stands_for_the_papers_order(self, blocks, scales):
        assert paper_scales(blocks) == scales
        by_number, by_scales = FusionINN(blocks=blocks, seed=4), FusionINN(scales=scales, seed=4)
        assert [type(step) for step in by_number.steps] == [type(step) for step in by_scales.steps][:-1]

    def test_six_blocks_are_the_network_of_version_0_4_0(self):
        network = FusionINN(blocks=6)
        assert sum(parameter.numel() for parameter in network.parameters()) == 59_464
        assert network.bounds.tolist() == pytest.approx([0.05, 2.0])
        assert not {"LatentScale", "Lifting", "SpreadSigns"} & {type(step).__name__ for step in network.steps}

    def test_the_default_is_the_shipped_network(self):
        network = FusionINN()
        assert sum(parameter.numel() for parameter in network.parameters()) == 69_557
        assert network.bounds.tolist() == pytest.approx([0.05, 1.0])
        assert network.steps[-1].scale.item() == pytest.approx(0.03)

    def test_blocks_and_scales_together_are_refused(self):
        with pytest.raises(ValueError, match=r"scales and blocks both say which blocks there are, got \[2, 2\] and 3"):
            FusionINN(scales=(2, 2), blocks=3)

    def test_subnetworks_are_wider_where_the_resolution_is_lower(self):
        widths = [p.shape[0] for n, p in FusionINN(scales=(1, 2, 4)).named_parameters() if n.endswith("conv_0.weight")]
        assert widths == [16, 16, 24, 24, 32, 32]

    def test_the_width_of_each_block_can_be_given(self):
        network = FusionINN(**{**LIFTED, "lifting": False})
        widths = [p.shape[0] for n, p in network.named_parameters() if n.endswith("conv_0.weight")]
        assert widths == [12, 12, 16, 16, 20, 20, 8, 8]

    def test_an_empty_batch_goes_through(self):
        fused, latent = FusionINN(**LIFTED)(torch.rand(0, 2, 6, 5))
        assert fused.shape == latent.shape == (0, 1, 6, 5)

    @pytest.mark.parametrize("hidden", [0, (8, 8), (8, 8, 0, 8)])
    def test_other_widths_are_refused(self, hidden):
        with pytest.raises(ValueError, match="hidden_channels must be at least 1"):
            FusionINN(scales=(2, 4, 4, 2), hidden_channels=hidden)

    def test_lifting_stands_outside_the_signs_and_shows_no_detail_that_it_changes(self):
        first, last = [step for step in FusionINN(**{**LIFTED, "in_channels": 3}).steps if type(step) is Lifting]
        # Of three sources, mean and two differences, each: low pass, two details, finest detail.
        assert first.shown.tolist() == [0, 1, 2, 4, 8]
        assert first.place.tolist() == [7, 7, 7, 0, 7, 1, 2, 3, 7, 4, 5, 6]
        assert last.shown.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11]
        assert last.place.tolist() == [1, 1, 1, 0, *[1] * 8]
        kinds = [type(step).__name__ for step in FusionINN(**LIFTED).steps]
        assert kinds[:5] == ["SourceMixing", "SpaceToDepth", "HaarBands", "Lifting", "SpreadSigns"]
        assert kinds[-5:] == ["SpreadSigns", "Lifting", "HaarBands", "DepthToSpace", "LatentScale"]

    def test_both_ends_change_the_same_signs(self):
        steps = [step for step in FusionINN(**LIFTED).steps if isinstance(step, SpreadSigns)]
        assert len(steps) == 2
        assert steps[0] is steps[1]

    @pytest.mark.parametrize("scales", [(), (3,), (2, 0), (-2,)])
    def test_other_scales_are_refused(self, scales):
        with pytest.raises(ValueError, match="powers of two"):
            FusionINN(scales=scales)

    @pytest.mark.parametrize("wrong", [{"scales": (1, 2)}, {"scales": (2, 1)}, {"haar": False}, {"realign": False}])
    @pytest.mark.parametrize("option", [{"spread": True}, {"lifting": True}])
    def test_what_works_on_bands_needs_them_at_both_ends(self, wrong, option):
        with pytest.raises(ValueError, match=f"{next(iter(option))} needs"):
            FusionINN(**{"scales": (2, 4, 4, 2), **option, **wrong})
