"""Write results as NIfTI, and read fused images."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from scripts.data.coordinates import Coordinates, largest_distance, same_place, write_coordinates
from scripts.data.errors import BadInputError, InternalError
from scripts.data.naming import is_nifti
from scripts.data.nifti_file import NiftiFile, open_nifti, plain_integer, read_coordinates
from scripts.outputs.arrays import as_array
from scripts.outputs.levels import LEVELS, to_levels
from scripts.outputs.writing import result_file

STORED_DTYPES = ("float32", "uint16", "uint8", "int16")
DESCRIP_LIMIT = 79
PLAUSIBLE = (-0.5, 2.5)
"""Limits of a fused image: [0, 1], with an excess for vessels above the normalisation."""


def fused_descrip(fusion_id: str = "") -> str:
    """Return the header text of a fused image, with the id of its sidecar."""
    return "FusionINN fused, research use only" + (f", id {fusion_id}" if fusion_id else "")


def latent_descrip(fusion_id: str) -> str:
    """Return the header text of a latent, with the id of its fused image's sidecar."""
    return f"FusionINN latent, research use only, id {fusion_id}"


def estimate_descrip(source: str) -> str:
    """Return the header text of a decomposed image, which is an estimate of `source`."""
    return f"FusionINN ESTIMATED {source}, research use only"


def restored_descrip(source: str) -> str:
    """Return the header text of an image of `source` restored from the kept latent, which is not an estimate."""
    return f"FusionINN restored {source}, research use only"


def contribution_descrip(source: str) -> str:
    """Return the header text of the contribution map of `source`."""
    return f"FusionINN contribution of {source} to fused, research use only"


def uncertainty_descrip(source: str) -> str:
    """Return the header text of the expected error map of the decomposed `source`."""
    return f"FusionINN expected error of ESTIMATED {source}, research use only"


def save_volume(
    path: str | os.PathLike[str],
    volume: Any,
    affine: Any,
    dtype: str = "float32",
    *,
    value_range: tuple[float, float] | None = (0.0, 1.0),
    descrip: str = "",
    like: str | os.PathLike[str] | None = None,
) -> None:
    """Write a volume as NIfTI atomically.

    Args:
        path: file to write, `.nii` or `.nii.gz`; its folder is created.
        volume: [X, Y, Z] or [X, Y, Z, channels], finite; a tensor or an array.
        affine: [4, 4], voxel to millimetre.
        dtype: "float32" stores the values unchanged; "uint16", "uint8" and "int16" store integers. Defaults to
            "float32".
        value_range: values represented by the ends of an integer type; values outside are clipped. The header's scale
            factor restores the range, so that every reader sees it. None stores rounded values in their own units.
            Ignored for "float32". Defaults to (0, 1).
        descrip: description of the volume for the header, up to 79 ASCII characters. Defaults to "".
        like: NIfTI file, usually the source, whose coordinate codes are copied, and also its sform and qform if the
            affine is the same. Defaults to None (scanner coordinates).

    Raises:
        BadInputError: the file cannot be written, or the volume holds NaN or Inf.
        InternalError: the written file would have wrong coordinates; it is not kept.
        ValueError: wrong dtype, shape, range or description.
    """
    values = as_array(volume)
    if dtype not in STORED_DTYPES:
        raise ValueError(f"dtype ({dtype}) must be one of {', '.join(STORED_DTYPES)}.")
    if values.ndim not in (3, 4) or values.size == 0:
        raise ValueError(f"{path}: a volume must have shape [X, Y, Z], got {tuple(values.shape)}.")
    if len(descrip) > DESCRIP_LIMIT or not descrip.isascii():
        raise ValueError(f"descrip must be at most {DESCRIP_LIMIT} ASCII characters: {descrip!r}.")
    invalid = _count_invalid(values)
    if invalid:
        raise BadInputError(
            f"{path} was not written: {invalid} of its {values.size} voxels are NaN or infinite."
            " Check the sources for extreme values, and that the checkpoint is the right one."
        )

    stored, slope, intercept = _quantise(values, dtype, value_range)
    place = np.asarray(affine, dtype=np.float64)
    source = None if like is None else read_coordinates(like)
    # Without an affine nibabel does not change the coordinates in the header.
    image = nib.Nifti1Image(stored, None)
    header = image.header
    header.set_data_dtype(dtype)
    header.set_slope_inter(slope, intercept)
    header["descrip"] = descrip.encode("ascii")
    write_coordinates(header, place, stored.shape, source)

    content = image.to_bytes()
    if os.fspath(path).endswith(".gz"):
        content = gzip.compress(content, compresslevel=4, mtime=0)
    with result_file(path) as temporary:
        Path(temporary).write_bytes(content)
        _check_place(temporary, path, place, stored.shape, source)


def load_fused(path: str | os.PathLike[str], *, clip: bool = True) -> tuple[np.ndarray, np.ndarray, str]:
    """Read a fused image stored as a float or integer NIfTI file.

    A scale factor in the header is applied. Integers without one, as other tools write them, are assumed to span their
    range: 255 is 1 if no value is above 255, otherwise 65535 is 1.

    Args:
        path: NIfTI file with one volume.
        clip: clip values to [0, 1]. Defaults to True; False keeps the excess that an exact inversion needs.

    Returns:
        volume [X, Y, Z] float32 in [0, 1], affine [4, 4] float64, and the dtype in the file.

    Raises:
        BadInputError: the file is missing, is not a complete NIfTI volume, or is not a fused image.
    """
    content = open_nifti(path)
    shape = content.stored.shape
    if len(shape) == 4 and shape[3] == 1:
        shape = shape[:3]
    if len(shape) != 3 or min(shape) < 1:
        raise BadInputError(
            f"{path} has shape {content.stored.shape}, but a fused image is one 3-D volume [X, Y, Z]."
            " Give one file per volume."
        )

    highest = _highest_level(content)
    values = (_scaled(content) if highest is None else content.stored.astype(np.float32, order="C")).reshape(shape)
    invalid = _count_invalid(values)
    if invalid:
        raise BadInputError(f"{path} contains {invalid} voxels that are NaN or infinite. Repair it, or fuse again.")
    if highest is not None:
        values /= highest

    low, high = float(values.min()), float(values.max())
    if low == high:
        raise BadInputError(
            f"{path} contains only the value {low:g}, so it cannot be decomposed. Give the fused image itself."
        )
    if low < PLAUSIBLE[0] or high > PLAUSIBLE[1]:
        raise BadInputError(
            f"{path} has values from {low:g} to {high:g}, but a fused image lies in [0, 1]."
            " Give a file named *_fused.nii.gz, or one stored as uint8 or uint16; a source image"
            " cannot be decomposed."
        )
    if clip:
        values = values.clip(0.0, 1.0, out=values)
    return values, content.coordinates.affine, content.stored.dtype.newbyteorder("=").name


def load_latent(path: str | os.PathLike[str]) -> np.ndarray:
    """Read the latent stored with a fused image.

    Args:
        path: NIfTI file with one volume per latent channel.

    Returns:
        latent [N - 1, X, Y, Z] float32.

    Raises:
        BadInputError: the file is missing, is not a complete NIfTI volume, or is not a latent.
    """
    try:
        values = _scaled(open_nifti(path))
    except BadInputError as error:
        raise BadInputError(f"{error} Keep the latent next to the fused image, or fuse again.") from error
    if values.ndim == 3:
        values = values[..., None]
    if values.ndim != 4 or _count_invalid(values):
        raise BadInputError(f"{path} is not the latent of a fused volume. Copy it again, or fuse again.")
    return np.ascontiguousarray(np.moveaxis(values, -1, 0))


def _quantise(
    values: np.ndarray, dtype: str, value_range: tuple[float, float] | None
) -> tuple[np.ndarray, float, float]:
    """Return the numbers to store, with the slope and intercept of the header."""
    if dtype == "float32":
        return values.astype(np.float32, copy=False), 1.0, 0.0
    limits = np.iinfo(dtype)
    slope, inter, lowest = 1.0, 0.0, limits.min
    if value_range is not None:
        low, high = value_range
        if not low < high:
            raise ValueError(f"value_range must ascend, got ({low}, {high}).")
        slope, inter, lowest = (high - low) / limits.max, low, 0
    # Slice by slice, in the memory layout of NIfTI: a volume in double precision takes eight times the memory.
    stored = np.empty(values.shape, dtype, order="F")
    for index in np.ndindex(values.shape[2:]):
        page = (slice(None), slice(None), *index)
        stored[page] = to_levels(values[page], slope, inter, lowest, limits.max)
    return stored, slope, inter


def _count_invalid(values: np.ndarray) -> int:
    return values.size - int(np.count_nonzero(np.isfinite(values)))


def _check_place(
    written: str,
    path: str | os.PathLike[str],
    affine: np.ndarray,
    shape: tuple[int, ...],
    source: Coordinates | None,
) -> None:
    """Check that the coordinates of a written file are the intended ones."""
    there = read_coordinates(written)
    problem = None
    if not same_place(affine, there.affine, shape):
        problem = f"it would lie up to {largest_distance(affine, there.affine, shape):.3g} mm off"
    elif source is not None and same_place(affine, source.affine, shape) and _codes(there) != _codes(source):
        problem = f"its sform and qform would have the codes {_codes(there)} instead of {_codes(source)}"
    if problem:
        raise InternalError(f"{os.fspath(path)} was not written: {problem}. Add the header of the source to a report.")


def _codes(coordinates: Coordinates) -> tuple[int, int]:
    return coordinates.sform_code, coordinates.qform_code


def _scaled(content: NiftiFile) -> np.ndarray:
    """Apply the header's scale factor."""
    values = content.stored.astype(np.float32, order="C")
    if (content.slope, content.intercept) != (1.0, 0.0):
        values *= np.float32(content.slope)
        values += np.float32(content.intercept)
    return values


def full_scale(dtype: np.dtype, highest: int) -> float | None:
    """Return the integer that represents 1 in an image without scale factor.

    Args:
        dtype: type in the file.
        highest: largest value in it.

    Returns:
        255 or 65535; None if unknown, for a signed 16-bit type with values above 255.
    """
    if highest <= 255:
        # Wider types with 8-bit content are common: int16 is what many converters write.
        return 255.0
    return None if dtype.kind == "i" and dtype.itemsize == 2 else 65535.0


def _highest_level(content: NiftiFile) -> float | None:
    """Return the integer that represents 1 in a fused image, None if its values are those that the header scales to.

    Dividing by it gives the very numbers of `as_stored`, which the rounded scale factor of the header does not.
    """
    for highest in LEVELS.values():
        if content.stored.dtype.kind in "iu" and content.intercept == 0 and content.slope == np.float32(1 / highest):
            return float(highest)
    if content.plain_integer is None:
        return None
    present = int(content.stored.max())
    scale = full_scale(content.stored.dtype, present)
    if scale is None:
        raise BadInputError(
            f"{content.path} holds int16 values up to {present} without a scale factor, so the value that represents 1"
            " is unknown. Store the fused image as uint8 or uint16 (0 to 255 or 65535), or as float32."
        )
    return scale


def stored_dtype(file: str) -> str:
    """Return the type to store a decomposed image in: the source's if that is a small integer, else float32.

    Integers with a scale factor represent other numbers, so they give float32, as do formats other than NIfTI.
    """
    if not is_nifti(file):
        return "float32"
    dtype = plain_integer(file)
    return dtype.name if dtype is not None and dtype.name in ("uint8", "int16", "uint16") else "float32"
