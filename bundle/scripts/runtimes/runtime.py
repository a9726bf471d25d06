"""The interface of a runtime, and checks of its files."""

from __future__ import annotations

import shlex
from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from scripts import __version__
from scripts.command_line.offered import command
from scripts.data.errors import BadInputError
from scripts.runtimes.interface import INTERFACES


class Runtime(ABC):
    """Fusion and decomposition on another runtime.

    Args:
        folder: folder of the exported files.
        device: device to compute on, if the runtime supports several.

    Raises:
        BadInputError: when a package or file is missing, or a file was not exported by this bundle.
    """

    name: str
    """Value of the key `runtime`."""
    command: str
    """Section of configs/export.json that writes the files."""
    package: str = "torch"
    """Required package."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        if find_spec(self.package) is None:
            raise BadInputError(
                f"runtime '{self.name}' needs the package {self.package}, which is not installed. Install it: "
                f"pip install {self.package}. Or leave out --runtime."
            )
        self.folder = folder
        self.device = device

    @property
    @abstractmethod
    def descriptions(self) -> dict[str, dict[str, Any]]:
        """Description stored in each file."""

    def settings(self) -> dict[str, Any]:
        """Settings that affect the results: the exported files."""
        return {"name": self.name, "files": list(self.descriptions), "descriptions": list(self.descriptions.values())}

    @abstractmethod
    def fuse(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Map sources (B, N, H, W) to fused image and latent, float32."""

    @abstractmethod
    def decompose(self, fused: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        """Map fused image (B, 1, H, W) and latent to sources, float32."""

    @property
    def again(self) -> str:
        """Return the command that writes the files, on a separate line."""
        options = f"--output_dir {shlex.quote(str(self.folder))}"
        return f"\n    {command(['inference.json', 'export.json'], options, self.command)}"

    def file(self, name: str) -> str:
        """Return the path of a file and check that it exists.

        Raises:
            BadInputError: when it does not exist.
        """
        path = self.folder / name
        if not path.is_file():
            raise BadInputError(
                f"runtime '{self.name}' needs {path}, which does not exist. Export it:{self.again}\nOr give the folder "
                "that contains it by --exported_dir."
            )
        return str(path)

    def unreadable(self, path: str, error: Exception) -> BadInputError:
        """Return the error for a file that the runtime cannot load."""
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return BadInputError(f"{path} cannot be loaded by {self.name} ({reason}). Export again:{self.again}")

    def check_names(self, path: str, direction: str, inputs: Sequence[str], outputs: Sequence[str] | None) -> None:
        """Raise if a file has unexpected names of inputs or outputs.

        Raises:
            BadInputError: when the names differ.
        """
        expected = INTERFACES[direction]
        for what, found, wanted in (("inputs", inputs, expected.inputs), ("outputs", outputs, expected.outputs)):
            if found is not None and tuple(found) != wanted:
                raise BadInputError(
                    f"{path} has the {what} {', '.join(found) or 'none'}, expected {', '.join(wanted)}: it is not an "
                    f"export of this version of the bundle. Export again:{self.again}"
                )

    def check_descriptions(self, checkpoint_sha256: str, sources: int) -> dict[str, Any]:
        """Raise if files belong to another version of the bundle or other weights.

        Args:
            checkpoint_sha256: checksum of the weights in use.
            sources: number of sources.

        Returns:
            the description in the first file.

        Raises:
            BadInputError: when a file has no description, or does not match.
        """
        for path, description in self.descriptions.items():
            if not isinstance(description, dict) or "checkpoint_sha256" not in description:
                raise BadInputError(
                    f"{path} does not state its weights: it is not an export of this bundle. Export again:{self.again}"
                )
            if description.get("bundle_version") != __version__:
                raise BadInputError(
                    f"{path} was exported by version {description.get('bundle_version')} of the bundle, this is "
                    f"{__version__}. Export again:{self.again}"
                )
            if description["checkpoint_sha256"] != checkpoint_sha256:
                raise BadInputError(
                    f"{path} contains other weights (sha256 {description['checkpoint_sha256'][:12]}…) than ckpt_path "
                    f"({checkpoint_sha256[:12]}…). Give the weights of the export by --ckpt_path, or export these with "
                    f"the same --ckpt_path:{self.again}"
                )
            if len(description["sources"]) != sources:
                raise BadInputError(
                    f"{path} fuses {len(description['sources'])} sources, the network {sources}. "
                    f"Export again:{self.again}"
                )
        return next(iter(self.descriptions.values()))
