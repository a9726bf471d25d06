"""Read a grey picture or NIfTI file as a volume, with the meaning of its values."""

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
    """A grey image and its properties.

    Attributes:
        path: file that it was read from.
        values: [X, Y, Z] float32, finite. A picture is [H, W, 1] in [0, 1]; a NIfTI file gives its values with the
            scale factor applied.
        affine: [4, 4], voxel to mm; None if unknown (a picture, a two-dimensional image, a missing affine or the
            identity).
        dtype: type in the file if that is an integer without scale factor, else None.
        levels: value in the file that corresponds to 1 in `values`: 255 or 65535 for a picture, 1 for NIfTI.
        coloured: whether colour was discarded.
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

    Colour is read as its luminance. Two-dimensional NIfTI images become volumes of one slice.

    Args:
        path: picture (`scripts.data.pictures.FORMATS`), `.nii` or `.nii.gz` file.
        channel: channel of a 4-dimensional NIfTI file. Defaults to None (the file holds one volume).

    Raises:
        BadInputError: the file cannot be read, has another format, or contains NaN or Inf.
    """
    file = os.fspath(path)
    if is_picture(file):
        picture = read_picture(file)
        values = torch.from_numpy(picture.luminance)[..., None]
        levels = float(2**picture.bits - 1)
        return GreyVolume(file, values, None, np.dtype(f"uint{picture.bits}"), levels, picture.chroma is not None)
    if not Path(file).name.lower().endswith((".nii", ".nii.gz")):
        raise BadInputError(
            f"{file} has an unsupported extension, expected {ENDINGS}, .nii or .nii.gz. Convert it first."
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
            f"{file} holds {nan} NaN and {int((~finite).sum()) - nan} Inf among {values.numel()} voxels. NaN is read "
            "as background only if all of it lies outside the head. Replace these values."
        )
    return GreyVolume(file, values, affine, opened.plain_integer, 1.0, False)


def _known_affine(coordinates: Coordinates) -> torch.Tensor | None:
    """Return the affine unless it is a placeholder: many programs write the identity or none at all."""
    said = coordinates.sform_code or coordinates.qform_code
    return torch.from_numpy(coordinates.affine) if said and not np.array_equal(coordinates.affine, np.eye(4)) else None
