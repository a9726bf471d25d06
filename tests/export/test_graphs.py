"""Traced graphs of both directions."""

from __future__ import annotations

import pytest
import torch

from scripts.export.graphs import trace
from scripts.networks import FusionINN
from scripts.runtimes.interface import INTERFACES, size_multiple, smallest_size


@pytest.fixture
def tiny():
    return FusionINN(blocks=1, hidden_channels=2, mixing=False).requires_grad_(False).eval()


class TestTrace:
    def test_its_inputs_have_the_names_of_the_interface(self, tiny):
        for direction, interface in INTERFACES.items():
            program = trace(tiny, direction, (1, 2, 5, 7))
            assert tuple(program.graph_signature.user_inputs) == interface.inputs
            assert len(program.graph_signature.user_outputs) == len(interface.outputs)

    def test_a_static_one_is_the_network_at_its_size(self, tiny):
        image = torch.rand(1, 2, 5, 7)
        fused, latent = trace(tiny, "fuse", image.shape).module()(image)
        assert torch.equal(fused, tiny(image)[0])
        assert torch.equal(trace(tiny, "decompose", image.shape).module()(fused, latent), tiny.inverse(fused, latent))

    def test_it_does_not_tell_where_the_source_code_was(self, tiny):
        program = trace(tiny, "fuse", (1, 2, 4, 4))
        assert all("stack_trace" not in node.meta for node in program.graph.nodes)

    def test_the_paper_s_network_takes_any_even_size_and_no_odd_one(self):
        network = FusionINN(blocks=2, hidden_channels=2, mixing=False, realign=False, haar=False)
        network.requires_grad_(False).eval()
        assert size_multiple(network) == 2
        module = trace(network, "fuse").module()
        image = torch.rand(3, 2, 8, 18)
        assert torch.equal(module(image)[0], network(image)[0])
        with pytest.raises((RuntimeError, AssertionError)):
            module(torch.rand(3, 2, 7, 18))


@pytest.mark.parametrize(
    ("scales", "smallest"), [({"blocks": 2}, 3), ({"scales": (2, 4, 2)}, 5), ({"scales": (2, 8, 2)}, 9)]
)
def test_other_networks_take_every_size_from_the_smallest_on(scales, smallest):
    network = FusionINN(hidden_channels=2, **scales).requires_grad_(False).eval()
    assert (size_multiple(network), smallest_size(network)) == (1, smallest)
    module = trace(network, "fuse").module()
    for size in ((smallest, smallest + 2), (smallest + 6, smallest + 7)):
        image = torch.rand(3, 2, *size)
        assert torch.allclose(module(image)[0], network(image)[0], atol=1e-6)
    with pytest.raises((RuntimeError, AssertionError)):
        module(torch.rand(3, 2, smallest - 1, 18))
