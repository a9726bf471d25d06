"""Read the voxel coordinates of a file by the rules of its format, and write them as NIfTI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import nibabel as nib
import numpy as np
from nibabel.quaternions import quat2mat
from nibabel.spatialimages import HeaderDataError
from nibabel.volumeutils import shape_zoom_affine

from .errors import BadInputError

_UNITS = {0: ("unknown", 1.0), 1: ("metre", 1e3), 2: ("mm", 1.0), 3: ("micron", 1e-3)}
"""Units of length by their code in the header: name, and size in mm."""
_UNIT_NAMES = {"mm": 1.0, "m": 1e3, "cm": 10.0, "um": 1e-3, "µm": 1e-3, "micron": 1e-3, "": 1.0}
_KNOWN_CODES = range(6)
_SAME_PLACE = 1e-3
"""Tolerance for equal positions, mm."""
_QUATERNION_EXCESS = 1e-5
"""How far the sum of squares of a rounded quaternion may exceed 1."""
_TWO_PLACES = 0.1
"""Fraction of the smallest voxel beyond which sform and qform disagree."""
_TWO_SIZES = 0.05
"""Fraction of a voxel beyond which pixdim and sform disagree; a shear lengthens the steps of the sform slightly."""


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Coordinates of a volume, and how its file states them.

    Attributes:
        affine: [4, 4] float64, voxel to RAS mm. NIfTI's rule: the sform where its code is above 0, else the qform where
            its code is above 0, else the voxel sizes alone, as nibabel reads them (the origin in the middle, the first
            axis to the left).
        sform_code: reference of the sform: 0 none, 1 scanner, 2 another image, 3 Talairach, 4 MNI.
        qform_code: reference of the qform.
        qform: its ten numbers (handedness, 3 voxel sizes in mm, 3 of the quaternion, 3 of the offset in mm); None if
            its code is 0 or they are not a rotation. Quaternions are kept unchanged: near half a turn, a quaternion
            recomputed from the affine would be off by a hundredth of a millimetre.
        doubts: contradictory, unusual or missing entries of the header, one sentence each, for warnings.
    """

    affine: np.ndarray
    sform_code: int
    qform_code: int
    qform: tuple[float, ...] | None = None
    doubts: tuple[str, ...] = ()


def nifti_coordinates(header: nib.Nifti1Header, shape: Sequence[int], file: str) -> Coordinates:
    """Read the coordinates of a volume from a NIfTI header.

    Args:
        header: header as stored in the file, unchecked.
        shape: size of the volume along each axis.
        file: name for messages.

    Raises:
        BadInputError: the form in use is not an affine: its numbers are not finite, or its quaternion is not a
            rotation.
    """
    doubts: list[str] = []
    unit = int(header["xyzt_units"]) & 7
    name, to_mm = _UNITS.get(unit, (f"code {unit}", 1.0))
    if unit not in _UNITS:
        doubts.append(f"its unit of length is unknown to NIfTI ({name}); mm is assumed")
    elif to_mm != 1.0:
        doubts.append(f"its unit of length is the {name}, converted to mm")
    sform_code, qform_code = (max(0, int(header[f"{form}form_code"])) for form in "sq")
    doubts += [
        f"its {form}form has the code {code}, which NIfTI does not define"
        for form, code in (("s", sform_code), ("q", qform_code))
        if code not in _KNOWN_CODES
    ]
    fields = _qform_fields(header, shape, to_mm)
    qform_affine = _affine_of(fields) if qform_code else None
    if qform_code and qform_affine is None and sform_code:
        doubts.append("its qform is not a rotation and was ignored, the sform is used")
        qform_code = 0
    if sform_code:
        affine = np.eye(4)
        affine[:3] = np.stack([header[f"srow_{axis}"] for axis in "xyz"]).astype(np.float64) * to_mm
        doubts += _contradictions(affine, qform_affine, fields, shape)
    elif qform_code:
        if qform_affine is None:
            raise BadInputError(
                f"{file} has an invalid qform (quaternion, voxel sizes and offset "
                f"{[round(value, 4) for value in fields[1:]]}). Correct the header's qform, or write an sform."
            )
        affine = qform_affine
        if float(header["pixdim"][0]) not in (-1.0, 0.0, 1.0):
            doubts.append(
                f"its qfac (pixdim[0]) is {float(header['pixdim'][0]):g}, which should be 1 or -1; its sign is used"
            )
    else:
        spacing = np.asarray(fields[1:4])
        if not (np.isfinite(spacing) & (spacing > 0)).all():
            spacing = np.where(np.isfinite(spacing) & (spacing != 0), np.abs(spacing), 1.0)
            doubts.append("some of its voxel sizes are not positive; their absolute value is used, and 1 mm for 0")
        affine = shape_zoom_affine([*shape[:3], 1, 1][:3], spacing, x_flip=True)
        doubts.append(
            "its orientation is not given (the codes of sform and qform are 0); its first axis is assumed to run "
            "to the left"
        )
    kept = fields if qform_code and qform_affine is not None else None
    return Coordinates(affine, sform_code, qform_code, kept, tuple(doubts))


def lps_coordinates(
    direction: np.ndarray, spacing: Sequence[float], origin: Sequence[float], unit: str = "mm", oriented: bool = True
) -> Coordinates:
    """Convert the description of ITK, NRRD and MetaImage: direction, spacing and origin in LPS.

    Args:
        direction: [N, N], one column for each axis of the volume, N up to 3 or more.
        spacing: size of a voxel along each axis.
        origin: centre of the first voxel.
        unit: unit of length of spacing and origin. Defaults to "mm".
        oriented: whether the file states an orientation. Defaults to True.
    """
    doubts = []
    to_mm = _UNIT_NAMES.get(unit.lower())
    if to_mm is None:
        doubts.append(f"its unit of length {unit!r} is unknown; mm is assumed")
    elif to_mm != 1.0:
        doubts.append(f"its unit of length is {unit}, converted to mm")
    if not oriented:
        doubts.append("its orientation is not given; its axes are assumed to run to the left, back and up")
    size = min(3, len(spacing))
    affine = np.eye(4)
    affine[:size, :size] = (np.asarray(direction) * np.asarray(spacing))[:size, :size]
    affine[:size, 3] = np.asarray(origin)[:size]
    affine[:3] *= to_mm or 1.0
    return Coordinates(np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine, 0, 0, None, tuple(doubts))


def largest_distance(one: np.ndarray, other: np.ndarray, shape: Sequence[int]) -> float:
    """Return the largest distance between the positions that two affines give a voxel, mm.

    Args:
        one: [4, 4], voxel to millimetre.
        other: [4, 4], the same.
        shape: size of the volume; only the first three axes count.
    """
    ends = [(0.0, max(float(size) - 1.0, 1.0)) for size in [*shape[:3], 1, 1][:3]]
    corners = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)
    difference = np.asarray(one, dtype=np.float64)[:3] - np.asarray(other, dtype=np.float64)[:3]
    return float(np.linalg.norm(corners @ difference[:, :3].T + difference[:, 3], axis=1).max())


def same_place(one: np.ndarray, other: np.ndarray, shape: Sequence[int]) -> bool:
    """Whether two affines agree to 0.001 mm (or 0.001 voxels if smaller), allowing for NIfTI's float precision.

    Args:
        one: [4, 4], voxel to millimetre.
        other: [4, 4], the same.
        shape: size of the volume.
    """
    smallest = float(np.linalg.norm(np.asarray(one)[:3, :3], axis=0).min())
    rounding = 2e-7 * float(np.abs(one[:3]).max())
    return largest_distance(one, other, shape) <= _SAME_PLACE * min(1.0, smallest) + rounding


def write_coordinates(
    header: nib.Nifti1Header, affine: np.ndarray, shape: Sequence[int], like: Coordinates | None = None
) -> None:
    """Write coordinates into a header, in mm, in the forms that the source uses.

    If the affine equals the source's, both of its forms are kept with their codes. Otherwise the affine is written to
    both, with the source's codes. A quaternion cannot represent shears, so these are written to the sform only. Codes
    of 0 stay 0 as long as the voxel sizes alone give the affine; otherwise the sform gets code 2.

    Args:
        header: header to change.
        affine: [4, 4], voxel to RAS mm.
        shape: size of the volume.
        like: coordinates of the source. Defaults to None (scanner coordinates in both forms).
    """
    sform_code, qform_code = (1, 1) if like is None else (like.sform_code, like.qform_code)
    header["xyzt_units"] = 2
    header["pixdim"][1:4] = nib.affines.voxel_sizes(affine)
    _set_sform(header, affine, sform_code)
    if like is not None and like.qform is not None and same_place(like.affine, affine, shape):
        _set_qform(header, like.qform, qform_code)
    else:
        try:
            header.set_qform(affine, strip_shears=False)
            header["qform_code"] = qform_code
        except HeaderDataError:
            header["qform_code"] = 0
            _set_sform(header, affine, sform_code or qform_code)
    if not same_place(affine, nifti_coordinates(header, shape, "").affine, shape):
        _set_sform(header, affine, 2)


def _set_sform(header: nib.Nifti1Header, affine: np.ndarray, code: int) -> None:
    for row, axis in zip(affine, "xyz", strict=False):
        header[f"srow_{axis}"] = row
    header["sform_code"] = code


def _set_qform(header: nib.Nifti1Header, qform: tuple[float, ...], code: int) -> None:
    header["pixdim"][:4] = qform[:4]
    for name, value in zip("bcd", qform[4:7], strict=True):
        header[f"quatern_{name}"] = value
    for name, value in zip("xyz", qform[7:], strict=True):
        header[f"qoffset_{name}"] = value
    header["qform_code"] = code


def _qform_fields(header: nib.Nifti1Header, shape: Sequence[int], to_mm: float) -> tuple[float, ...]:
    qfac = -1.0 if float(header["pixdim"][0]) < 0 else 1.0
    spacing = [float(size) * to_mm for size in header["pixdim"][1:4]]
    # An axis of one voxel needs no size, and many writers omit it.
    lengths = [*shape[:3], 1, 1][:3]
    spacing = [1.0 if size == 0 and length == 1 else size for size, length in zip(spacing, lengths, strict=True)]
    quaternion = [float(header[f"quatern_{name}"]) for name in "bcd"]
    offset = [float(header[f"qoffset_{name}"]) * to_mm for name in "xyz"]
    return (qfac, *spacing, *quaternion, *offset)


def _affine_of(qform: tuple[float, ...]) -> np.ndarray | None:
    qfac, spacing, quaternion, offset = qform[0], np.array(qform[1:4]), qform[4:7], qform[7:]
    if not np.isfinite(qform).all() or (spacing <= 0).any():
        return None
    # As in NIfTI's reference implementation; nibabel treats a first number below 6e-4 as 0, which moves voxels
    # by up to a tenth of a millimetre.
    first = 1.0 - float(np.dot(quaternion, quaternion))
    if first < -_QUATERNION_EXCESS:
        return None
    rotation = quat2mat([np.sqrt(first) if first >= 1e-7 else 0.0, *quaternion])
    affine = np.eye(4)
    affine[:3, :3] = rotation * spacing * (1.0, 1.0, qfac)
    affine[:3, 3] = offset
    return affine


def _contradictions(
    affine: np.ndarray, qform_affine: np.ndarray | None, fields: tuple[float, ...], shape: Sequence[int]
) -> list[str]:
    sizes = nib.affines.voxel_sizes(affine)
    if not np.isfinite(affine).all():
        return []  # raises an error where it is used
    if qform_affine is not None:
        apart = largest_distance(affine, qform_affine, shape)
        if apart > _TWO_PLACES * sizes.min():
            return [f"its sform and qform place it up to {apart:.3g} mm apart, the sform is used"]
        return []
    spacing = np.array(fields[1:4])
    if (spacing != 0).any() and not np.allclose(spacing, sizes, rtol=_TWO_SIZES, atol=0):
        by_pixdim, by_sform = (" x ".join(f"{size:.4g}" for size in each) for each in (spacing, sizes))
        return [f"its voxel sizes are {by_pixdim} mm by pixdim but {by_sform} mm by the sform, which is used"]
    return []
