"""onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from scripts.runtimes.description import from_properties
from scripts.runtimes.interface import DECOMPOSE, FUSE, INTERFACES

from .runtime import Runtime


class ONNXRuntime(Runtime):
    """`fuse.onnx` and `decompose.onnx` in onnxruntime, with as many threads as torch."""

    name = command = "onnx"
    package = "onnxruntime"

    def __init__(self, folder: Path, device: torch.device) -> None:
        super().__init__(folder, device)
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        providers = ["CPUExecutionProvider"]
        if device.type == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            # Without TF32, whose rounding to a 10-bit mantissa is amplified by the inverse.
            providers.insert(0, ("CUDAExecutionProvider", {"device_id": device.index or 0, "use_tf32": 0}))
        self.sessions, self._descriptions = {}, {}
        for direction in INTERFACES:
            path = self.file(f"{direction}.onnx")
            try:
                session = onnxruntime.InferenceSession(path, options, providers=providers)
            except Exception as error:
                # Its errors have no common base class.
                raise self.unreadable(path, error) from error
            inputs, outputs = (
                [value.name for value in values] for values in (session.get_inputs(), session.get_outputs())
            )
            self.check_names(path, direction, inputs, outputs)
            self.sessions[direction] = session
            self._descriptions[path] = from_properties(session.get_modelmeta().custom_metadata_map)

    @property
    def descriptions(self) -> dict[str, dict[str, Any]]:
        """Descriptions stored in the files."""
        return self._descriptions

    def fuse(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Runtime.fuse`."""
        fused, latent = self.sessions[FUSE].run(None, {"image": as_array(image)})
        return torch.from_numpy(fused), torch.from_numpy(latent)

    def decompose(self, fused: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        """See `Runtime.decompose`."""
        inputs = {"fused": as_array(fused), "latent": as_array(latent)}
        return torch.from_numpy(self.sessions[DECOMPOSE].run(None, inputs)[0])


def as_array(tensor: torch.Tensor) -> np.ndarray:
    """Return a contiguous array, as other runtimes require."""
    return np.ascontiguousarray(tensor.numpy(force=True))
