"""Writers of pictures, and what the sidecar of a fused picture says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from scripts.data.pictures import Picture
from scripts.outputs.colour import colour_at, colour_levels
from scripts.outputs.digest import picture_digest
from scripts.outputs.overview import ESTIMATE_GROUP, FUSED_GROUP, SOURCE_GROUP
from scripts.outputs.panels import Panel, Row, draw_panels
from scripts.outputs.pictures import FUSED_ENDING, grey_levels, save_picture
from scripts.outputs.sidecar import sidecar_content
from scripts.transforms.normalize import restore_intensity

from .case import Case, DecomposedCase
from .fuse_pictures import FusedPictureCase, read_back

ESTIMATED = "Estimated: computed from the fused picture alone."


class PictureRecord:
    """Describe a fused picture."""

    def __call__(self, case: FusedPictureCase) -> dict[str, Any]:
        """Describe a case.

        Args:
            case: the fused case with all its results.

        Returns:
            content of the sidecar.
        """
        return sidecar_content(
            sources=case.files,
            intensity_scale=case.scale,
            stored_dtype=case.dtype,
            checkpoint_sha256=case.checkpoint,
            latent_kind=case.latent_kind,
            fused_sha256=picture_digest(case.levels),
            extra={
                "Picture": case.patient,
                "Shape": list(case.levels.shape[:2]),
                "SourceBits": [picture.bits for picture in case.pictures],
                "ColourFrom": None if case.coloured is None else case.coloured + 1,
                "SSIM": case.mean_ssim,
                **case.measured,
            },
        )


class FusedPicture:
    """Write ``<name>_fused.png``, which holds what the sidecar says as well."""

    def __call__(self, case: FusedPictureCase, folder: Path) -> None:
        """Write the fused picture of a case."""
        path = folder / f"{case.patient}{FUSED_ENDING}"
        save_picture(path, case.levels, case.record["Description"], case.record)


class EstimatedPictures:
    """Write ``<name>_decomposed-1_estimate.png``, …, marked as estimates."""

    def __call__(self, case: Case, folder: Path) -> None:
        """Write the estimates of a case."""
        fusion = case.record.get("FusionID", "unknown")
        for i, (picture, label) in enumerate(zip(estimates_with_colour(case), case.sources, strict=True)):
            if picture.chroma is None:
                levels = grey_levels(picture.luminance, picture.bits)
            else:
                levels = colour_levels(picture.luminance, picture.chroma)
            description = f"ESTIMATE of {label}, decomposed by FusionINN from fusion {fusion}."
            save_picture(folder / f"{case.patient}_decomposed-{i + 1}_estimate.png", levels, description)


class PictureOverview:
    """Draw sources, fused picture and estimates side by side; a decomposed case has no sources.

    The file is ``<name>_overview.png``, or ``<name>_decomposed_overview.png``.
    """

    def __call__(self, case: Case, folder: Path) -> None:
        """Draw a case."""
        name, groups, captions, panels, note = "decomposed_overview", [], [], [], ESTIMATED
        scores = [""] * len(case.sources)
        if isinstance(case, FusedPictureCase):
            fused, decomposed = case.ssim["fused"][0], case.ssim["decomposed"][0]
            name = "overview"
            groups, captions = [SOURCE_GROUP] * len(case.sources), list(case.sources)
            panels = [*(Panel(_shown(picture)) for picture in case.pictures), Panel(case.levels, _ssim(fused))]
            scores = [_ssim(value[None]) for value in decomposed]
            note += "  SSIM of the fused picture: with each source in turn."
        elif isinstance(case, DecomposedCase):
            panels = [Panel(_shown(case.picture))]
        panels += [
            Panel(_shown(picture), score) for picture, score in zip(estimates_with_colour(case), scores, strict=True)
        ]
        draw_panels(
            folder / f"{case.patient}_{name}.png",
            case.patient,
            [*groups, FUSED_GROUP, *[ESTIMATE_GROUP] * len(case.sources)],
            [*captions, " + ".join(case.sources), *(f"{label}, estimated" for label in case.sources)],
            [Row("", panels)],
            note,
        )


def estimates_with_colour(case: Case) -> list[Picture]:
    """Return the estimates as pictures; the source whose colour the fused picture carries gets it back."""
    chroma = read_back(case.levels)[1] if isinstance(case, FusedPictureCase) else case.picture.chroma
    bits = case.record.get("SourceBits", [8] * len(case.sources))
    luminances = restore_intensity(case.decomposed, case.scale)[..., 0].numpy()
    return [
        Picture(luminance.clip(0.0, 1.0), chroma if case.record.get("ColourFrom") == i + 1 else None, bits[i])
        for i, luminance in enumerate(luminances)
    ]


def _shown(picture: Picture) -> np.ndarray:
    return picture.luminance if picture.chroma is None else colour_at(picture.luminance, picture.chroma)


def _ssim(values: np.ndarray) -> str:
    return "SSIM " + " · ".join(f"{value:.3f}" for value in values) if np.isfinite(values).all() else ""
