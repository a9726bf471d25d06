"""Where the limit of any method lies: the bits that both sources need, and the bits that a fused image can hold."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from scripts.data.discovery import Patient
from scripts.data.strict_json import read_json
from scripts.evaluation.regions import ssim_by_region
from scripts.outputs.tables import write_json

from .measured_slices import measured_slices
from .methods import Ceiling

LEVELS = 65535
RATES = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""Bits per pixel of the brain that a source is coded with."""

WIDTHS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)
"""Width of the noise on the fused image, in grey levels of 8 bits."""

TARGETS = tuple(round(0.5 + 0.001 * i, 3) for i in range(500))
"""SSIM inside the brain, from 0.5 to 0.999."""


VISIBLE = 0.995
"""Share of the ceiling that a fused image is to have."""


@dataclass(frozen=True)
class Held:
    """What a fused image can hold in one pixel.

    Args:
        fused: how well it shows: similarity with the sources inside the brain.
        hidden: bits of the choice among the levels that look the same.
        bits: these, and those that tell what is seen.
    """

    fused: float
    hidden: float
    bits: float


class CodingLimit:
    """Estimate, by coding, how well any method could do.

    What the sources need is measured with lossy JPEG 2000: the bits per pixel of the brain at which a source reaches an
    SSIM, each source by itself. What the fused image holds: around the best one there is, the pixels optimised directly
    (`Ceiling`), every pixel may lie anywhere in an interval of some width; that costs similarity, as uniform noise of
    that width does, and gives log2(levels in the interval) bits; and the visible rest tells as many as coding it to
    that noise takes.

    Args:
        patients: records of the patients that are measured on.
        folder: where the figures are kept, in ``limit.json``.
        sources: names of the sources.
        slice_step: take every n-th slice with brain, from the middle of the step on. Defaults to 16.
        min_brain_fraction: see `measured_slices`. Defaults to 0.1.
        ceiling_steps: see `Ceiling`. Defaults to 200.
    """

    def __init__(
        self,
        patients: Sequence[Patient],
        folder: str | Path,
        sources: Sequence[str] = ("t1gd", "flair"),
        slice_step: int = 16,
        min_brain_fraction: float = 0.1,
        ceiling_steps: int = 200,
    ) -> None:
        self.patients, self.sources = list(patients), list(sources)
        self.slice_step, self.min_brain_fraction = slice_step, min_brain_fraction
        self.ceiling_steps = ceiling_steps
        self.path = Path(folder) / "limit.json"

    def measure(self) -> dict[str, Any]:
        """Figures as means over slices, from the file where they were measured with the same settings.

        Returns:
            "slices"; "ceiling", its similarity inside the brain; "lossless": bits of both sources and of the ceiling,
            by format; "needed": bits of both sources for each of `TARGETS`; "fused" (similarity inside the brain) and
            "seen" (bits of what is visible) for each of `WIDTHS`.
        """
        settings = {
            "patients": [patient["patient"] for patient in self.patients],
            "slice_step": self.slice_step,
            "centred": True,
            "min_brain_fraction": self.min_brain_fraction,
            "ceiling_steps": self.ceiling_steps,
        }
        if self.path.is_file():
            kept = read_json(self.path)
            if kept.get("settings") == settings:
                return kept
        found: list[dict[str, Any]] = []
        ceiling, generator = Ceiling(len(self.sources), self.ceiling_steps), torch.Generator().manual_seed(0)
        for slices in measured_slices(
            self.patients, self.sources, self.slice_step, self.min_brain_fraction, told="Limit", centred=True
        ):
            best = ceiling(slices.sources)
            for image, fused, brain in zip(slices.sources, best, slices.brain, strict=True):
                found.append(of_slice(image, fused, brain, generator))
        content = {
            "settings": settings,
            "slices": len(found),
            "widths": list(WIDTHS),
            "targets": list(TARGETS),
            "lossless": {key: float(np.mean([row["lossless"][key] for row in found])) for key in found[0]["lossless"]},
            **{key: np.mean([row[key] for row in found], axis=0).tolist() for key in ("needed", "fused", "seen")},
        }
        content["ceiling"] = content["fused"][0]
        write_json(self.path, content)
        return content


def of_slice(
    image: torch.Tensor, fused: torch.Tensor, brain: torch.Tensor, generator: torch.Generator
) -> dict[str, Any]:
    """Figures of one slice, in bits per pixel of the brain.

    Args:
        image: sources (N, H, W) in [0, 1].
        fused: the best fused image (1, H, W).
        brain: where there is brain (1, H, W).
        generator: of the noise.
    """
    pixels = int(brain.sum())
    curves = [_curve(source, brain, pixels) for source in image]
    needed = sum(np.interp(TARGETS, np.maximum.accumulate(similar), bits) for bits, similar, _ in curves)
    bits, _, errors = _curve(fused[0], brain, pixels)
    unit = 1 / 255
    seen = [float(_bits_at(max(width, WIDTHS[1] / 16) * unit / 12**0.5, bits, errors)) for width in WIDTHS]
    similar = []
    for width in WIDTHS:
        noise = (torch.rand(fused.shape, generator=generator) - 0.5) * width * unit
        noisy = ((fused + noise * brain).clamp(0, 1)).expand_as(image)
        similar.append(float(ssim_by_region(image[None], noisy[None], {"brain": brain[None]})["brain"].mean()))
    return {
        "needed": needed,
        "fused": similar,
        "seen": seen,
        "lossless": {
            f"{of} {words}": sum(_lossless(one, form) for one in images) / pixels
            for of, images in (("sources", image), ("fused", fused))
            for words, form in (("PNG", "PNG"), ("JPEG 2000", "JPEG2000"))
        },
    }


def bits_held(content: Mapping[str, Any], stored: int) -> list[Held]:
    """What a fused image can hold, from the finest interval that the depth of storage allows to wide ones.

    Args:
        content: what `CodingLimit.measure` found.
        stored: bits that it is stored with.
    """
    step = 255 / (2**stored - 1)
    widths = [step, *(width for width in content["widths"] if width > step)]
    fused, seen = (np.interp(widths, content["widths"], content[key]) for key in ("fused", "seen"))
    narrowest = content["widths"][1]
    if step < narrowest:
        # finer than any width that was measured: nothing is seen of it, and each halving tells one bit more
        fused[0], seen[0] = content["fused"][0], content["seen"][1] + np.log2(narrowest / step)
    hidden = np.log2(np.array(widths) / step)
    return [Held(float(y), float(h), float(h + s)) for y, h, s in zip(fused, hidden, seen, strict=True)]


def held_at(content: Mapping[str, Any], stored: int, share: float = VISIBLE) -> Held | None:
    """What a fused image can hold that has a share of the ceiling; None where rounding alone costs more than that.

    Args:
        content: what `CodingLimit.measure` found.
        stored: bits that it is stored with.
        share: the share. Defaults to `VISIBLE`.
    """
    held = bits_held(content, stored)[::-1]
    fused = share * content["ceiling"]
    if held[-1].fused < fused:
        return None
    shown = np.maximum.accumulate([one.fused for one in held])
    return Held(
        fused, *(float(np.interp(fused, shown, [getattr(one, key) for one in held])) for key in ("hidden", "bits"))
    )


def best_decomposed(content: Mapping[str, Any], bits: float) -> float:
    """SSIM inside the brain that both sources could have after coding them in so many bits per pixel together."""
    return float(np.interp(bits, np.maximum.accumulate(content["needed"]), content["targets"]))


def coded(image: torch.Tensor, bits: float) -> tuple[torch.Tensor, float]:
    """Code a picture with JPEG 2000.

    Args:
        image: (H, W) in [0, 1].
        bits: bits of all of it that it may take.

    Returns:
        what comes back, and the bits that it took, without those that a black picture takes.
    """
    grey = np.rint(image.clamp(0, 1).numpy() * LEVELS).astype(np.uint16)
    ratio = 16 * grey.size / (bits + 8 * _blank(grey.shape))
    written = _write(grey, "JPEG2000", irreversible=True, quality_mode="rates", quality_layers=[ratio], no_jp2=True)
    with Image.open(io.BytesIO(written)) as picture:
        back = np.asarray(picture).astype(np.float32) / LEVELS
    return torch.from_numpy(back).clamp(0, 1), 8.0 * (len(written) - _blank(grey.shape))


def _curve(image: torch.Tensor, brain: torch.Tensor, pixels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bits per pixel of the brain, SSIM and root mean square error there, for all of `RATES`."""
    bits, similar, errors = [], [], []
    for rate in RATES:
        back, took = coded(image, rate * pixels)
        bits.append(took / pixels)
        scores = ssim_by_region(image[None, None], back[None, None], {"brain": brain[None]})
        similar.append(float(scores["brain"]))
        errors.append(float((back - image)[brain[0]].square().mean().sqrt()))
    return np.array(bits), np.array(similar), np.array(errors)


def _bits_at(error: float, bits: np.ndarray, errors: np.ndarray) -> float:
    """Bits for an error; beyond the curve each bit halves it."""
    falling = np.maximum(np.minimum.accumulate(errors), 1e-9)
    if error < falling[-1]:
        return bits[-1] + np.log2(falling[-1] / error)
    return np.interp(-np.log(error), -np.log(falling), bits)


def _lossless(image: torch.Tensor, form: str) -> float:
    """Bits of a picture that is stored in 8 bits without loss, less those of a black one."""
    grey = np.rint(image.clamp(0, 1).numpy() * 255).astype(np.uint8)
    options = {"irreversible": False, "no_jp2": True} if form == "JPEG2000" else {"optimize": True}
    return 8.0 * (len(_write(grey, form, **options)) - len(_write(np.zeros_like(grey), form, **options)))


def _blank(shape: tuple[int, int]) -> int:
    """Bytes of a black picture."""
    return len(_write(np.zeros(shape, np.uint16), "JPEG2000", irreversible=True, no_jp2=True))


def _write(grey: np.ndarray, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, form, **options)
    return buffer.getvalue()
