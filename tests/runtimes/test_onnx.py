"""Inference with onnxruntime."""

from __future__ import annotations

import shutil
import sys

import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.runtimes.onnx import ONNXRuntime, as_array

CPU = torch.device("cpu")


def test_both_directions_are_the_network_s_at_other_sizes_than_traced(opened, small_network, phantom_slices):
    network = opened("onnx")
    for image in (phantom_slices[:1, :, 10:43, 7:60], phantom_slices[..., ::4, ::6], phantom_slices[:1, :, :3, :4]):
        fused, latent = network(image)
        assert torch.allclose(fused, small_network(image)[0], atol=1e-4)
        assert torch.allclose(network.inverse(fused, latent), image, atol=1e-4)


def test_a_file_with_other_input_names_is_refused(onnx_exports, tmp_path):
    import onnx

    model = onnx.load(onnx_exports / "fuse.onnx")
    for node in model.graph.node:
        node.input[:] = ["picture" if name == "image" else name for name in node.input]
    model.graph.input[0].name = "picture"
    onnx.save(model, tmp_path / "fuse.onnx")
    pytest.importorskip("onnxruntime", reason="no onnxruntime: pip install -r requirements-dev.txt")
    with pytest.raises(BadInputError, match="has the inputs picture, expected image"):
        ONNXRuntime(tmp_path, CPU)


def test_a_damaged_file_is_reported(onnx_exports, tmp_path):
    pytest.importorskip("onnxruntime", reason="no onnxruntime: pip install -r requirements-dev.txt")
    shutil.copy(onnx_exports / "decompose.onnx", tmp_path)
    (tmp_path / "fuse.onnx").write_bytes(b"nothing")
    with pytest.raises(BadInputError, match="cannot be loaded by onnx"):
        ONNXRuntime(tmp_path, CPU)


def test_without_onnxruntime_the_message_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(BadInputError, match="needs the package onnxruntime.*pip install onnxruntime"):
        ONNXRuntime(tmp_path, CPU)


def test_arrays_are_in_the_order_of_their_axes():
    tensor = torch.rand(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    assert as_array(tensor).flags["C_CONTIGUOUS"]
    assert (as_array(tensor) == tensor.numpy()).all()
