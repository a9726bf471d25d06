"""Inference with OpenVINO, which must not use its default precision."""

from __future__ import annotations

import sys

import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.runtimes.onnx import as_array
from scripts.runtimes.openvino import PRECISION, OpenVINORuntime, check_precision


def test_both_directions_are_the_network_s_at_other_sizes_than_traced(opened, small_network, phantom_slices):
    network = opened("openvino")
    for image in (phantom_slices[:1, :, 10:43, 7:60], phantom_slices[..., ::4, ::6]):
        fused, latent = network(image)
        assert torch.allclose(fused, small_network(image)[0], atol=1e-4)
        assert torch.allclose(network.inverse(fused, latent), image, atol=1e-4)


def test_results_stay_what_they_were_when_the_next_are_computed(opened, phantom_slices):
    network, image = opened("openvino"), phantom_slices[:1, :, ::4, ::4]
    first = network(image)[0]
    before = first.clone()
    network(1 - image)
    assert torch.equal(first, before)


def test_bfloat16_which_it_takes_by_default_gives_wrong_images_and_ours_does_not(
    opened, onnx_exports, small_network, phantom_slices
):
    openvino = pytest.importorskip("openvino", reason="no openvino: pip install -r requirements-dev.txt")
    core, image = openvino.Core(), phantom_slices[:1, :, ::2, ::2].contiguous()
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("OpenVINO has no bfloat16 on this processor, where its default is single precision")
    default = core.compile_model(str(onnx_exports / "fuse.onnx"), "CPU")
    with pytest.raises(BadInputError, match=r"computes in bf16 on this machine although f32 was requested"):
        check_precision(default.get_property(PRECISION))
    wanted = small_network(image)[0]
    wrong = torch.from_numpy(default([as_array(image)])["fused"].copy())
    assert (wrong - wanted).abs().max() > 1e-3
    assert (opened("openvino")(image)[0] - wanted).abs().max() <= 1e-4


def test_without_openvino_the_message_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(BadInputError, match="needs the package openvino.*pip install openvino"):
        OpenVINORuntime(tmp_path, torch.device("cpu"))
