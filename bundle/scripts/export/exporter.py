"""Exporter: write a network in every export format."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram

from scripts.data.errors import BadInputError
from scripts.export.graphs import trace
from scripts.networks import FusionINN
from scripts.networks.weights import fingerprint
from scripts.outputs.writing import result_file
from scripts.runtimes.description import EXPORT_FILE, as_properties, describe
from scripts.runtimes.interface import DECOMPOSE, FUSE, INTERFACES, size_multiple, smallest_size

from .onnx_file import INSTALL, onnx_bytes

TORCHSCRIPT, ONNX, PT2 = "model.ts", "{}.onnx", "{}.pt2"
"""Names of the files."""
METADATA_FILE = "metadata.json"


class Exporter:
    """Write a network for other runtimes.

    Args:
        network: the network with its weights, on the CPU.
        ckpt_path: file of the weights.
        sources: names of the sources, in the network's order.
        output_dir: folder for the files.
        metadata_path: the bundle's metadata, which is embedded in formats that support extra files.
        static_shape: (batch_size, N, height, width) to support a single shape. Defaults to None (any).

    Raises:
        BadInputError: when the network is another method, or the shape does not fit its sources.
    """

    def __init__(
        self,
        network: nn.Module,
        ckpt_path: str,
        sources: Sequence[str],
        output_dir: str,
        metadata_path: str,
        static_shape: Sequence[int] | None = None,
    ) -> None:
        if type(network) is not FusionINN:
            raise BadInputError(
                f"{type(network).__name__} cannot be exported: only FusionINN is invertible, which is required for "
                "both directions. Leave out the config of the other method."
            )
        self.network = network.cpu().float().to(memory_format=torch.contiguous_format).requires_grad_(False).eval()
        self.sources = list(sources)
        self.folder = Path(output_dir).expanduser()
        self.metadata = Path(metadata_path).read_text(encoding="utf-8")
        self.static_shape = self._checked(static_shape)
        self.checkpoint = fingerprint(ckpt_path)
        self.programs: dict[str, ExportedProgram] = {}
        self.logger = logging.getLogger(__name__)

    def torchscript(self) -> list[str]:
        """Write `model.ts`, with forward, inverse, decompose and log_det."""
        extra = self._files(self._describe(FUSE, DECOMPOSE))
        return [self._write(TORCHSCRIPT, lambda path: torch.jit.save(torch.jit.script(self.network), path, extra))]

    def pt2(self) -> list[str]:
        """Write `fuse.pt2` and `decompose.pt2` with torch.export."""

        def write(direction: str) -> str:
            extra = self._files(self._describe(direction))
            return self._write(
                PT2.format(direction),
                lambda path: torch.export.save(self._program(direction), path, extra_files=extra),
            )

        return [write(direction) for direction in INTERFACES]

    def onnx(self) -> list[str]:
        """Write `fuse.onnx` and `decompose.onnx`.

        Raises:
            BadInputError: when the required packages are not installed.
        """
        missing = [package for package in ("onnx", "onnxscript") if find_spec(package) is None]
        if missing:
            raise BadInputError(f"ONNX files need {' and '.join(missing)}. Install them: {INSTALL}.")

        def write(direction: str) -> str:
            content = onnx_bytes(
                self._program(direction), INTERFACES[direction], as_properties(self._describe(direction))
            )
            return self._write(ONNX.format(direction), lambda path: Path(path).write_bytes(content))

        return [write(direction) for direction in INTERFACES]

    def _checked(self, shape: Sequence[int] | None) -> list[int] | None:
        if shape is None:
            return None
        multiple, wanted = size_multiple(self.network), 2 + self.network.spatial_dims
        smallest = smallest_size(self.network)
        fits = (
            len(shape) == wanted
            and all(isinstance(n, int) and n > 0 for n in shape)
            and shape[1] == self.network.in_channels
            and all(n >= smallest and n % multiple == 0 for n in shape[2:])
        )
        if not fits:
            raise BadInputError(
                f"static_shape is {shape}, expected [batch, {self.network.in_channels}, height, "
                f"width{', depth' if wanted == 5 else ''}] with sizes from {smallest} "
                f"on{'' if multiple == 1 else f', multiples of {multiple}'}. Leave it out for a file that supports any "
                "size."
            )
        return list(shape)

    def _describe(self, *directions: str) -> dict[str, Any]:
        return describe(self.network, self.checkpoint, self.sources, directions, self.static_shape)

    def _files(self, description: dict[str, Any]) -> dict[str, str]:
        return {EXPORT_FILE: json.dumps(description, ensure_ascii=False), METADATA_FILE: self.metadata}

    def _program(self, direction: str) -> ExportedProgram:
        if direction not in self.programs:
            self.programs[direction] = trace(self.network, direction, self.static_shape)
        return self.programs[direction]

    def _write(self, name: str, write: Any) -> str:
        target = self.folder / name
        with result_file(target, suffix=target.suffix) as temporary:
            write(temporary)
        self.logger.info(f"{target}: {os.path.getsize(target) / 1024:.0f} KB, weights {self.checkpoint[:12]}…")
        return str(target)
