"""FunFuseAn, layer by layer."""

from __future__ import annotations

import torch

from fusioninn_research.methods import FunFuseAn


def test_its_weights_are_those_of_the_paper_s_layers():
    low = 81 * 16 + 49 * 16
    high = 9 * (16 + 16 * 32 + 32 * 64) + 25 * (16 + 16 * 32) + 9 * 32 * 64
    rest = 25 * (64 * 32 + 32 * 16 + 16)
    norms, bias = 2 * (2 * (16 + 16 + 32 + 64) + 32 + 16), 1
    assert sum(weight.numel() for weight in FunFuseAn().parameters()) == low + high + rest + norms + bias == 121905


def test_the_fusion_of_high_frequencies_stays_finite_where_they_cancel():
    network = FunFuseAn().train()
    for branch in network.high:
        for weight in branch.parameters():
            torch.nn.init.zeros_(weight)
    fused = network(torch.rand(2, 2, 16, 16))
    fused.sum().backward()
    assert fused.isfinite().all()
    assert all(weight.grad.isfinite().all() for weight in network.parameters() if weight.grad is not None)
