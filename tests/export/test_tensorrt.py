"""TensorRT: tests that need no GPU."""

from __future__ import annotations

import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.export.tensorrt import DecomposeStacked, TensorRTExporter, check_tensorrt


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_the_message_says_that_one_is_needed(small_network, tmp_path):
    with pytest.raises(BadInputError, match=r"on the NVIDIA GPU that will run them.*section onnx"):
        TensorRTExporter(small_network, "model.pt", ["t1gd", "flair"], str(tmp_path))()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_without_torch_tensorrt_the_message_says_how_to_get_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch_tensorrt", None)
    with pytest.raises(BadInputError, match="pip install torch-tensorrt=="):
        check_tensorrt()


def test_the_way_back_takes_fused_image_and_latent_as_channels(small_network):
    both = torch.rand(2, 2, 8, 6)
    assert torch.equal(DecomposeStacked(small_network)(both), small_network.inverse(both[:, :1], both[:, 1:]))
