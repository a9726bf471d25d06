"""Convert a traced graph to ONNX."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.export import ExportedProgram

from scripts.runtimes.interface import Interface

if TYPE_CHECKING:
    import onnx

INSTALL = "pip install onnx onnxscript"
OPSET = 18
AXES = {0: "batch", 2: "height", 3: "width", 4: "depth"}


def onnx_bytes(program: ExportedProgram, interface: Interface, properties: Mapping[str, str]) -> bytes:
    """Convert a program, and check the result.

    Args:
        program: result of `trace`.
        interface: names of inputs and outputs.
        properties: description stored in the file.

    Returns:
        the file's content, weights included.
    """
    import onnx

    with _quiet():
        converted = torch.onnx.export(
            program,
            input_names=list(interface.inputs),
            output_names=list(interface.outputs),
            opset_version=OPSET,
            verbose=False,
        )
    model = converted.model_proto
    _forget_origin(model)
    for value in (*model.graph.input, *model.graph.output):
        for axis, size in enumerate(value.type.tensor_type.shape.dim):
            if size.dim_param:
                size.dim_param = AXES[axis]
    onnx.helper.set_model_props(model, dict(properties))
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress a message for each shared constant, and an irrelevant warning of torchvision."""
    loggers = [logging.getLogger(name) for name in ("onnx_ir", "torch.onnx._internal.exporter._registration")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _forget_origin(model: onnx.ModelProto) -> None:
    """Remove debug information about source files and graph construction, two thirds of the file."""
    parts: list[Any] = [
        model.graph,
        *model.graph.node,
        *model.graph.initializer,
        *model.graph.input,
        *model.graph.output,
    ]
    for part in parts:
        del part.metadata_props[:]
        part.doc_string = ""
    # Shapes of intermediate values are inferred when the file is loaded.
    del model.graph.value_info[:]
