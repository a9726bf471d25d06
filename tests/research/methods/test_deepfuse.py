"""DeepFuse, layer by layer."""

from __future__ import annotations

import torch

from fusioninn_research.methods import DeepFuse


def test_its_weights_are_those_of_the_paper_s_five_layers():
    kernels = 25 * 1 * 16 + 49 * 16 * 32 + 49 * 32 * 32 + 25 * 32 * 16 + 25 * 16 * 1
    norms, bias = 2 * (16 + 32 + 32 + 16), 1
    assert sum(weight.numel() for weight in DeepFuse().parameters()) == kernels + norms + bias == 89057


def test_the_sources_share_one_encoder_so_that_their_order_is_of_no_matter():
    network, image = DeepFuse().eval(), torch.rand(1, 2, 20, 20)
    with torch.no_grad():
        torch.testing.assert_close(network(image.flip(1)), network(image), rtol=0, atol=1e-6)
