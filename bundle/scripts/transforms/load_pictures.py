"""LoadPicturesd: read pictures of one scene, normalise them for the network and keep their colour."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from monai.transforms import Transform

from scripts.data.errors import BadInputError
from scripts.data.pictures import Picture, read_picture

from .normalize import normalize_slices

SLICE_AXIS = 2
"""A picture is a volume of one slice: [H, W, 1]."""


class LoadPicturesd(Transform):
    """Read one picture per source, scale each luminance to [0, 1] by its range, and select the source of colour.

    Args:
        colour_from: number of the source, from 1, whose colour the fused picture takes if several are coloured.
            Defaults to None (the only coloured one).

    Raises:
        BadInputError: when `colour_from` is not a positive integer.
    """

    def __init__(self, colour_from: int | None = None) -> None:
        if colour_from is not None and (not isinstance(colour_from, int) or colour_from < 1):
            raise BadInputError(f"colour_from is {colour_from!r}, expected the number of a source (1, 2, …) or null.")
        self.colour_from = colour_from

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        """Read the pictures of one record.

        Args:
            data: "patient" (their name) and "files", or "problem".

        Returns:
            the record with "pictures", "image" (N, H, W, 1) in [0, 1], "intensity_scale", and "coloured": the index of
            the source whose colour is kept, or None.

        Raises:
            BadInputError: the record has a problem, a file cannot be used, or files do not fit together.
        """
        if "problem" in data:
            raise BadInputError(data["problem"])
        files = data["files"]
        pictures = [read_picture(file) for file in files]
        for file, picture in zip(files, pictures, strict=True):
            if picture.luminance.shape != pictures[0].luminance.shape:
                raise BadInputError(
                    f"the pictures have different sizes: {_size(pictures[0])} in {files[0]}, {_size(picture)} in "
                    f"{file}. Register them onto one grid first."
                )
            if picture.luminance.min() == picture.luminance.max():
                raise BadInputError(
                    f"{file} has the same brightness everywhere, so it contains no image. Leave it out or export it "
                    "again."
                )
        volume = torch.from_numpy(np.stack([picture.luminance for picture in pictures]))[..., None]
        image, scale = normalize_slices(volume, SLICE_AXIS)
        return {
            **data,
            "pictures": pictures,
            "image": image,
            "intensity_scale": scale,
            "coloured": self._coloured(files, pictures),
        }

    def _coloured(self, files: list[str], pictures: list[Picture]) -> int | None:
        coloured = [i for i, picture in enumerate(pictures) if picture.chroma is not None]
        if self.colour_from is not None:
            if self.colour_from > len(files):
                raise BadInputError(f"colour_from is {self.colour_from}, but only {len(files)} sources are given.")
            return self.colour_from - 1 if self.colour_from - 1 in coloured else None
        if len(coloured) > 1:
            raise BadInputError(
                f"{' and '.join(files[i] for i in coloured)} are coloured, but a fused picture takes its colour from "
                "one source. Choose it by --colour_from 1 (or 2); only the luminance of the others is used."
            )
        return coloured[0] if coloured else None


def _size(picture: Picture) -> str:
    height, width = picture.luminance.shape
    return f"{width} x {height}"
