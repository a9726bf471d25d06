"""The published network as its authors build it."""

from __future__ import annotations

import pytest
from torch import nn


def freia_graph(size: tuple[int, int], hidden: int) -> nn.Module:
    """Build the authors' graph from FrEIA's own modules; skip the test without FrEIA."""
    framework = pytest.importorskip("FrEIA.framework", reason="no FrEIA: pip install -r requirements-dev.txt")
    modules = pytest.importorskip("FrEIA.modules")

    def coupling(width: int):
        def subnet(inside: int, outside: int) -> nn.Module:
            first, second = nn.Conv2d(inside, width, 3, padding=1), nn.Conv2d(width, outside, 3, padding=1)
            return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())

        return modules.GLOWCouplingBlock, {"subnet_constructor": subnet, "clamp": 2.0}

    nodes = [framework.InputNode(2, *size)]
    steps = (
        (modules.ActNorm, {}),
        coupling(hidden),
        (modules.PermuteRandom, {}),
        (modules.IRevNetDownsampling, {}),
        coupling(2 * hidden),
        (modules.PermuteRandom, {}),
        (modules.IRevNetUpsampling, {}),
        coupling(hidden),
        (modules.Split, {}),
    )
    for module, arguments in steps:
        nodes.append(framework.Node(nodes[-1], module, arguments))
    nodes += [framework.OutputNode(nodes[-1].out0), framework.OutputNode(nodes[-1].out1)]
    return framework.GraphINN(nodes)
