"""TorchScript."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from scripts.runtimes.description import EXPORT_FILE
from scripts.runtimes.interface import DECOMPOSE, FUSE

from .runtime import Runtime


class TorchScriptRuntime(Runtime):
    """`model.ts` of torch.jit."""

    name = command = "torchscript"

    def __init__(self, folder: Path, device: torch.device) -> None:
        super().__init__(folder, device)
        self.path = self.file("model.ts")
        files = {EXPORT_FILE: ""}
        try:
            self.network = torch.jit.load(self.path, map_location=device, _extra_files=files).eval()
        except (RuntimeError, ValueError) as error:
            raise self.unreadable(self.path, error) from error
        self.description = json.loads(files[EXPORT_FILE] or "{}")
        for direction, method in ((FUSE, "forward"), (DECOMPOSE, "inverse")):
            found = getattr(self.network, method, None)
            names = [] if found is None else [argument.name for argument in found.schema.arguments[1:]]
            self.check_names(self.path, direction, names, None)

    @property
    def descriptions(self) -> dict[str, dict[str, Any]]:
        """Description stored in the file."""
        return {self.path: self.description}

    def fuse(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Runtime.fuse`."""
        return self.network(image.to(self.device))

    def decompose(self, fused: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        """See `Runtime.decompose`."""
        return self.network.inverse(fused.to(self.device), latent.to(self.device))
