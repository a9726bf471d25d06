"""ONNX files: names, sizes and notes."""

from __future__ import annotations

import pytest

from scripts import RESEARCH_NOTICE
from scripts.networks.weights import fingerprint
from scripts.runtimes.interface import INTERFACES


@pytest.mark.parametrize("direction", INTERFACES)
class TestOnnxFile:
    def test_inputs_and_outputs_are_named_and_of_any_size(self, onnx_exports, direction):
        import onnx

        graph = onnx.load(onnx_exports / f"{direction}.onnx").graph
        for values, names in zip((graph.input, graph.output), INTERFACES[direction], strict=True):
            assert tuple(value.name for value in values) == names
            for value in values:
                batch, channels, height, width = value.type.tensor_type.shape.dim
                assert (batch.dim_param, height.dim_param, width.dim_param) == ("batch", "height", "width")
                assert channels.dim_value in (1, 2)

    def test_it_says_what_it_is_and_not_where_it_was_made(self, onnx_exports, direction, repository):
        import onnx

        path = onnx_exports / f"{direction}.onnx"
        told = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        assert told["research_only"] == RESEARCH_NOTICE
        assert told["checkpoint_sha256"] == fingerprint(onnx_exports / "model.pt")
        assert str(repository).encode() not in path.read_bytes()
        assert b".py" not in path.read_bytes()
