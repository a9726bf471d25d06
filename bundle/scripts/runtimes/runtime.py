"""The contract of a runtime, and what its files must say."""

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
    """Both directions on another runtime.

    Args:
        folder: where the exported files are.
        device: what to compute on, where the runtime has a choice.

    Raises:
        BadInputError: when a package or file is missing, or a file is not one of ours.
    """

    name: str
    """Value of the key `runtime`."""
    command: str
    """Section of configs/export.json that makes the files."""
    package: str = "torch"
    """Package that it takes."""

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
        """What each file says about itself."""

    def settings(self) -> dict[str, Any]:
        """What shapes the results: the exported files."""
        return {"name": self.name, "files": list(self.descriptions), "descriptions": list(self.descriptions.values())}

    @abstractmethod
    def fuse(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Sources (B, N, H, W) to fused image and latent, float32."""

    @abstractmethod
    def decompose(self, fused: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        """Fused image (B, 1, H, W) and latent to sources, float32."""

    @property
    def again(self) -> str:
        """The command that makes the files, on a line of its own."""
        options = f"--output_dir {shlex.quote(str(self.folder))}"
        return f"\n    {command(['inference.json', 'export.json'], options, self.command)}"

    def file(self, name: str) -> str:
        """Path of a file, which must be there.

        Raises:
            BadInputError: when it is not.
        """
        path = self.folder / name
        if not path.is_file():
            raise BadInputError(
                f"runtime '{self.name}' needs {path}, which does not exist. Make it:{self.again}\nOr give the folder "
                "where it is by --exported_dir."
            )
        return str(path)

    def unreadable(self, path: str, error: Exception) -> BadInputError:
        """The error for a file that the runtime cannot load."""
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return BadInputError(f"{path} cannot be loaded by {self.name} ({reason}). Export again:{self.again}")

    def check_names(self, path: str, direction: str, inputs: Sequence[str], outputs: Sequence[str] | None) -> None:
        """Refuse a file whose inputs or outputs are called otherwise.

        Raises:
            BadInputError: when they are.
        """
        expected = INTERFACES[direction]
        for what, found, wanted in (("inputs", inputs, expected.inputs), ("outputs", outputs, expected.outputs)):
            if found is not None and tuple(found) != wanted:
                raise BadInputError(
                    f"{path} has the {what} {', '.join(found) or 'none'}, expected {', '.join(wanted)}: it is no "
                    f"export of this bundle, or of another version. Export again:{self.again}"
                )

    def check_descriptions(self, checkpoint_sha256: str, sources: int) -> dict[str, Any]:
        """Refuse files of another bundle version or of other weights.

        Args:
            checkpoint_sha256: checksum of the weights in use.
            sources: how many sources are fused.

        Returns:
            what the first file says.

        Raises:
            BadInputError: when a file says nothing about itself, or something else than it should.
        """
        for path, told in self.descriptions.items():
            if not isinstance(told, dict) or "checkpoint_sha256" not in told:
                raise BadInputError(
                    f"{path} does not say what weights it holds: it is not an export of this bundle. Make one:"
                    f"{self.again}"
                )
            if told.get("bundle_version") != __version__:
                raise BadInputError(
                    f"{path} was exported by version {told.get('bundle_version')} of the bundle, this is "
                    f"{__version__}. Export again:{self.again}"
                )
            if told["checkpoint_sha256"] != checkpoint_sha256:
                raise BadInputError(
                    f"{path} holds other weights (sha256 {told['checkpoint_sha256'][:12]}…) than ckpt_path "
                    f"({checkpoint_sha256[:12]}…). Give the others by --ckpt_path, or export these, with the "
                    f"same --ckpt_path:{self.again}"
                )
            if len(told["sources"]) != sources:
                raise BadInputError(
                    f"{path} fuses {len(told['sources'])} sources, the network {sources}. Export again:{self.again}"
                )
        return next(iter(self.descriptions.values()))
