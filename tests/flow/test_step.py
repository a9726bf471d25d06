"""What every step of the flow promises, shown for each of them."""

from __future__ import annotations

import pytest
import torch
from torch.autograd.functional import jacobian

from scripts.flow import (
    ActNorm,
    AffineCoupling,
    ChannelPermutation,
    DepthToSpace,
    FlowStep,
    HaarBands,
    LatentScale,
    SourceMixing,
    SpaceToDepth,
    SpreadSigns,
)
from scripts.flow.resampling import space_to_depth


def coupling(spatial_dims, channels, output_relu=False):
    step = AffineCoupling(spatial_dims, channels, hidden_channels=4, output_relu=output_relu)
    with torch.no_grad():
        for parameter in step.parameters():
            parameter.normal_(std=0.3)
    return step


def act_norm(spatial_dims, channels):
    step = ActNorm(spatial_dims, channels).eval()
    with torch.no_grad():
        for parameter in step.parameters():
            parameter.normal_(std=0.3)
    return step


def permutation(channels):
    return ChannelPermutation.random(channels, torch.Generator().manual_seed(3))


STEPS = {
    "ActNorm": act_norm,
    "latent scale": lambda dims, channels: LatentScale(0.3),
    "mixing": lambda dims, channels: SourceMixing(),
    "permutation": lambda dims, channels: permutation(channels),
    "space to depth": lambda dims, channels: SpaceToDepth(),
    "depth to space": lambda dims, channels: DepthToSpace(),
    "Haar bands": lambda dims, channels: HaarBands(dims),
    "spread signs": lambda dims, channels: SpreadSigns(dims, torch.Generator().manual_seed(3)),
    "coupling": coupling,
    "coupling with ReLU": lambda dims, channels: coupling(dims, channels, output_relu=True),
}
MOVING = {"permutation", "space to depth", "depth to space"}
# At half the resolution a step sees the channels that space-to-depth has made.
AT_HALF_RESOLUTION = {"depth to space", "Haar bands", "spread signs"}
SIZES = {2: [(2, 2), (4, 6), (8, 2)], 3: [(2, 2, 2), (4, 2, 6)]}
ODD_SIZES = {2: [(3, 4), (5, 3), (1, 1)], 3: [(3, 2, 5), (1, 3, 3)]}
SOURCES = {"2-D": (2, 2), "2-D, three sources": (2, 3), "3-D": (3, 2)}


def image_and_mask(name, sources, size, batch_size=2):
    """An image padded with zeros to even size, and what says where it was before."""
    padded = [n + n % 2 for n in size]
    inside = torch.zeros(1, sources, *padded, dtype=torch.float64)
    inside[(..., *(slice(n) for n in size))] = 1
    image = torch.randn(batch_size, sources, *padded, dtype=torch.float64) * inside
    if name in AT_HALF_RESOLUTION:
        image, inside = space_to_depth(image), space_to_depth(inside)
    return image, inside


def cases(sizes):
    return [
        pytest.param(name, dims, sources, size, id=f"{name}, {label}, {'x'.join(map(str, size))}")
        for name in STEPS
        for label, (dims, sources) in SOURCES.items()
        for size in sizes[dims]
        if name != "space to depth" or all(n > 1 for n in size)
    ]


def build(name, dims, image):
    return STEPS[name](dims, image.shape[1]).double()


def moved(step, inside):
    return step(inside) if step.moves else inside


class TestEveryStep:
    @pytest.mark.parametrize(("name", "dims", "sources", "size"), cases(SIZES))
    def test_inverse_undoes_forward_and_forward_undoes_inverse(self, name, dims, sources, size):
        image, _ = image_and_mask(name, sources, size)
        step = build(name, dims, image)
        there = step(image)
        assert there.numel() == image.numel()
        assert torch.allclose(step.inverse(there), image, rtol=0, atol=1e-12)
        # what comes out of one direction has the shape that the other takes
        other = torch.randn_like(there)
        assert torch.allclose(step(step.inverse(other)), other, rtol=0, atol=1e-12)

    @pytest.mark.parametrize(("name", "dims", "sources", "size"), cases(ODD_SIZES))
    def test_padding_of_odd_sizes_stays_zero_both_ways(self, name, dims, sources, size):
        image, inside = image_and_mask(name, sources, size)
        step = build(name, dims, image)
        there, inside_there = step(image, inside), moved(step, inside)
        assert inside_there.shape[1:] == there.shape[1:]
        assert (there * (1 - inside_there)).abs().max() == 0
        back = step.inverse(there, inside_there)
        assert (back * (1 - inside)).abs().max() == 0
        assert torch.allclose(back, image, rtol=0, atol=1e-12)
        if step.moves:
            assert torch.equal(step.inverse(inside_there), inside)

    @pytest.mark.parametrize(("name", "dims", "sources", "size"), cases({2: [(2, 2), (3, 2)], 3: [(2, 2, 2)]}))
    def test_log_det_is_that_of_autograd_s_jacobian(self, name, dims, sources, size):
        image, inside = image_and_mask(name, sources, size)
        step = build(name, dims, image)
        mask = None if bool(inside.all()) else inside
        rows, columns = moved(step, inside).flatten() > 0, inside.flatten() > 0
        for one, log_det in zip(image, step.log_det(image, mask), strict=True):
            full = jacobian(lambda x: step(x, mask), one[None]).reshape(rows.numel(), columns.numel())
            expected = torch.linalg.slogdet(full[rows][:, columns]).logabsdet
            assert log_det.item() == pytest.approx(expected.item(), abs=1e-10)

    @pytest.mark.parametrize("name", STEPS)
    def test_images_of_a_batch_do_not_see_each_other(self, name):
        image, _ = image_and_mask(name, 2, (4, 6), batch_size=3)
        step = build(name, 2, image)
        alone = torch.cat([step(one[None]) for one in image])
        assert torch.allclose(step(image), alone, rtol=0, atol=1e-12)

    @pytest.mark.parametrize("name", STEPS)
    def test_gradients_reach_the_input_from_both_directions(self, name):
        image, _ = image_and_mask(name, 2, (4, 4))
        step = build(name, 2, image)
        for direction in (step.forward, step.inverse):
            shape = image.shape if direction == step.forward else step(image).shape
            start = torch.randn(shape, dtype=torch.float64, requires_grad=True)
            direction(start).square().sum().backward()
            assert (start.grad != 0).all()


class TestFlowStep:
    def test_a_step_keeps_volume_unless_it_says_otherwise(self):
        assert torch.equal(FlowStep().log_det(torch.rand(3, 2, 4, 4)), torch.zeros(3))

    def test_a_step_without_its_directions_is_not_finished(self):
        for direction in (FlowStep().forward, FlowStep().inverse):
            with pytest.raises(NotImplementedError):
                direction(torch.rand(1, 2, 4, 4))

    @pytest.mark.parametrize("name", STEPS)
    def test_only_reordering_steps_move_elements(self, name):
        assert build(name, 2, torch.zeros(1, 8, 2, 2)).moves == (name in MOVING)
