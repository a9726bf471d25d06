"""UNet 3+, layer by layer."""

from __future__ import annotations

import torch

from fusioninn_research.methods import UNet3Plus
from fusioninn_research.methods.unet3_plus import FullScaleNode

ENCODER = (64, 128, 256, 512, 1024)


def test_its_weights_are_those_of_the_paper_s_layers():
    encoder = sum(9 * a * b + 9 * b * b + 4 * b for a, b in zip((2, *ENCODER), ENCODER, strict=False))
    decoder = 0
    for level in range(4):
        given = [*ENCODER[: level + 1], *[320] * (3 - level), 1024]
        decoder += sum(9 * channels * 64 + 2 * 64 for channels in given) + 9 * 320 * 320 + 2 * 320
    with torch.device("meta"):
        network = UNet3Plus()
    total = sum(weight.numel() for weight in network.parameters())
    assert total == encoder + decoder + 9 * 320 + 1 == 26964673


def test_a_node_sees_every_scale_at_its_own():
    node = FullScaleNode(2, [4, 8, 16, 40, 64], width=4).eval()
    sides = [32, 16, 8, 4, 2]
    maps = [torch.rand(1, count, side, side) for count, side in zip([4, 8, 16, 40, 64], sides, strict=True)]
    with torch.no_grad():
        before = node(maps)
        assert before.shape == (1, 20, 8, 8)
        for i in range(5):
            changed = [x + (k == i) for k, x in enumerate(maps)]
            assert not torch.allclose(node(changed), before, atol=1e-4)
