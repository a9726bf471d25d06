"""Programs of torch.export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch.export.passes import move_to_device_pass

from scripts.runtimes.description import EXPORT_FILE
from scripts.runtimes.interface import DECOMPOSE, FUSE, INTERFACES

from .runtime import Runtime


class PT2Runtime(Runtime):
    """`fuse.pt2` and `decompose.pt2` of torch.export."""

    name = command = "pt2"

    def __init__(self, folder: Path, device: torch.device) -> None:
        super().__init__(folder, device)
        self.modules, self._descriptions = {}, {}
        for direction in INTERFACES:
            path = self.file(f"{direction}.pt2")
            files = {EXPORT_FILE: ""}
            try:
                program = torch.export.load(path, extra_files=files)
            except Exception as error:
                # Archive, pickle, JSON and graph each raise different errors.
                raise self.unreadable(path, error) from error
            self.check_names(path, direction, program.graph_signature.user_inputs, None)
            if device.type != "cpu":
                program = move_to_device_pass(program, device)
            self.modules[direction] = program.module()
            self._descriptions[path] = json.loads(files[EXPORT_FILE] or "{}")

    @property
    def descriptions(self) -> dict[str, dict[str, Any]]:
        """Descriptions stored in the files."""
        return self._descriptions

    def fuse(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Runtime.fuse`."""
        return self.modules[FUSE](image.to(self.device))

    def decompose(self, fused: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        """See `Runtime.decompose`."""
        return self.modules[DECOMPOSE](fused.to(self.device), latent.to(self.device))
