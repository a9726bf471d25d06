"""Read NIfTI files: one volume of grey values with its affine."""

from __future__ import annotations

import os
import warnings

import torch
from monai.data import MetaTensor

from .coordinates import largest_distance
from .errors import BadInputError
from .nifti_file import NiftiFile, open_nifti

TOOL_HINT = "Register and resample one image to the other's grid first (ANTs, FSL, itk)."
DOUBTS = "doubts"
"""Key of the meta data for doubts about a file's coordinates, see `Coordinates`."""
_AFFINE_TOLERANCE = 1e-3


def read_nifti(path: str | os.PathLike[str]) -> MetaTensor:
    """Read a NIfTI file of grey values and apply the scale factor of its header.

    Args:
        path: `.nii` or `.nii.gz` file.

    Returns:
        float32 values in the shape of the file, with affine in RAS mm.

    Raises:
        BadInputError: the file is missing, empty, damaged, too large, in another format, or contains colours or complex
            numbers.
    """
    return as_volume(open_nifti(path))


def as_volume(content: NiftiFile) -> MetaTensor:
    """Return the grey values of a file with their affine; doubts about it are in the meta data under `DOUBTS`."""
    values = torch.from_numpy(content.values())
    return MetaTensor(values, affine=content.coordinates.affine, meta={DOUBTS: content.coordinates.doubts})


def warn_of_doubts(volume: MetaTensor, file: str) -> None:
    """Warn once of contradictory or missing coordinates in a source's header.

    Args:
        volume: what `read_nifti` returns.
        file: where it was read.
    """
    doubts = volume.meta.get(DOUBTS, ())
    if doubts:
        warnings.warn(
            f"{file}: {'; '.join(doubts)}. Check the picture, and correct the header if it is wrong.",
            stacklevel=3,
        )


def one_volume(volume: MetaTensor, file: str, channel: int | None = None) -> MetaTensor:
    """Check the dimensions of a volume, and pick a channel.

    Args:
        volume: what `read_nifti` returns.
        file: where it was read, for messages.
        channel: channel of a 4-dimensional file. Defaults to None (the file holds one volume).

    Returns:
        volume [X, Y, Z] with an affine that can be inverted.

    Raises:
        BadInputError: the file does not hold exactly one volume, lacks the channel, or has a singular affine.
    """
    shape = tuple(volume.shape)
    if 0 in shape:
        raise BadInputError(f"{file} has no voxels (shape {shape}). Write or download the file again.")
    if volume.ndim > 3 and all(size == 1 for size in shape[3:]) and not channel:
        data = volume.as_tensor().reshape(shape[:3])
    elif volume.ndim == 4 and channel is not None:
        if not 0 <= channel < shape[3]:
            raise BadInputError(
                f"{file} has {shape[3]} channels, but channel {channel} is requested. Correct "
                "the channel table (dataset.json or datalist)."
            )
        data = volume.as_tensor()[..., channel]
    elif channel is not None:
        raise BadInputError(
            f"{file} has shape {shape}, expected 4 dimensions with the modalities last. Correct "
            "the data set, or give one file per modality."
        )
    elif volume.ndim == 3:
        data = volume.as_tensor()
    else:
        remedy = (
            "Stack the slices to a volume (one slice is X x Y x 1)."
            if volume.ndim < 3
            else "Save one volume per file, or name the channels in a datalist."
        )
        raise BadInputError(f"{file} has {volume.ndim} dimensions (shape {shape}), expected 3. {remedy}")
    affine = _checked_affine(volume, file)
    return MetaTensor(data.contiguous(), affine=affine)


def check_same_affine(one: MetaTensor, one_file: str, other: MetaTensor, other_file: str) -> None:
    """Raise if volumes of the same shape have different positions.

    Raises:
        BadInputError: when their voxels do not coincide.
    """
    first, second = one.affine.double(), other.affine.double()
    if torch.allclose(first, second, rtol=_AFFINE_TOLERANCE, atol=_AFFINE_TOLERANCE):
        return
    apart = largest_distance(first.numpy(), second.numpy(), one.shape)
    raise BadInputError(
        f"the images have different affines, their voxels are up to {apart:.3g} mm apart: "
        f"{_rounded(first)} in {one_file}, {_rounded(second)} in {other_file}. {TOOL_HINT}"
    )


def _checked_affine(volume: MetaTensor, file: str) -> torch.Tensor:
    affine = volume.affine
    steps = affine[:3, :3].double()
    spacing = steps.norm(dim=0)
    # relative to the spacing, so that microscopic voxels pass
    singular = not torch.isfinite(affine).all() or bool((spacing == 0).any())
    if singular or abs(torch.linalg.det(steps / spacing)) < 1e-6:
        raise BadInputError(
            f"{file} has an affine that cannot be inverted: {_rounded(affine)}. Correct the header's sform/qform."
        )
    return affine


def _rounded(affine: torch.Tensor) -> list[list[float]]:
    return [[round(value, 4) for value in row] for row in affine[:3].tolist()]
