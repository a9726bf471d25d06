"""Parity: largest difference between exports and the network itself, on a real volume."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from scripts import RESEARCH_NOTICE
from scripts.data.errors import BadInputError
from scripts.outputs.tables import markdown_table, write_csv, write_text
from scripts.runtimes import RUNTIMES, load_runtime

from .real_slices import real_slices

COLUMNS = ("fused", "latent", "decomposed", "restored", "round trip")


class Parity:
    """Compare every export with the network, in both directions, and write `parity.csv` and `parity.md`.

    Args:
        network_def: the network, as the config describes it.
        ckpt_path: its weights.
        exported_dir: folder of the exported files; the tables are written there too.
        records: patients; the first is taken.
        read: reads and normalises a patient.
        runtimes: which to compare. Defaults to all.
        slices: slices to compare on. Defaults to 4.
        tolerance: largest difference that passes. Defaults to 1e-4.
    """

    def __init__(
        self,
        network_def: nn.Module,
        ckpt_path: str,
        exported_dir: str,
        records: Sequence[dict[str, Any]],
        read: Callable[[dict[str, Any]], dict[str, Any]],
        runtimes: Sequence[str] = RUNTIMES[1:],
        slices: int = 4,
        tolerance: float = 1e-4,
    ) -> None:
        self.network_def = network_def
        self.ckpt_path = ckpt_path
        self.folder = Path(exported_dir).expanduser()
        self.records = records
        self.read = read
        self.runtimes = runtimes
        self.slices = slices
        self.tolerance = tolerance
        self.logger = logging.getLogger(__name__)

    def __call__(self) -> list[dict[str, Any]]:
        """Measure.

        Returns:
            rows of "runtime", "images" (batch and size), and the largest absolute difference of the fused image, the
            latent, what is decomposed with a latent of zeros, and what is restored with its own, to the network's; and
            of the last to the sources ("round trip"). That of the latent, which is unbounded, is in shares of its
            largest value where that is above 1.

        Raises:
            BadInputError: when a difference is above the tolerance, after the tables are written.
        """
        network = load_runtime("torch", self.network_def, self.ckpt_path, self.folder)
        pages = real_slices(self.records, self.read, self.slices)
        rows = []
        for runtime in self.runtimes:
            try:
                other = load_runtime(runtime, self.network_def, self.ckpt_path, self.folder)
            except BadInputError as error:
                self.logger.warning(f"{runtime} is left out: {error}")
                continue
            rows += [{"runtime": runtime, **differences(network, other, image)} for image in kinds_of(pages)]
        if not rows:
            raise BadInputError(
                f"There is nothing to compare in {self.folder}. Export first, with configs/export.json."
            )
        self._write(rows)
        worst = max(rows, key=lambda row: max(row[column] for column in COLUMNS))
        if any(row[column] > self.tolerance for row in rows for column in COLUMNS):
            raise BadInputError(
                f"{worst['runtime']} is off by more than {self.tolerance:g} ({worst}). Do not use it; see "
                f"{self.folder / 'parity.md'}."
            )
        return rows

    def _write(self, rows: list[dict[str, Any]]) -> None:
        write_csv(self.folder / "parity.csv", rows, places=9)
        lines = [[row["runtime"], row["images"], *(f"{row[column]:.1e}" for column in COLUMNS)] for row in rows]
        sizes = [
            [path.name, f"{path.stat().st_size / 1024:.0f}"]
            for path in sorted(self.folder.iterdir())
            if is_export(path)
        ]
        text = (
            f"{RESEARCH_NOTICE} Decomposed images are estimates.\n\n"
            f"Largest absolute difference to the network itself (torch {torch.__version__}, {platform.machine()}), on "
            f"slices of {self.records[0]['patient']} in [0, 1]; latent: in shares of its largest value; round trip: to "
            "the sources.\n\n"
            + markdown_table(["runtime", "images", *COLUMNS], lines)
            + "\n"
            + markdown_table(["file", "KB"], sizes)
        )
        write_text(self.folder / "parity.md", text)
        self.logger.info(f"{self.folder / 'parity.md'}\n{text}")


def is_export(path: Path) -> bool:
    """Whether a file is an export, by its name."""
    return path.suffix in (".ts", ".onnx", ".pt2") and not path.name.startswith(".")


def kinds_of(pages: torch.Tensor) -> list[torch.Tensor]:
    """Batches of several numbers and sizes, even and odd, cut from slices (B, N, H, W)."""
    height, width = (size - size % 2 for size in pages.shape[2:])
    odd = pages[..., : height - 1, : width - 1]
    return [pages[..., :height, :width], pages[:1], odd[:3], pages[1:2, :, height // 4 : height // 2 + 1, : width // 2]]


@torch.no_grad()
def differences(network: nn.Module, other: nn.Module, image: torch.Tensor) -> dict[str, Any]:
    """Largest absolute differences of two networks, see `Parity`.

    Args:
        network: the network itself.
        other: an export of it.
        image: sources (B, N, H, W) in [0, 1].
    """
    image = image.contiguous()
    fused, latent = network(image)
    own_fused, own_latent = other(image)
    shown = fused.clamp(0.0, 1.0)
    restored = other.inverse(own_fused, own_latent)
    pairs = {
        "fused": (own_fused, fused),
        "latent": (own_latent, latent),
        "decomposed": (other.decompose(shown, "zeros"), network.decompose(shown, "zeros")),
        "restored": (restored, network.inverse(fused, latent)),
        "round trip": (restored, image),
    }
    largest = {name: float((one - two).abs().max()) for name, (one, two) in pairs.items()}
    largest["latent"] /= max(1.0, float(latent.abs().max()))
    return {"images": " × ".join(map(str, (image.shape[0], *image.shape[2:]))), **largest}
