"""Read a grey image as a volume, whether picture or NIfTI, and say what its values mean."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .coordinates import Coordinates
from .errors import BadInputError
from .nan_background import fill_background
from .nifti import as_volume, one_volume
from .nifti_file import open_nifti
from .pictures import ENDINGS, is_picture, read_picture


@dataclass(frozen=True)
class GreyVolume:
    """A grey image, and what is known of it.

    Attributes:
        path: file that it was read from.
        values: [X, Y, Z] float32, finite. A picture is [H, W, 1] in [0, 1]; of a NIfTI file these are the values in the
            file, its scale factor followed.
        affine: [4, 4], voxel to millimetre; None where the file does not say (a picture, an image of two dimensions,
            an affine that is missing or the identity).
        dtype: type in the file where that is an integer without scale factor, else None.
        levels: value in the file that `values` calls 1: 255 or 65535 for a picture, 1 for NIfTI.
        coloured: whether colour was left aside.
    """

    path: str
    values: torch.Tensor
    affine: torch.Tensor | None
    dtype: np.dtype | None
    levels: float
    coloured: bool

    @property
    def is_picture(self) -> bool:
        """Whether it was read from a picture."""
        return is_picture(self.path)


def read_grey_volume(path: str | os.PathLike[str], channel: int | None = None) -> GreyVolume:
    """Read a picture or NIfTI file.

    Colour is read as its luminance. NIfTI images of two dimensions are volumes of one slice.

    Args:
        path: picture (`scripts.data.pictures.FORMATS`), `.nii` or `.nii.gz` file.
        channel: channel of a 4-dimensional NIfTI file. Defaults to None (the file holds one volume).

    Raises:
        BadInputError: the file cannot be read, is of another format, or holds NaN or Inf.
    """
    file = os.fspath(path)
    if is_picture(file):
        picture = read_picture(file)
        values = torch.from_numpy(picture.luminance)[..., None]
        levels = float(2**picture.bits - 1)
        return GreyVolume(file, values, None, np.dtype(f"uint{picture.bits}"), levels, picture.chroma is not None)
    if not Path(file).name.lower().endswith((".nii", ".nii.gz")):
        raise BadInputError(
            f"{file} is not an image by its name, expected {ENDINGS}, .nii or .nii.gz. Convert it first."
        )
    opened = open_nifti(file)
    content = as_volume(opened)
    if content.ndim == 2 and channel is None:
        values, affine = content.as_tensor()[..., None], None
        if 0 in values.shape:
            raise BadInputError(f"{file} has no pixels (shape {tuple(content.shape)}). Write or download it again.")
    else:
        volume = one_volume(content, file, channel)
        values, affine = fill_background(volume, file).as_tensor(), _known_affine(opened.coordinates)
    finite = torch.isfinite(values)
    if not finite.all():
        nan = int(torch.isnan(values).sum())
        raise BadInputError(
            f"{file} holds {nan} NaN and {int((~finite).sum()) - nan} Inf among {values.numel()} voxels. NaN is "
            "read as background only where all of it lies outside the head. Replace them."
        )
    return GreyVolume(file, values, affine, opened.plain_integer, 1.0, False)


def _known_affine(coordinates: Coordinates) -> torch.Tensor | None:
    """The affine, unless it only fills the place of one: many programs write the identity or none."""
    said = coordinates.sform_code or coordinates.qform_code
    return torch.from_numpy(coordinates.affine) if said and not np.array_equal(coordinates.affine, np.eye(4)) else None
