"""Gradients of steps that keep no activations."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scripts.flow import AffineCoupling, HaarBands, SourceMixing, SpaceToDepth, recomputed
from scripts.inferers import BidirectionalInferer
from scripts.losses import FusionINNLoss
from scripts.networks import FusionINN


def trained(network, spread):
    """Weights as training might leave them: no coupling is the identity."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += spread * torch.randn(parameter.shape, generator=generator)
    return network.train()


def pair(dtype=torch.float64, **arguments):
    """The same network twice: ordinary, and recomputing."""
    ordinary, recomputing = (
        trained(FusionINN(hidden_channels=4, recompute=recompute, **arguments), 0.06 / arguments["blocks"]).to(dtype)
        for recompute in (False, True)
    )
    recomputing.load_state_dict(ordinary.state_dict())
    return ordinary, recomputing


def gradients(network, image, precision="float32"):
    """Of a training step through both directions, by the name of the parameter."""
    network.zero_grad()
    image = image.clone().requires_grad_()
    torch.manual_seed(5)
    loss = FusionINNLoss(latent_weight=0.1)(BidirectionalInferer(precision=precision)(image, network), image)
    loss.backward()
    return {"image": image.grad} | {name: parameter.grad for name, parameter in network.named_parameters()}


def largest_difference(got, expected):
    """Relative to the largest gradient of the same parameter."""
    assert got.keys() == expected.keys()
    return max(((got[name] - value).abs().max() / value.abs().max()).item() for name, value in expected.items())


def kept_bytes(function):
    """Bytes that autograd keeps for the gradient, each tensor once."""
    kept = {}

    def pack(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = function()
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values()), result


class TestGradients:
    @pytest.mark.parametrize("blocks", [1, 2, 3, 6])
    def test_are_the_ordinary_ones_in_double_precision(self, blocks):
        ordinary, recomputing = pair(blocks=blocks)
        image = torch.rand(2, 2, 16, 20, dtype=torch.float64)
        assert largest_difference(gradients(recomputing, image), gradients(ordinary, image)) < 1e-10

    @pytest.mark.parametrize("blocks", [3, 12])
    def test_are_the_ordinary_ones_in_single_precision(self, blocks):
        ordinary, recomputing = pair(torch.float32, blocks=blocks)
        image = torch.rand(2, 2, 32, 32)
        assert largest_difference(gradients(recomputing, image), gradients(ordinary, image)) < 1e-4

    @pytest.mark.parametrize("size", [(15, 16), (13, 17), (11, 12, 13)])
    def test_of_odd_sizes_in_two_and_three_dimensions(self, size):
        ordinary, recomputing = pair(spatial_dims=len(size), blocks=4)
        image = torch.rand(2, 2, *size, dtype=torch.float64)
        assert largest_difference(gradients(recomputing, image), gradients(ordinary, image)) < 1e-10

    @pytest.mark.parametrize(
        "arguments",
        [
            {"in_channels": 3, "latent_scale": 0.5},
            {"mixing": False, "realign": False, "haar": False, "output_relu": True},
            {"mixing": False, "haar": False},
        ],
    )
    def test_of_every_design(self, arguments):
        ordinary, recomputing = pair(blocks=4, **arguments)
        image = torch.rand(2, ordinary.in_channels, 12, 12, dtype=torch.float64)
        assert largest_difference(gradients(recomputing, image), gradients(ordinary, image)) < 1e-10

    def test_of_images_with_the_channels_last(self):
        ordinary, recomputing = pair(blocks=4)
        image = torch.rand(2, 2, 16, 16, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
        recomputing.to(memory_format=torch.channels_last)
        assert largest_difference(gradients(recomputing, image), gradients(ordinary, image)) < 1e-10

    def test_are_as_far_from_single_precision_under_autocast_as_ordinary_ones(self):
        ordinary, recomputing = pair(torch.float32, blocks=4)
        image = torch.rand(2, 2, 32, 32)
        exact = gradients(ordinary, image)
        rough = largest_difference(gradients(ordinary, image, "bfloat16"), exact)
        assert 1e-4 < largest_difference(gradients(recomputing, image, "bfloat16"), exact) < 1.5 * rough

    def test_frozen_steps_get_none(self):
        ordinary, recomputing = pair(blocks=3)
        image = torch.rand(1, 2, 12, 12, dtype=torch.float64)
        for network in (ordinary, recomputing):
            network.steps[1].requires_grad_(False)
        got, expected = gradients(recomputing, image), gradients(ordinary, image)
        assert {name for name, value in got.items() if value is None} == {
            name for name, value in expected.items() if value is None
        }
        some = {name for name, value in got.items() if value is not None}
        assert 0 < len(some) < len(got)
        assert largest_difference({n: got[n] for n in some}, {n: expected[n] for n in some}) < 1e-10

    def test_of_steps_alone(self):
        steps = nn.ModuleList([SourceMixing(), AffineCoupling(2, 2, 3), SpaceToDepth(), HaarBands(2)])
        trained(steps, 0.3).double()
        inputs = [torch.rand(1, 2, 4, 6, dtype=torch.float64, requires_grad=True)]
        assert torch.autograd.gradcheck(lambda x: recomputed(steps, x), inputs)
        inputs = [torch.rand(1, 8, 2, 3, dtype=torch.float64, requires_grad=True)]
        assert torch.autograd.gradcheck(lambda x: recomputed(steps, x, backwards=True), inputs)


class TestResults:
    @pytest.mark.parametrize("size", [(12, 12), (9, 12)])
    def test_are_the_ordinary_ones_to_the_last_bit(self, size):
        ordinary, recomputing = pair(torch.float32, blocks=4)
        image = torch.rand(2, 2, *size)
        for got, expected in zip(recomputing(image), ordinary(image), strict=True):
            assert torch.equal(got, expected)
            assert got.requires_grad
        assert torch.equal(
            recomputing.inverse(image[:, :1], image[:, 1:]), ordinary.inverse(image[:, :1], image[:, 1:])
        )

    def test_nothing_is_recomputed_outside_of_training(self):
        _, recomputing = pair(blocks=3)
        image = torch.rand(1, 2, 8, 8, dtype=torch.float64)
        assert "_RecomputedBackward" in functions_behind(recomputing(image)[0])
        for network in (torch.jit.script(recomputing), recomputing.eval()):
            assert "_RecomputedBackward" not in functions_behind(network(image)[0])


def functions_behind(tensor):
    """Names of the functions behind a tensor."""
    found, todo = set(), [tensor.grad_fn]
    while todo:
        function = todo.pop()
        if function is not None and function not in found:
            found.add(function)
            todo += [before for before, _ in function.next_functions]
    return sorted(type(function).__name__ for function in found)


class TestMemory:
    def test_what_is_kept_does_not_grow_with_the_blocks(self):
        kept = {}
        for blocks in (3, 12):
            for network in pair(torch.float32, blocks=blocks):
                image = torch.rand(1, 2, 64, 64)
                numbers = sum(p.numel() for p in network.parameters()) * 4
                kept[blocks, network.recompute] = kept_bytes(lambda n=network, i=image: n(i))[0] - numbers
        assert kept[12, False] > 2.5 * kept[3, False]
        assert kept[12, True] <= kept[3, True]
        assert kept[3, True] < 0.5 * kept[3, False]
