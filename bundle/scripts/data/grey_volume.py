"""Read a grey image as a volume, whether picture or NIfTI, and say what its values mean."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor

from .errors import BadInputError
from .nifti import one_volume, read_nifti
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
    content = read_nifti(file)
    if content.ndim == 2 and channel is None:
        values, affine = content.as_tensor()[..., None], None
        if 0 in values.shape:
            raise BadInputError(f"{file} has no pixels (shape {tuple(content.shape)}). Write or download it again.")
    else:
        volume = one_volume(content, file, channel)
        values, affine = volume.as_tensor(), _known_affine(file, volume)
    finite = torch.isfinite(values)
    if not finite.all():
        nan = int(torch.isnan(values).sum())
        raise BadInputError(
            f"{file} holds {nan} NaN and {int((~finite).sum()) - nan} Inf among {values.numel()} voxels. Replace them "
            "(for instance by 0 outside the head)."
        )
    return GreyVolume(file, values, affine, _plain_integer(file), 1.0, False)


def _plain_integer(file: str) -> np.dtype | None:
    image = nib.load(file)
    dtype = image.get_data_dtype()
    scaled = (image.dataobj.slope, image.dataobj.inter) != (1.0, 0.0)
    return dtype.newbyteorder("=") if dtype.kind in "iu" and not scaled else None


def _known_affine(file: str, volume: MetaTensor) -> torch.Tensor | None:
    """The affine, unless it only fills the place of one: many programs write the identity or none."""
    header = nib.load(file).header
    said = int(header["qform_code"]) or int(header["sform_code"])
    affine = volume.affine.double()
    return affine if said and not torch.equal(affine, torch.eye(4, dtype=affine.dtype)) else None
