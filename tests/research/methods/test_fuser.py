"""What the networks that fuse and cannot decompose have in common, seen on all of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from fusioninn_research.config_paths import config_path
from fusioninn_research.methods import DeepFuse, FunFuseAn, Fuser, HalfUNet, UNet, UNet3Plus, UNetPlusPlus

NARROW = {
    DeepFuse: {},
    FunFuseAn: {},
    HalfUNet: {"width": 4},
    UNet: {"width": 4},
    UNetPlusPlus: {"width": 4},
    UNet3Plus: {"width": 4},
}
every_network = pytest.mark.parametrize("kind", NARROW, ids=lambda kind: kind.__name__)


class Deepest(Fuser):
    """Gives back what it is given, to be looked at."""

    def __init__(self) -> None:
        super().__init__(in_channels=2, multiple=16)

    def logits(self, image: torch.Tensor) -> torch.Tensor:
        self.seen = image
        return torch.logit(0.05 + 0.9 * image[:, :1])


def build(kind, **settings):
    return kind(**NARROW[kind] | settings)


@every_network
class TestEveryNetwork:
    @pytest.mark.parametrize("size", [(32, 32), (37, 50), (17, 1), (48, 31)])
    def test_any_size_comes_back_as_one_image_in_range(self, kind, size):
        image = torch.rand(2, 2, *size)
        with torch.no_grad():
            fused = build(kind).eval()(image)
        assert fused.shape == (2, 1, *size)
        assert fused.min() >= 0
        assert fused.max() <= 1
        assert fused.isfinite().all()

    def test_it_takes_three_sources(self, kind):
        assert build(kind, in_channels=3).eval()(torch.rand(1, 3, 32, 32)).shape == (1, 1, 32, 32)

    def test_fewer_than_two_are_nothing_to_fuse(self, kind):
        with pytest.raises(ValueError, match="nothing to fuse in 1"):
            build(kind, in_channels=1)

    def test_gradients_reach_every_parameter(self, kind):
        network = build(kind)
        network(torch.rand(2, 2, 32, 32)).square().sum().backward()
        without = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
        assert without == []

    def test_every_source_counts(self, kind):
        image = torch.rand(1, 2, 32, 32, requires_grad=True)
        build(kind).eval()(image).sum().backward()
        assert (image.grad.abs().amax(dim=(0, 2, 3)) > 0).all()

    def test_a_slice_is_fused_alike_whatever_is_in_the_batch(self, kind):
        network, image = build(kind).eval(), torch.rand(3, 2, 32, 32)
        with torch.no_grad():
            torch.testing.assert_close(network(image)[1:2], network(image[1:2]), rtol=0, atol=1e-5)

    def test_it_can_be_scripted(self, kind):
        network, image = build(kind).eval(), torch.rand(1, 2, 20, 33)
        with torch.no_grad():
            torch.testing.assert_close(torch.jit.script(network)(image), network(image), rtol=0, atol=1e-6)

    def test_its_method_file_declares_it(self, kind):
        content = Path(config_path(f"research/methods/{kind.method}.json")).read_text()
        assert json.loads(content)["network_def"]["_target_"] == f"fusioninn_research.methods.{kind.__name__}"

    def test_seeds_decide_the_first_weights(self, kind):
        states = []
        for _ in range(2):
            torch.manual_seed(3)
            states.append(build(kind).state_dict())
        assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_padding_repeats_the_border_and_is_cropped_away():
    network, image = Deepest(), torch.rand(1, 2, 182, 218)
    fused = network(image)
    assert network.seen.shape == (1, 2, 192, 224)
    assert torch.equal(network.seen[:, :, 182:, :218], image[:, :, -1:].expand(1, 2, 10, 218))
    torch.testing.assert_close(fused, image[:, :1], rtol=0, atol=1e-6)


def test_a_fitting_size_is_left_as_it_is():
    network = Deepest()
    network(torch.rand(1, 2, 96, 240))
    assert network.seen.shape == (1, 2, 96, 240)
