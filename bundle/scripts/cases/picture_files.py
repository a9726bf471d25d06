"""The files of fused and of decomposed pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scripts.data.picture_pairs import source_labels
from scripts.data.pictures import Picture
from scripts.networks.weights import fingerprint
from scripts.outputs.colour import colour_at, colour_levels
from scripts.outputs.digest import picture_digest
from scripts.outputs.overview import ESTIMATE_GROUP, FUSED_GROUP, SOURCE_GROUP
from scripts.outputs.panels import Panel, Row, draw_panels
from scripts.outputs.pictures import FUSED_ENDING, GREY_TYPES, grey_levels, save_picture
from scripts.outputs.sidecar import write_sidecar
from scripts.outputs.staged import placed, staged
from scripts.transforms.normalize import restore_intensity

from .fuse_pictures import read_back

ESTIMATED = "Estimated: computed from the fused picture alone."


class PictureFiles:
    """Write fused picture, sidecar, decomposed pictures and a picture of all side by side.

    Args:
        output_dir: folder for all pictures.
        ckpt_path: weights in use, for the record.
        bits: bits of a grey fused picture. Defaults to 8.
        latent: distribution of the fresh latent, for the record. Defaults to "zeros".
        overview: draw all side by side. Defaults to True.
    """

    def __init__(
        self, output_dir: str, ckpt_path: str, bits: int = 8, latent: str = "zeros", overview: bool = True
    ) -> None:
        self.output_dir = Path(output_dir).expanduser()
        self.checkpoint = fingerprint(ckpt_path)
        self.bits = bits
        self.latent = latent
        self.overview = overview

    def __call__(self, data: dict[str, Any], results: dict[str, Any]) -> list[str]:
        """Write everything of one pair.

        Args:
            data: what `LoadPicturesd` returns.
            results: what `FusePictures` returns, and "typicality" where it was told.

        Returns:
            the files written.
        """
        name = data["patient"]
        with staged(self.output_dir, partial(outdated_pictures, self.output_dir, name)) as stage:
            written = self._write(stage / name, data, results)
        return placed(written, stage, self.output_dir)

    def _write(self, stem: Path, data: dict[str, Any], results: dict[str, Any]) -> list[str]:
        name, scale, levels = data["patient"], data["intensity_scale"], results["levels"]
        labels = source_labels(data["files"])
        written = [f"{stem}_fused.json", f"{stem}{FUSED_ENDING}"]
        sidecar = write_sidecar(
            written[0],
            sources=dict(zip(labels, data["files"], strict=True)),
            intensity_scale=scale,
            stored_dtype=GREY_TYPES[self.bits] if levels.ndim == 2 else "uint8",
            checkpoint_sha256=self.checkpoint,
            latent_kind=self.latent,
            fused_sha256=picture_digest(levels),
            extra={
                "Picture": name,
                "Shape": list(levels.shape[:2]),
                "SourceBits": [picture.bits for picture in data["pictures"]],
                "ColourFrom": None if data["coloured"] is None else data["coloured"] + 1,
                "SSIM": {of: _numbers(labels, values) for of, values in results["ssim"].items()},
                **({"Typicality": results["typicality"]} if "typicality" in results else {}),
            },
        )
        save_picture(written[1], levels, sidecar["Description"], sidecar)
        estimates = with_colour(restore_intensity(results["decomposed"], scale), read_back(levels)[1], sidecar)
        written += write_estimates(stem, estimates, sidecar)
        if self.overview:
            written.append(f"{stem}_overview.png")
            fused, decomposed = (results["ssim"][of] for of in ("fused", "decomposed"))
            panels = [Panel(_shown(picture)) for picture in data["pictures"]]
            panels.append(Panel(levels, _ssim(fused)))
            panels += [
                Panel(_shown(picture), _ssim(value[None])) for picture, value in zip(estimates, decomposed, strict=True)
            ]
            groups = [*[SOURCE_GROUP] * len(labels), FUSED_GROUP, *[ESTIMATE_GROUP] * len(labels)]
            draw_panels(
                written[-1],
                name,
                groups,
                [*labels, " + ".join(labels), *(f"{label}, estimated" for label in labels)],
                [Row("", panels)],
                f"{ESTIMATED}  SSIM of the fused picture: with each source in turn.",
            )
        return written


class DecomposedPictureFiles:
    """Write the decomposed pictures and a picture of them beside the fused one.

    Args:
        output_dir: folder for all pictures.
        overview: draw all side by side. Defaults to True.
    """

    def __init__(self, output_dir: str, overview: bool = True) -> None:
        self.output_dir = Path(output_dir).expanduser()
        self.overview = overview

    def __call__(self, data: dict[str, Any], results: dict[str, Any]) -> list[str]:
        """Write everything of one fused picture.

        Args:
            data: what `ReadFusedPicture` returns.
            results: what `DecomposeVolume` returns.

        Returns:
            the files written.
        """
        name = data["patient"]
        with staged(self.output_dir, partial(outdated_pictures, self.output_dir, name, decomposed_only=True)) as stage:
            written = self._write(stage / name, data, results)
        return placed(written, stage, self.output_dir)

    def _write(self, stem: Path, data: dict[str, Any], results: dict[str, Any]) -> list[str]:
        name, sidecar, fused = data["patient"], data["sidecar"], data["picture"]
        labels = sidecar["SourceModalities"]
        estimates = with_colour(results["decomposed"], fused.chroma, sidecar)
        written = write_estimates(stem, estimates, sidecar)
        if self.overview:
            written.append(f"{stem}_decomposed_overview.png")
            draw_panels(
                written[-1],
                name,
                [FUSED_GROUP, *[ESTIMATE_GROUP] * len(labels)],
                [" + ".join(labels), *(f"{label}, estimated" for label in labels)],
                [Row("", [Panel(_shown(picture)) for picture in (fused, *estimates)])],
                ESTIMATED,
            )
        return written


def outdated_pictures(folder: Path, name: str, decomposed_only: bool = False) -> list[Path]:
    """Find the pictures that an earlier run made of a fused picture, or next to it.

    Args:
        folder: folder of all pictures.
        name: name of the picture.
        decomposed_only: leave out the overview of the fusion. Defaults to False.
    """
    made = r"_decomposed-\d+_estimate|_decomposed_overview" + ("" if decomposed_only else "|_overview")
    own = re.compile(rf"{re.escape(name)}({made})\.png")
    return [path for path in folder.iterdir() if own.fullmatch(path.name)]


def with_colour(luminances: torch.Tensor, chroma: np.ndarray | None, sidecar: dict[str, Any]) -> list[Picture]:
    """Give the one of the decomposed luminances its colour back that had one.

    Args:
        luminances: (N, H, W, 1) in the sources' own scale.
        chroma: [2, H, W] of the fused picture, or None.
        sidecar: "ColourFrom" and "SourceBits".
    """
    bits = sidecar.get("SourceBits", [8] * len(luminances))
    return [
        Picture(luminance.clip(0.0, 1.0), chroma if sidecar.get("ColourFrom") == i + 1 else None, bits[i])
        for i, luminance in enumerate(luminances[..., 0].numpy())
    ]


def write_estimates(stem: Path, estimates: Sequence[Picture], sidecar: dict[str, Any]) -> list[str]:
    """Write decomposed pictures, marked as estimates: ``<name>_decomposed-1_estimate.png``, ….

    Args:
        stem: folder and name.
        estimates: what `with_colour` returns.
        sidecar: what the fused picture says.

    Returns:
        the files written.
    """
    written = []
    for i, (picture, label) in enumerate(zip(estimates, sidecar["SourceModalities"], strict=True)):
        written.append(f"{stem}_decomposed-{i + 1}_estimate.png")
        if picture.chroma is None:
            levels = grey_levels(picture.luminance, picture.bits)
        else:
            levels = colour_levels(picture.luminance, picture.chroma)
        description = f"ESTIMATE of {label}, decomposed by FusionINN from fusion {sidecar.get('FusionID', 'unknown')}."
        save_picture(written[-1], levels, description)
    return written


def _shown(picture: Picture) -> np.ndarray:
    return picture.luminance if picture.chroma is None else colour_at(picture.luminance, picture.chroma)


def _numbers(labels: Sequence[str], values: np.ndarray) -> dict[str, float | None]:
    return {
        label: round(float(value), 4) if np.isfinite(value) else None
        for label, value in zip(labels, values, strict=True)
    }


def _ssim(values: np.ndarray) -> str:
    return "SSIM " + " · ".join(f"{value:.3f}" for value in values) if np.isfinite(values).all() else ""
