"""OpenVINO."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from scripts.data.errors import BadInputError
from scripts.runtimes.description import as_properties, from_properties
from scripts.runtimes.interface import DECOMPOSE, FUSE, INTERFACES

from .onnx import as_array
from .runtime import Runtime

PRECISION = "INFERENCE_PRECISION_HINT"


class OpenVINORuntime(Runtime):
    """`fuse.onnx` and `decompose.onnx` in OpenVINO on the CPU, with as many threads as torch.

    On processors with bfloat16, OpenVINO uses it by default, which gives wrong images. Single precision is requested
    here, and the precision in use is checked.
    """

    name = package = "openvino"
    command = "onnx"

    def __init__(self, folder: Path, device: torch.device) -> None:
        super().__init__(folder, device)
        import openvino

        core = openvino.Core()
        settings = {PRECISION: "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
        self.models, self._descriptions = {}, {}
        for direction in INTERFACES:
            path = self.file(f"{direction}.onnx")
            try:
                model = core.read_model(path)
                compiled = core.compile_model(model, "CPU", settings)
            except RuntimeError as error:
                raise self.unreadable(path, error) from error
            inputs, outputs = ([value.any_name for value in values] for values in (model.inputs, model.outputs))
            self.check_names(path, direction, inputs, outputs)
            check_precision(compiled.get_property(PRECISION))
            self.models[direction] = compiled
            info = dict(model.get_rt_info().items()).get("framework", {})
            properties = {key: getattr(value, "value", value) for key, value in info.items()}
            self._descriptions[path] = from_properties(as_properties(properties))

    @property
    def descriptions(self) -> dict[str, dict[str, Any]]:
        """Descriptions stored in the files."""
        return self._descriptions

    def fuse(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Runtime.fuse`."""
        results = self.models[FUSE]([as_array(image)])
        return torch.from_numpy(results["fused"].copy()), torch.from_numpy(results["latent"].copy())

    def decompose(self, fused: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        """See `Runtime.decompose`."""
        results = self.models[DECOMPOSE]([as_array(fused), as_array(latent)])
        return torch.from_numpy(results["decomposed"].copy())


def check_precision(precision: Any) -> None:
    """Raise unless the precision is single.

    Args:
        precision: precision reported by OpenVINO.

    Raises:
        BadInputError: when it is not float32.
    """
    name = precision.to_string() if hasattr(precision, "to_string") else str(precision)
    if name != "f32":
        raise BadInputError(
            f"OpenVINO computes in {name} on this machine although f32 was requested, so the images would be wrong. "
            "Use another --runtime."
        )
