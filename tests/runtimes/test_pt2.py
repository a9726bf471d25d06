"""Inference with programs of torch.export."""

from __future__ import annotations

import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.runtimes.pt2 import PT2Runtime

pytestmark = pytest.mark.slow


def test_both_directions_are_the_network_s_at_other_sizes_than_traced(opened, small_network, phantom_slices):
    network = opened("pt2")
    for image in (phantom_slices[:1, :, 10:43, 7:60], phantom_slices[..., ::4, ::6]):
        fused, latent = network(image)
        assert torch.allclose(fused, small_network(image)[0], atol=1e-4)
        assert torch.allclose(network.inverse(fused, latent), image, atol=1e-4)


def test_a_program_with_other_input_names_is_refused(tmp_path):
    class Other(torch.nn.Module):
        def forward(self, picture: torch.Tensor) -> torch.Tensor:
            return 2 * picture

    program = torch.export.export(Other(), (torch.rand(1, 2, 4, 4),))
    torch.export.save(program, tmp_path / "fuse.pt2")
    with pytest.raises(BadInputError, match="has the inputs picture, expected image"):
        PT2Runtime(tmp_path, torch.device("cpu"))


def test_a_file_that_is_not_a_program_is_reported(tmp_path):
    (tmp_path / "fuse.pt2").write_bytes(b"nothing")
    with pytest.raises(BadInputError, match="cannot be loaded by pt2"):
        PT2Runtime(tmp_path, torch.device("cpu"))
