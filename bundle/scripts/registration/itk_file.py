"""Read NRRD and MetaImage files with ITK."""

from __future__ import annotations

import os

import numpy as np
from monai.data import MetaTensor

from scripts.data.coordinates import lps_coordinates
from scripts.data.errors import BadInputError
from scripts.data.naming import VOLUME_ENDINGS, is_volume
from scripts.data.nifti import DOUBTS
from scripts.data.nifti_file import check_kind, check_size
from scripts.dicom.packages import require

from .text_header import TextHeader, check_whole, read_text_header

_ANATOMICAL = (
    *("right-anterior-superior", "left-anterior-superior", "left-posterior-superior"),
    *("ras", "las", "lps"),
)
"""Anatomical spaces of NRRD; ITK converts each to LPS."""


def read_itk(path: str | os.PathLike[str]) -> MetaTensor:
    """Read a volume of grey values in one of ITK's formats.

    Args:
        path: `.nrrd`, `.nhdr`, `.mha` or `.mhd` file.

    Returns:
        float32 values in the shape of the file, with affine in RAS mm.

    Raises:
        BadInputError: the file is missing, damaged, in another format or in colour, or ITK is missing.
    """
    file = os.fspath(path)
    if not os.path.isfile(file):
        raise BadInputError(f"{file} does not exist. Give the path of an existing file.")
    if not is_volume(file):
        raise BadInputError(f"{file} has an unsupported extension, expected one of {', '.join(VOLUME_ENDINGS)}.")
    require("itk", purpose="reading NRRD and MetaImage")
    import itk

    with open(file, "rb") as stream:
        check_kind(stream.read(64), file)
    header = read_text_header(file)
    try:
        reader = itk.ImageIOFactory.CreateImageIO(file, itk.CommonEnums.IOFileMode_ReadMode)
        if reader is None:
            raise RuntimeError("no reader knows its format")
        reader.SetFileName(file)
        reader.ReadImageInformation()
        components, itemsize = reader.GetNumberOfComponents(), reader.GetComponentSize()
        shape = tuple(int(reader.GetDimensions(axis)) for axis in range(reader.GetNumberOfDimensions()))
        check_size(file, shape, components * itemsize)
        check_whole(header, int(np.prod(shape, dtype=object)) * components * itemsize)
        # As floats: ITK's Python wrapping lacks some integer types.
        image = itk.imread(file, itk.F) if components == 1 else None
    except (RuntimeError, TypeError, KeyError, OverflowError) as error:
        raise BadInputError(
            f"{file} cannot be read: it is truncated, damaged or in another format ({_last_line(error)}). Copy or "
            "download the file again."
        ) from error
    if image is None:
        raise BadInputError(
            f"{file} holds {components} values in each voxel, expected one grey value. Save one volume per file, and "
            "colour as grey."
        )
    values = itk.array_from_image(image)
    coordinates = lps_coordinates(
        itk.array_from_matrix(image.GetDirection()),
        list(image.GetSpacing()),
        list(image.GetOrigin()),
        _unit(header),
        not header.is_nrrd or header.fields.get("space", "").lower() in _ANATOMICAL,
    )
    # ITK returns the last axis first.
    values = np.ascontiguousarray(values.T, dtype=np.float32)
    return MetaTensor(values, affine=coordinates.affine, meta={DOUBTS: coordinates.doubts})


def _unit(header: TextHeader) -> str:
    """Return the unit of length of an NRRD file; MetaImage is always in mm."""
    units = header.fields.get("space units", "") if header.is_nrrd else ""
    return units.split()[0].strip('"') if units.split() else "mm"


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
