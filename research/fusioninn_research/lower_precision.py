"""Effect of lower precision than float32 on the images."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from scripts import RESEARCH_NOTICE
from scripts.losses.ssim import SSIM
from scripts.outputs.tables import markdown_table, write_csv, write_text
from scripts.runtimes.onnx import as_array

from .real_slices import real_slices

Both = tuple[Callable[[torch.Tensor], torch.Tensor], Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]
"""Sources to fused image and latent side by side, and fused image and latent to sources."""
HARMLESS = 0.5 / 255
"""Largest difference, of the intensity range, that rounding to 8 bits hides: half a grey level."""
COLUMNS = ("fused, largest", "decomposed, mean", "decomposed, largest", "SSIM to sources", "round trip, largest")


class LowerPrecision:
    """Measure FP16, bfloat16 and INT8 against single precision, and write `precision.csv` and `precision.md`.

    Only the convolutions are in lower precision; the rest, where differences would be amplified most, stays single.
    Decomposed images come from the fused image that single precision gives, rounded to 16 bits, and a latent of zeros;
    the round trip is each variant's own in both directions.

    Args:
        network: the network, with its weights.
        exported_dir: folder of the ONNX files that INT8 is made from; the tables are written there.
        records: patients; the first is taken.
        read: reads and normalises a patient.
        slices: slices to measure on. Defaults to 4.
    """

    def __init__(
        self,
        network: nn.Module,
        exported_dir: str,
        records: Sequence[dict[str, Any]],
        read: Callable[[dict[str, Any]], dict[str, Any]],
        slices: int = 4,
    ) -> None:
        self.network = network
        self.folder = Path(exported_dir).expanduser()
        self.records = records
        self.read = read
        self.slices = slices
        self.logger = logging.getLogger(__name__)

    def __call__(self) -> list[dict[str, Any]]:
        """Measure.

        Returns:
            rows of "precision", the figures of `COLUMNS`, and "harmless": whether no pixel, fused or decomposed, is off
            by more than half an 8-bit grey level.
        """
        image = real_slices(self.records, self.read, self.slices)
        single = by_torch(self.network, None)
        rows = [
            {"precision": name, **harm(single, both, image)}
            for name, both in (
                ("float32", single),
                ("float16", by_torch(self.network, torch.float16)),
                ("bfloat16", by_torch(self.network, torch.bfloat16)),
                *self._int8(image, single),
            )
        ]
        write_csv(self.folder / "precision.csv", rows)
        lines = [
            [row["precision"], *(f"{row[column]:.5f}" for column in COLUMNS), "yes" if row["harmless"] else "**no**"]
            for row in rows
        ]
        text = (
            f"{RESEARCH_NOTICE} Decomposed images are estimates.\n\n"
            f"Convolutions in lower precision, {len(image)} slices of {self.records[0]['patient']}; differences to "
            f"single precision in shares of the intensity range, harmless up to {HARMLESS:.5f}.\n\n"
            + markdown_table(["precision", *COLUMNS, "harmless"], lines)
        )
        write_text(self.folder / "precision.md", text)
        self.logger.info(f"{self.folder / 'precision.md'}\n{text}")
        return rows

    def _int8(self, image: torch.Tensor, single: Both) -> Iterator[tuple[str, Both]]:
        files = [self.folder / "fuse.onnx", self.folder / "decompose.onnx"]
        missing = [str(path) for path in files if not path.is_file()]
        missing += [package for package in ("onnx", "onnxruntime") if find_spec(package) is None]
        if missing:
            self.logger.warning(f"INT8 is not measured: {', '.join(missing)} missing.")
            return
        with tempfile.TemporaryDirectory() as folder:
            yield "int8", by_int8(*files, Path(folder), image, single)


def by_torch(network: nn.Module, dtype: torch.dtype | None) -> Both:
    """Both directions, with convolutions of a type; None for single precision."""

    def within(apply: Callable[[], torch.Tensor]) -> torch.Tensor:
        with torch.no_grad(), torch.autocast("cpu", dtype=dtype or torch.bfloat16, enabled=dtype is not None):
            return apply().float()

    return (
        lambda image: within(lambda: torch.cat(network(image), dim=1)),
        lambda fused, latent: within(lambda: network.inverse(fused, latent)),
    )


def by_int8(fuse: Path, decompose: Path, folder: Path, image: torch.Tensor, single: Both) -> Both:
    """Both directions with convolutions of 8-bit integers, calibrated on the images that are measured: at its best.

    Args:
        fuse: `fuse.onnx`.
        decompose: `decompose.onnx`.
        folder: folder for the quantised files.
        image: sources (B, N, H, W).
        single: both directions in single precision.
    """
    import onnxruntime
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self, inputs: dict[str, torch.Tensor]) -> None:
            batches = zip(*(value.split(1) for value in inputs.values()), strict=True)
            self.rows = iter([dict(zip(inputs, map(as_array, batch), strict=True)) for batch in batches])

        def get_next(self) -> dict[str, Any] | None:
            return next(self.rows, None)

    both = single[0](image)
    sessions = []
    for file, inputs in ((fuse, {"image": image}), (decompose, {"fused": both[:, :1], "latent": both[:, 1:]})):
        quantised = str(folder / file.name)
        quantize_static(
            str(file),
            quantised,
            Reader(inputs),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
        )
        sessions.append(onnxruntime.InferenceSession(quantised, providers=["CPUExecutionProvider"]))

    def forward(image: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.from_numpy(part) for part in sessions[0].run(None, {"image": as_array(image)})], dim=1)

    def back(fused: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        inputs = {"fused": as_array(fused), "latent": as_array(latent)}
        return torch.from_numpy(sessions[1].run(None, inputs)[0])

    return forward, back


def harm(single: Both, other: Both, image: torch.Tensor) -> dict[str, Any]:
    """Figures of one variant, see `LowerPrecision`."""
    reference, own = single[0](image), other[0](image)
    stored = (reference[:, :1].clamp(0.0, 1.0) * 65535).round() / 65535
    zeros = torch.zeros_like(reference[:, 1:])
    wanted, estimates = single[1](stored, zeros), other[1](stored, zeros)
    fused_off, off = (own[:, :1] - reference[:, :1]).abs(), (estimates - wanted).abs()
    returned = other[1](own[:, :1], own[:, 1:])
    figures = {
        "fused, largest": float(fused_off.max()),
        "decomposed, mean": float(off.mean()),
        "decomposed, largest": float(off.max()),
        "SSIM to sources": float(SSIM()(image, estimates).mean()),
        "round trip, largest": float((returned - image).abs().max()),
    }
    return {**figures, "harmless": bool(max(figures["fused, largest"], figures["decomposed, largest"]) <= HARMLESS)}
