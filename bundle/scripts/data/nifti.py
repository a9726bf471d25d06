"""Read NIfTI files: one volume of grey values, and where it lies."""

from __future__ import annotations

import os

import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor, NibabelReader

from .errors import BadInputError
from .naming import is_nifti
from .reading import reading

TOOL_HINT = "Register and resample one image to the other's grid first (ANTs, FSL, itk)."
_AFFINE_TOLERANCE = 1e-3


def read_nifti(path: str | os.PathLike[str]) -> MetaTensor:
    """Read a NIfTI file of grey values; a scale factor in its header is followed.

    Args:
        path: `.nii` or `.nii.gz` file.

    Returns:
        float32 values of the shape in the file, with affine.

    Raises:
        BadInputError: the file is missing, empty, damaged, of another format, or holds colours or complex numbers.
    """
    file = os.fspath(path)
    if not os.path.exists(file):
        raise BadInputError(f"{file} does not exist. Give the path of an existing NIfTI file.")
    if os.path.isdir(file):
        raise BadInputError(f"{file} is a folder, expected a NIfTI file (.nii or .nii.gz).")
    if not is_nifti(file):
        raise BadInputError(
            f"{file} is no NIfTI file by its name, expected .nii or .nii.gz. Convert the image "
            "first (for DICOM: dcm2niix)."
        )
    if os.path.getsize(file) == 0:
        raise BadInputError(f"{file} is empty (0 bytes). Copy or download the file again.")
    try:
        with reading(file):
            stored = nib.load(file).get_data_dtype()
            volume = _read(file) if stored.kind in "iuf" else None
    except MemoryError:
        raise
    except PermissionError as error:
        raise BadInputError(f"{file} may not be read. Change its permissions.") from error
    except Exception as error:  # the readers raise anything from EOFError to zlib.error
        raise BadInputError(
            f"{file} cannot be read as NIfTI, it is truncated, damaged or of another format "
            f"({type(error).__name__}: {error}). Copy or download the file again."
        ) from error
    if volume is None:
        raise BadInputError(
            f"{file} holds voxels of type {stored}, expected one grey value each. Convert "
            "colour to grey, or complex numbers to their magnitude."
        )
    return volume


def _read(file: str) -> MetaTensor:
    # MONAI's LoadImage would set up the readers of all formats, and those of DICOM warn of what they miss.
    reader = NibabelReader()
    values, meta = reader.get_data(reader.read(file))
    return MetaTensor(torch.from_numpy(np.asarray(values, dtype=np.float32)), affine=meta["affine"])


def one_volume(volume: MetaTensor, file: str, channel: int | None = None) -> MetaTensor:
    """Check the dimensions of what was read, and pick a channel.

    Args:
        volume: what `read_nifti` returns.
        file: where it was read, for messages.
        channel: channel of a 4-dimensional file. Defaults to None (the file holds one volume).

    Returns:
        volume [X, Y, Z] with an affine that can be inverted.

    Raises:
        BadInputError: the file holds no or several volumes, not that channel, or a singular affine.
    """
    shape = tuple(volume.shape)
    if 0 in shape:
        raise BadInputError(f"{file} has no voxels (shape {shape}). Write or download the file again.")
    if volume.ndim > 3 and all(size == 1 for size in shape[3:]) and not channel:
        data = volume.as_tensor().reshape(shape[:3])
    elif volume.ndim == 4 and channel is not None:
        if not 0 <= channel < shape[3]:
            raise BadInputError(
                f"{file} has {shape[3]} channels, but channel {channel} is asked for. Correct "
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
    """Refuse volumes of one shape that lie in different places.

    Raises:
        BadInputError: when their voxels do not lie on each other.
    """
    first, second = one.affine.double(), other.affine.double()
    if torch.allclose(first, second, rtol=_AFFINE_TOLERANCE, atol=_AFFINE_TOLERANCE):
        return
    corners = torch.cartesian_prod(*(torch.tensor([0.0, size - 1.0]) for size in one.shape))
    corners = torch.cat([corners, torch.ones(len(corners), 1)], dim=1).double()
    apart = (corners @ (first - second).T)[:, :3].norm(dim=1).max()
    raise BadInputError(
        f"the images have different affines, their voxels are up to {apart:.3g} mm apart: "
        f"{_rounded(first)} in {one_file}, {_rounded(second)} in {other_file}. {TOOL_HINT}"
    )


def _checked_affine(volume: MetaTensor, file: str) -> torch.Tensor:
    affine = volume.affine
    steps = affine[:3, :3].double()
    spacing = steps.norm(dim=0)
    # relative to the spacing, so that microscopy-sized voxels pass
    singular = not torch.isfinite(affine).all() or bool((spacing == 0).any())
    if singular or abs(torch.linalg.det(steps / spacing)) < 1e-6:
        raise BadInputError(
            f"{file} has an affine that cannot be inverted: {_rounded(affine)}. Correct the header's sform/qform."
        )
    return affine


def _rounded(affine: torch.Tensor) -> list[list[float]]:
    return [[round(value, 4) for value in row] for row in affine[:3].tolist()]
