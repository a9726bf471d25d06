"""Read NRRD and MetaImage files by ITK."""

from __future__ import annotations

import os

import numpy as np
from monai.data import MetaTensor

from scripts.data.errors import BadInputError
from scripts.data.naming import VOLUME_ENDINGS, is_volume
from scripts.dicom.packages import require

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_itk(path: str | os.PathLike[str]) -> MetaTensor:
    """Read a volume of grey values in one of ITK's formats.

    Args:
        path: `.nrrd`, `.nhdr`, `.mha` or `.mhd` file.

    Returns:
        float32 values of the shape in the file, with affine in RAS mm.

    Raises:
        BadInputError: the file is missing, damaged or of another format, holds colours, or ITK is missing.
    """
    file = os.fspath(path)
    if not os.path.isfile(file):
        raise BadInputError(f"{file} does not exist. Give the path of an existing file.")
    if not is_volume(file):
        raise BadInputError(f"{file} is no volume by its name, expected one of {', '.join(VOLUME_ENDINGS)}.")
    require("itk", purpose="reading NRRD and MetaImage")
    import itk

    try:
        reader = itk.ImageIOFactory.CreateImageIO(file, itk.CommonEnums.IOFileMode_ReadMode)
        if reader is None:
            raise RuntimeError("no reader knows its format")
        reader.SetFileName(file)
        reader.ReadImageInformation()
        components = reader.GetNumberOfComponents()
        # As floats: not every type of integer has an image in ITK's Python.
        image = itk.imread(file, itk.F) if components == 1 else None
    except (RuntimeError, TypeError, KeyError) as error:
        raise BadInputError(
            f"{file} cannot be read, it is truncated, damaged or of another format ({_last_line(error)}). Copy or "
            "download the file again."
        ) from error
    if image is None:
        raise BadInputError(
            f"{file} holds {components} values in each voxel, expected one grey value. Save one volume per file, and "
            "colour as grey."
        )
    values = itk.array_from_image(image)
    affine = np.eye(4)
    size = min(3, image.GetImageDimension())
    direction = itk.array_from_matrix(image.GetDirection())
    affine[:size, :size] = (direction * np.asarray(image.GetSpacing()))[:size, :size]
    affine[:size, 3] = np.asarray(image.GetOrigin())[:size]
    # ITK gives the last axis first.
    return MetaTensor(np.ascontiguousarray(values.T, dtype=np.float32), affine=_LPS_TO_RAS @ affine)


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
