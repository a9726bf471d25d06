"""The invertible network: exact in both directions, at any size, for any input."""

from __future__ import annotations

import copy
import io
import itertools

import pytest
import torch
from torch import nn
from torch.autograd.functional import jacobian
from torch.export import Dim, export

from scripts.data.discovery import find_patients
from scripts.flow import ChannelPermutation
from scripts.networks import FusionINN
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd
from scripts.transforms.slicing import to_slices

SINGLE, DOUBLE = 1e-4, 1e-9
TOLERANCE = {torch.float32: SINGLE, torch.float64: DOUBLE}
PAPER = {"mixing": False, "realign": False, "haar": False}
DESIGNS = {
    "of version 0.4.0": {},
    "paper": PAPER,
    "paper with ReLU": {**PAPER, "output_relu": True},
    "realigned": {"mixing": False, "haar": False},
    "paper with Haar": {**PAPER, "haar": True},
    "scaled latent": {"latent_scale": 0.25},
}


def images(sources, size, dtype):
    """What the issue names: noise, black, white, checkerboard, one bright pixel; and bright on black in one source."""
    shape = (1, sources, *size)
    checkerboard = torch.stack(torch.meshgrid(*map(torch.arange, size), indexing="ij")).sum(dim=0) % 2
    bright = torch.zeros(shape)
    bright[(..., *(n // 2 for n in size))] = 1
    halves = torch.zeros(shape)
    halves[:, 0] = 1
    kinds = {
        "noise": torch.rand(shape, dtype=torch.float64),
        "black": torch.zeros(shape),
        "white": torch.ones(shape),
        "checkerboard": checkerboard.expand(shape),
        "one bright pixel": bright,
        "one white source": halves,
    }
    return {name: image.to(dtype) for name, image in kinds.items()}


def there_and_back(network, image):
    """Largest error of sources that are fused and restored."""
    with torch.no_grad():
        return (network.inverse(*network(image)) - image).abs().max().item()


def back_and_there(network, fused, latent):
    """Largest error of a fused image and latent that are decomposed and fused again."""
    with torch.no_grad():
        pairs = zip(network(network.inverse(fused, latent)), (fused, latent), strict=True)
        return max((got - given).abs().max().item() for got, given in pairs)


def fused_and_latent(sources, size, dtype, batch_size=2):
    fused = torch.rand(batch_size, 1, *size, dtype=dtype)
    fused.flatten(1)[:, ::5] = 0
    fused.flatten(1)[:, 1::5] = 1
    return fused, torch.randn(batch_size, sources - 1, *size, dtype=dtype)


def compare_log_det(network, image):
    """Hold the log-determinant against autograd's Jacobian."""
    for one, log_det in zip(image, network.log_det(image), strict=True):
        full = jacobian(lambda x: torch.cat(network(x), dim=1), one[None])
        expected = torch.linalg.slogdet(full.reshape(one.numel(), one.numel())).logabsdet
        assert log_det.item() == pytest.approx(expected.item(), abs=1e-8)


def same(got, expected, tolerance=1e-6):
    """Hold one or several tensors against others."""
    got, expected = (value if isinstance(value, tuple) else (value,) for value in (got, expected))
    for one, other in zip(got, expected, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=tolerance)


class Inverse(nn.Module):
    """The inverse as a forward, for exporters that know no other."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, fused, latent):
        return self.network.inverse(fused, latent)


SIZES = {2: (9, 14), 3: (5, 4, 6)}
EVERY_SHAPE = list(itertools.product([1, 2, 3, 4, 5], [2, 3], [2, 3, 4]))


class TestBothWays:
    @pytest.mark.parametrize("dtype", TOLERANCE)
    @pytest.mark.parametrize(("blocks", "dims", "sources"), EVERY_SHAPE)
    def test_sources_come_back(self, perturbed, blocks, dims, sources, dtype):
        network = perturbed(spatial_dims=dims, in_channels=sources, blocks=blocks).to(dtype)
        for name, image in images(sources, SIZES[dims], dtype).items():
            assert there_and_back(network, image) <= TOLERANCE[dtype], name

    @pytest.mark.parametrize("dtype", TOLERANCE)
    @pytest.mark.parametrize(("blocks", "dims", "sources"), EVERY_SHAPE)
    def test_fused_image_and_latent_come_back(self, perturbed, blocks, dims, sources, dtype):
        network = perturbed(spatial_dims=dims, in_channels=sources, blocks=blocks).to(dtype)
        assert back_and_there(network, *fused_and_latent(sources, SIZES[dims], dtype)) <= TOLERANCE[dtype]

    @pytest.mark.parametrize("blocks", [1, 2, 3, 5])
    @pytest.mark.parametrize("design", DESIGNS)
    def test_every_design_is_exact(self, perturbed, design, blocks):
        network = perturbed(blocks=blocks, **DESIGNS[design])
        assert there_and_back(network, torch.rand(2, 2, 12, 8)) <= SINGLE
        assert there_and_back(network.double(), torch.rand(2, 2, 12, 8).double()) <= DOUBLE

    @pytest.mark.parametrize("size", [(1, 1), (1, 8), (2, 2), (3, 3), (5, 12), (8, 7), (31, 17), (16, 16)])
    def test_any_size_comes_back_in_its_own_size(self, perturbed, size):
        image = torch.rand(2, 2, *size)
        fused, latent = perturbed(blocks=4)(image)
        assert fused.shape == latent.shape == (2, 1, *size)
        assert there_and_back(perturbed(blocks=4), image) <= SINGLE

    @pytest.mark.parametrize("size", [(1, 1, 1), (3, 3, 3), (4, 5, 6), (7, 2, 5), (6, 6, 1)])
    def test_any_size_of_a_volume_comes_back_too(self, perturbed, size):
        network, image = perturbed(spatial_dims=3, blocks=4), torch.rand(1, 2, *size)
        fused, latent = network(image)
        assert fused.shape == latent.shape == (1, 1, *size)
        assert there_and_back(network, image) <= SINGLE

    def test_memory_format_changes_nothing_that_matters(self, perturbed):
        network, image = perturbed(blocks=4), torch.rand(2, 2, 10, 12)
        fused, latent = network(image)
        last = perturbed(blocks=4).to(memory_format=torch.channels_last)
        for got, expected in zip(
            last(image.contiguous(memory_format=torch.channels_last)), (fused, latent), strict=True
        ):
            assert torch.allclose(got, expected, rtol=0, atol=1e-5)

    def test_images_of_a_batch_do_not_see_each_other(self, perturbed):
        network, image = perturbed(blocks=4).double(), torch.rand(3, 2, 9, 10, dtype=torch.float64)
        fused, latent = network(image)
        for i in range(3):
            one = image[i : i + 1]
            for got, expected in zip(network(one), (fused[i : i + 1], latent[i : i + 1]), strict=True):
                assert torch.allclose(got, expected, rtol=0, atol=1e-12)
        together = network.inverse(fused, latent)
        alone = [network.inverse(fused[i : i + 1], latent[i : i + 1]) for i in range(3)]
        assert torch.allclose(together, torch.cat(alone), rtol=0, atol=1e-12)

    def test_an_empty_batch_goes_through(self, perturbed):
        fused, latent = perturbed()(torch.rand(0, 2, 6, 5))
        assert fused.shape == latent.shape == (0, 1, 6, 5)


class TestExtremes:
    @pytest.mark.parametrize("value", [1e6, -1e6, 3e38, -3e38, torch.finfo(torch.float32).max])
    @pytest.mark.parametrize("blocks", [1, 3, 5])
    def test_any_finite_input_gives_finite_output(self, perturbed, blocks, value):
        network = perturbed(blocks=blocks, hidden_channels=32)
        signs = torch.rand(1, 2, 7, 6).sub(0.5).sign()
        opposite = torch.tensor([1.0, -1.0]).view(1, 2, 1, 1)
        for image in (torch.full((1, 2, 7, 6), value), value * signs, value * opposite.expand(1, 2, 7, 6)):
            with torch.no_grad():
                fused, latent = network(image)
                results = (fused, latent, network.inverse(fused, latent), network.inverse(image[:, :1], image[:, 1:]))
            assert all(result.isfinite().all() for result in results)

    def test_values_beyond_the_range_are_represented(self, perturbed):
        network = perturbed(blocks=4)
        noise = 2 * torch.rand(2, 2, 9, 10, dtype=torch.float64) - 0.5
        assert there_and_back(network.double(), noise) <= DOUBLE
        # a bright vessel under percentile normalisation, in single precision
        ramp = torch.linspace(-4, 4, 33)
        vessel = 0.5 + 2 * torch.exp(-ramp[:, None].square() - ramp.square() / 4).expand(1, 2, 33, 33)
        assert vessel.max() == 2.5
        assert there_and_back(network.float(), vessel) <= 10 * SINGLE

    def test_zero_stays_zero(self, perturbed):
        network = perturbed(blocks=4)
        black = torch.zeros(1, 2, 9, 10)
        assert network.inverse(*network(black)).abs().max() <= 1e-6
        assert FusionINN()(black)[0].abs().max() <= 1e-6

    def test_gradients_are_finite_at_black_and_white(self, perturbed):
        network = perturbed(blocks=3)
        for value in (0.0, 1.0):
            image = torch.full((1, 2, 6, 6), value, requires_grad=True)
            fused, latent = network(image)
            (fused.sum() + network.inverse(fused, torch.randn_like(latent)).sum()).backward()
            assert image.grad.isfinite().all()
            assert image.grad.abs().max() > 0


class TestStart:
    @pytest.mark.parametrize("sources", [2, 3])
    def test_a_fresh_network_fuses_by_the_mean_of_the_logits(self, sources):
        network, image = FusionINN(in_channels=sources, blocks=4), torch.rand(2, sources, 8, 9)
        fused, latent = network(image)
        values = network.squash(image)
        assert torch.allclose(fused, network.squash.inverse(values.mean(dim=1, keepdim=True)), rtol=0, atol=1e-5)
        assert torch.allclose(latent, values[:, 1:] - values[:, :1], rtol=0, atol=1e-4)

    def test_equal_sources_are_fused_to_what_they_are(self):
        source = torch.rand(1, 1, 8, 8)
        fused, latent = FusionINN()(source.expand(1, 2, 8, 8))
        assert torch.allclose(fused, source, rtol=0, atol=1e-6)
        assert latent.abs().max() <= 1e-5

    def test_every_weight_receives_a_gradient(self, perturbed):
        network = perturbed(blocks=4)
        fused, latent = network(torch.rand(2, 2, 8, 8))
        (fused.square().sum() + network.inverse(fused, torch.randn_like(latent)).square().sum()).backward()
        assert all((parameter.grad != 0).any() for parameter in network.parameters())


class TestPermutations:
    def orders(self, network):
        return [step.order.tolist() for step in network.steps if isinstance(step, ChannelPermutation)]

    def test_the_seed_decides_them(self):
        assert self.orders(FusionINN(blocks=5, seed=3)) == self.orders(FusionINN(blocks=5, seed=3))
        assert self.orders(FusionINN(blocks=5, seed=3)) != self.orders(FusionINN(blocks=5, seed=4))

    def test_building_a_network_draws_them_from_its_own_generator(self):
        torch.manual_seed(1)
        one = self.orders(FusionINN(blocks=5))
        torch.manual_seed(2)
        assert self.orders(FusionINN(blocks=5)) == one

    @pytest.mark.parametrize("design", DESIGNS)
    def test_they_are_saved_and_come_back_with_the_weights(self, perturbed, tmp_path, design):
        network = perturbed(blocks=5, seed=1, **DESIGNS[design])
        other = FusionINN(blocks=5, seed=2, hidden_channels=8, **DESIGNS[design])
        image = torch.rand(1, 2, 8, 8)
        torch.save(network.state_dict(), tmp_path / "model.pt")
        other.load_state_dict(torch.load(tmp_path / "model.pt", weights_only=True))
        for got, expected in zip(other(image), network(image), strict=True):
            assert torch.equal(got, expected)
        assert there_and_back(other, image) <= SINGLE

    def test_the_paper_s_network_permutes_before_every_block(self):
        kinds = [type(step).__name__ for step in FusionINN(blocks=4, **PAPER).steps]
        block, permutation = "AffineCoupling", "ChannelPermutation"
        half = [block, permutation, block]
        assert kinds == [block, permutation, "SpaceToDepth", *half, permutation, "DepthToSpace", block]

    @pytest.mark.parametrize("blocks", [1, 2, 3, 4, 5])
    def test_there_are_k_blocks_and_those_in_between_work_at_half_the_resolution(self, blocks):
        network = FusionINN(blocks=blocks)
        channels = [sum(step.split) for step in network.steps if type(step).__name__ == "AffineCoupling"]
        assert channels == {1: [2], 2: [2, 8], 3: [2, 8, 2], 4: [2, 8, 8, 2], 5: [2, 8, 8, 8, 2]}[blocks]

    def test_realigned_pixels_come_back_to_their_places(self):
        """With couplings that do nothing, a pixel of the fused image depends on that very pixel alone."""
        network = FusionINN(blocks=5, mixing=False, haar=False)
        image = torch.full((1, 2, 8, 8), 0.5)
        changed = image.clone()
        changed[..., 3, 4] = 0.9
        difference = (network(changed)[0] - network(image)[0]).abs()
        assert difference.nonzero().tolist() == [[0, 0, 3, 4]]


class TestLatentScale:
    def test_only_the_latent_differs_from_that_of_a_network_without(self, perturbed):
        image = torch.rand(2, 2, 8, 6)
        fused, latent = perturbed(blocks=4)(image)
        same, scaled = perturbed(blocks=4, latent_scale=0.25)(image)
        assert torch.equal(same, fused)
        assert torch.equal(scaled, latent / 0.25)

    def test_towards_zero_every_fresh_latent_gives_the_same(self, perturbed):
        fused = torch.rand(2, 1, 8, 6)
        spread = []
        for scale in (1.0, 0.1, 1e-6):
            network = perturbed(blocks=4, latent_scale=scale)
            one, other = (network.decompose(fused, "normal", seed) for seed in (5, 9))
            spread.append((one - other).abs().max().item())
        assert spread[0] > 5 * spread[1] > 5 * spread[2]
        assert spread[2] <= 1e-5

    @pytest.mark.parametrize("size", [(8, 6), (7, 5), (1, 1), (4, 5, 6), (3, 3, 3)])
    @pytest.mark.parametrize("scale", [0.01, 0.25, 4.0])
    def test_any_size_comes_back_both_ways(self, perturbed, scale, size):
        network = perturbed(spatial_dims=len(size), in_channels=3, blocks=4, latent_scale=scale)
        image = torch.rand(2, 3, *size)
        assert there_and_back(network, image) <= SINGLE
        assert there_and_back(network.double(), image.double()) <= DOUBLE
        # a thousandth of a digit is a hundred times as many of a latent that is a hundred times as large
        assert back_and_there(network, *fused_and_latent(3, size, torch.float64)) <= DOUBLE / min(scale, 1)

    @pytest.mark.parametrize("size", [(3, 3), (1, 4), (3, 1, 2)])
    def test_log_det_is_that_of_autograd_s_jacobian_at_odd_sizes(self, perturbed, size):
        network = perturbed(1.0, spatial_dims=len(size), blocks=4, latent_scale=0.25).double()
        compare_log_det(network, torch.rand(2, 2, *size, dtype=torch.float64))

    def test_weights_bring_their_own_scale(self, perturbed):
        trained, other = (
            perturbed(blocks=4, latent_scale=0.25),
            FusionINN(blocks=4, hidden_channels=8, latent_scale=0.5),
        )
        other.load_state_dict(trained.state_dict())
        image = torch.rand(1, 2, 8, 8)
        for got, expected in zip(other(image), trained(image), strict=True):
            assert torch.equal(got, expected)
        assert torch.equal(other.decompose(image[:, :1]), trained.decompose(image[:, :1]))

    def test_weights_with_a_scale_are_refused_by_a_network_without_and_the_other_way_round(self, perturbed):
        with_one, without = perturbed(blocks=4, latent_scale=0.25), perturbed(blocks=4)
        with pytest.raises(RuntimeError, match="Unexpected key.*scale"):
            without.load_state_dict(with_one.state_dict())
        with pytest.raises(RuntimeError, match="Missing key.*scale"):
            with_one.load_state_dict(without.state_dict())

    def test_scale_one_is_the_network_of_the_paper_and_of_older_weights(self):
        assert FusionINN(blocks=6, latent_scale=1.0).state_dict().keys() == FusionINN(blocks=6).state_dict().keys()

    @pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
    @pytest.mark.parametrize(
        "size", [(7, 5), pytest.param((8, 6), marks=pytest.mark.slow), pytest.param((5, 4, 3), marks=pytest.mark.slow)]
    )
    def test_it_is_scripted_traced_and_exported_in_both_directions(self, perturbed, size):
        network = perturbed(spatial_dims=len(size), blocks=4, latent_scale=0.25).requires_grad_(False)
        image = torch.rand(2, 2, *size)
        fused, latent = network(image)
        scripted = torch.jit.script(network)
        same(scripted(image), (fused, latent))
        same(scripted.inverse(fused, latent), network.inverse(fused, latent))
        same(scripted.log_det(image), network.log_det(image), tolerance=1e-4)
        same(torch.jit.trace(network, image)(image), (fused, latent))
        same(torch.jit.trace(Inverse(network), (fused, latent))(fused, latent), network.inverse(fused, latent))
        same(export(network, (image,)).module()(image), (fused, latent))
        same(export(Inverse(network), (fused, latent)).module()(fused, latent), network.inverse(fused, latent))


class TestLogDet:
    @pytest.mark.parametrize("design", DESIGNS)
    @pytest.mark.parametrize(("dims", "sources", "size"), [(2, 2, (4, 4)), (2, 3, (2, 4)), (3, 2, (2, 2, 2))])
    def test_it_is_that_of_autograd_s_jacobian(self, perturbed, design, dims, sources, size):
        network = perturbed(1.0, spatial_dims=dims, in_channels=sources, blocks=4, **DESIGNS[design]).double()
        compare_log_det(network, torch.rand(2, sources, *size, dtype=torch.float64))

    @pytest.mark.parametrize(("dims", "size"), [(2, (3, 3)), (2, (1, 4)), (3, (3, 1, 2))])
    def test_so_it_is_at_odd_sizes(self, perturbed, dims, size):
        network = perturbed(1.0, spatial_dims=dims, blocks=4).double()
        compare_log_det(network, torch.rand(2, 2, *size, dtype=torch.float64))

    def test_so_it_is_outside_the_range_of_intensities(self, perturbed):
        compare_log_det(perturbed(1.0, blocks=3).double(), 4 * torch.rand(2, 2, 4, 4, dtype=torch.float64) - 2)

    def test_nothing_is_computed_for_it_unless_asked(self, perturbed, monkeypatch):
        network = perturbed()
        for step in network.steps:
            monkeypatch.setattr(step, "log_det", None)
        network.inverse(*network(torch.rand(1, 2, 4, 4)))
        with pytest.raises(TypeError):
            network.log_det(torch.rand(1, 2, 4, 4))


class TestExport:
    @pytest.mark.parametrize("size", [(8, 6), (7, 5), (5, 4, 3)])
    def test_a_scripted_network_does_the_same_in_both_directions(self, perturbed, size):
        network = perturbed(spatial_dims=len(size), blocks=4)
        file = io.BytesIO()
        torch.jit.save(torch.jit.script(network), file)
        file.seek(0)
        scripted = torch.jit.load(file)
        image = torch.rand(2, 2, *size)
        fused, latent = network(image)
        same(scripted(image), (fused, latent))
        same(scripted.inverse(fused, latent), network.inverse(fused, latent))
        same(scripted.log_det(image), network.log_det(image), tolerance=1e-4)

    def test_a_scripted_network_takes_any_size(self, perturbed):
        network = perturbed(blocks=4)
        scripted = torch.jit.script(network)
        for size in ((8, 8), (5, 9), (12, 3)):
            image = torch.rand(1, 2, *size)
            same(scripted(image), network(image))

    @pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
    @pytest.mark.parametrize("size", [(8, 6), (7, 5)])
    def test_a_traced_network_does_the_same_in_both_directions(self, perturbed, size):
        network, image = perturbed(blocks=4).requires_grad_(False), torch.rand(2, 2, *size)
        fused, latent = network(image)
        other = torch.rand(3, 2, *(n + 4 for n in size))
        traced = torch.jit.trace(network, image)
        same(traced(image), (fused, latent))
        same(traced(other), network(other))
        traced_inverse = torch.jit.trace(Inverse(network), (fused, latent))
        same(traced_inverse(fused, latent), network.inverse(fused, latent))
        same(traced_inverse(*network(other)), network.inverse(*network(other)))

    def test_an_exported_network_takes_any_batch_of_any_even_height(self, perturbed):
        network = perturbed(blocks=2, hidden_channels=4)
        free = {0: Dim("batch"), 2: 2 * Dim("height")}
        exported = export(network, (torch.rand(2, 2, 8, 6),), dynamic_shapes=(free,)).module()
        for image in (torch.rand(2, 2, 8, 6), torch.rand(3, 2, 12, 6)):
            same(exported(image), network(image))

    @pytest.mark.parametrize("size", [(8, 6), (7, 5)])
    def test_an_exported_inverse_takes_any_batch(self, perturbed, size):
        network, free = perturbed(blocks=3, hidden_channels=4), {0: Dim("batch")}
        example = (torch.rand(2, 1, *size), torch.randn(2, 1, *size))
        exported = export(Inverse(network), example, dynamic_shapes=(free, free)).module()
        fused, latent = torch.rand(5, 1, *size), torch.randn(5, 1, *size)
        same(exported(fused, latent), network.inverse(fused, latent))

    def test_an_exported_network_takes_an_odd_size(self, perturbed):
        network, image = perturbed(blocks=4), torch.rand(2, 2, 7, 5)
        same(export(network, (image,)).module()(image), network(image))


class TestDecompose:
    def test_it_is_the_inverse_with_a_fresh_latent_of_the_seed(self, perturbed):
        network, fused = perturbed(), torch.rand(2, 1, 6, 7)
        assert network.decompose(fused).shape == (2, 2, 6, 7)
        assert torch.equal(network.decompose(fused), network.decompose(fused, "zeros"))
        assert torch.equal(network.decompose(fused, "normal", 5), network.decompose(fused, "normal", 5))
        assert not torch.equal(network.decompose(fused, "normal", 5), network.decompose(fused, "normal", 9))

    def test_zeros_and_ones_are_the_inverse_with_just_those(self, perturbed):
        network, fused = perturbed(), torch.rand(2, 1, 6, 7)
        assert torch.equal(network.decompose(fused, "zeros"), network.inverse(fused, torch.zeros_like(fused)))
        assert torch.equal(network.decompose(fused, "ones"), network.inverse(fused, torch.ones_like(fused)))

    def test_the_four_kinds_differ(self, perturbed):
        network, fused = perturbed(in_channels=3), torch.rand(1, 1, 6, 7)
        results = [network.decompose(fused, kind) for kind in ("normal", "zeros", "ones", "uniform")]
        for one, other in itertools.combinations(results, 2):
            assert not torch.allclose(one, other)

    def test_an_image_is_decomposed_the_same_alone_and_in_a_batch(self, perturbed):
        network, fused = perturbed(), torch.rand(3, 1, 6, 7)
        together = network.decompose(fused, "normal", 20)
        for i in range(3):
            alone = network.decompose(fused[i : i + 1], "normal", 20 + i)
            assert torch.allclose(together[i : i + 1], alone, atol=1e-6)

    def test_an_unknown_kind_is_refused(self, perturbed):
        with pytest.raises(ValueError, match="one of normal, zeros, ones, uniform, got 'gaussian'"):
            perturbed().decompose(torch.rand(1, 1, 4, 4), "gaussian")


class TestBadArguments:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"spatial_dims": 1}, "spatial_dims must be 2 or 3, got 1"),
            ({"spatial_dims": 4}, "spatial_dims must be 2 or 3, got 4"),
            ({"in_channels": 1}, "in_channels must be at least 2, got 1"),
            ({"blocks": 0}, "blocks must be at least 1, got 0"),
            (
                {"hidden_channels": 0},
                "hidden_channels must be at least 1, one number or one for each of 4 blocks, got 0",
            ),
            ({"clamp": 0.0}, "clamp must be positive, got 0.0"),
            ({"latent_scale": 0.0}, "latent scale must be positive and finite, got 0.0"),
            ({"margin": 0.5}, "margin must lie between 0 and 0.5"),
        ],
    )
    def test_each_is_named_with_its_value(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            FusionINN(**arguments)

    @pytest.mark.parametrize("size", [(5, 4), (4, 5)])
    def test_pixels_that_change_places_need_even_sizes(self, size):
        network = FusionINN(blocks=3, realign=False)
        with pytest.raises(ValueError, match="realign=False takes multiples of 2"):
            network(torch.rand(1, 2, *size))
        with pytest.raises(ValueError, match="realign=False takes multiples of 2"):
            network.inverse(torch.rand(1, 1, *size), torch.rand(1, 1, *size))

    def test_one_block_moves_no_pixel_and_takes_any_size(self):
        assert there_and_back(FusionINN(blocks=1, realign=False), torch.rand(1, 2, 5, 4)) <= SINGLE


class TestShippedWeights:
    @pytest.mark.parametrize("dtype", TOLERANCE)
    @pytest.mark.parametrize("size", [(64, 48), (33, 51)])
    def test_sources_come_back(self, shipped, size, dtype):
        network = shipped.to(dtype)
        for name, image in images(2, size, dtype).items():
            assert there_and_back(network, image) <= TOLERANCE[dtype], name

    @pytest.mark.parametrize("kind", ["noise", "black", "white", "ramp", "sprinkled"])
    def test_fused_image_and_latent_come_back(self, shipped, kind):
        """In single precision the latent as well as the sources between, which are single precision too, can hold it.

        Near white they are 6e-8 apart, which the slope of the logit and the couplings make much more of.
        """
        sprinkled, latent = fused_and_latent(2, (64, 48), torch.float64)
        fused = {
            "noise": torch.rand_like(sprinkled),
            "black": torch.zeros_like(sprinkled),
            "white": torch.ones_like(sprinkled),
            "ramp": torch.linspace(0, 1, 48).to(sprinkled).expand_as(sprinkled),
            "sprinkled": sprinkled,
        }[kind]
        fused, latent = fused.float(), latent.float()
        double = copy.deepcopy(shipped).double()
        assert back_and_there(double, fused.double(), latent.double()) <= DOUBLE
        with torch.no_grad():
            rounded = double.inverse(fused.double(), latent.double()).float().double()
            at_best = (double(rounded)[1] - latent).abs().max().item()
            network = shipped.float()
            fused_again, latent_again = network(network.inverse(fused, latent))
        assert (fused_again - fused).abs().max() <= SINGLE
        assert (latent_again - latent).abs().max() <= max(SINGLE, 20 * at_best)

    @pytest.mark.parametrize("value", [1e6, -1e6, 3e38, -3e38])
    def test_any_finite_input_gives_finite_output(self, shipped, value):
        image = torch.full((1, 2, 16, 16), value)
        image[:, 1, ::2] *= -1
        with torch.no_grad():
            fused, latent = shipped.float()(image)
            results = (fused, latent, shipped.inverse(fused, latent), shipped.inverse(image[:, :1], image[:, 1:]))
        assert all(result.isfinite().all() for result in results)

    @pytest.mark.slow
    def test_real_volumes_come_back(self, shipped, shared_data):
        """Every 32nd slice of each patient; `benchmarks/roundtrip.py` takes them all."""
        network = shipped.float().to(memory_format=torch.channels_last)
        load, normalize = LoadSourcesd(with_seg=False), NormalizeSourcesd()
        for patient in find_patients(shared_data / "open"):
            data = normalize(load(patient))
            slices = to_slices(data["image"], data["intensity_scale"]["slice_axis"])[::32].contiguous()
            assert slices.min() == 0
            assert slices.max() == 1
            for batch in slices.split(4):
                assert there_and_back(network, batch) <= SINGLE, patient["patient"]
