"""Inference with TorchScript."""

from __future__ import annotations

import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.runtimes.torchscript import TorchScriptRuntime


class Other(torch.nn.Module):
    """A module with another input."""

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """As it is."""
        return picture


def test_both_directions_are_the_network_s(opened, small_network, phantom_slices):
    image = phantom_slices[:2, :, 10:43, 7:60]
    network = opened("torchscript")
    fused, latent = network(image)
    assert torch.allclose(fused, small_network(image)[0], atol=1e-4)
    assert torch.allclose(network.inverse(fused, latent), image, atol=1e-4)


def test_a_file_with_other_input_names_is_refused(tmp_path):
    torch.jit.save(torch.jit.script(Other()), tmp_path / "model.ts")
    with pytest.raises(BadInputError, match="has the inputs picture, expected image"):
        TorchScriptRuntime(tmp_path, torch.device("cpu"))
