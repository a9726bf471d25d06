"""Volumes as text in a page: NIfTI, compressed, in as few grey levels as they need or are granted."""

from __future__ import annotations

import base64
import gzip
from dataclasses import dataclass

import nibabel as nib
import numpy as np

from scripts.outputs.levels import to_levels

DEEPEST = 16
"""Bits of a voxel, at most."""


@dataclass(frozen=True)
class EncodedVolume:
    """A volume as text.

    Args:
        text: gzip-compressed NIfTI-1 in base64.
        step: distance of the grey levels, where values were rounded to them; None where they are stored as they were.
        low: lowest value stored.
        high: highest value stored.
    """

    text: str
    step: float | None
    low: float
    high: float


def encode(volume: np.ndarray, affine: np.ndarray, bits: int = DEEPEST, levels: int | None = None) -> EncodedVolume:
    """Write a volume as text.

    Whole numbers are stored as they are where their range allows. Others are rounded to levels between their lowest
    and highest value; 0, the background, stays 0.

    Args:
        volume: [X, Y, Z]; NaN and Inf become 0.
        affine: [4, 4], voxel to millimetre.
        bits: of a voxel: 2 ** bits levels at most, up to 16. Defaults to 16.
        levels: the values are multiples of 1 / `levels`, up to rounding. Defaults to None (not known).
    """
    values = np.nan_to_num(np.asarray(volume, dtype=np.float32), posinf=0.0, neginf=0.0)
    stored, slope, offset, exact = _levels(values, bits, levels)
    image = nib.Nifti1Image(stored, affine)
    image.header.set_data_dtype(stored.dtype)
    image.header.set_slope_inter(slope, offset)
    image.header.set_xyzt_units("mm")
    packed = gzip.compress(image.to_bytes(), compresslevel=6, mtime=0)
    ends = (float(stored.min()) * slope + offset, float(stored.max()) * slope + offset)
    return EncodedVolume(base64.b64encode(packed).decode("ascii"), None if exact else slope, *ends)


def encode_mask(mask: np.ndarray, affine: np.ndarray) -> EncodedVolume:
    """Write where a mask is above 0 as text."""
    return encode((np.asarray(mask) > 0).astype(np.float32), affine, bits=8)


def encode_labels(labels: np.ndarray, affine: np.ndarray) -> EncodedVolume:
    """Write labels from 0 to 255 as text, as they are."""
    return encode(np.asarray(labels, dtype=np.float32), affine, bits=8)


def _levels(values: np.ndarray, bits: int, levels: int | None) -> tuple[np.ndarray, float, float, bool]:
    """Return what to store, slope and offset that lead back from it, and whether nothing is lost."""
    low, high = float(values.min()), float(values.max())
    most = 2**bits - 1
    if levels is not None and levels <= most and low >= 0 and high <= 1:
        stored = np.rint(values * np.float32(levels)).astype(_type(0, levels))
        return stored, 1 / levels, 0.0, bool(np.abs(stored / np.float32(levels) - values).max() < 1e-6)
    if high - low <= most and np.array_equal(values, np.rint(values)):
        kind = _type(low, high)
        if kind is not None:
            return values.astype(kind), 1.0, 0.0, True
        return (values - np.float32(low)).astype(np.uint16), 1.0, low, True
    # one level less, so that 0 can be made a level
    slope = (high - low) / (most - 1) if high > low else 1.0
    offset = np.floor(low / slope) * slope if low < 0 < high else low
    stored = to_levels(values, slope, offset, 0, most)
    return stored.astype(_type(0, most)), slope, float(offset), False


def _type(low: float, high: float) -> type[np.integer] | None:
    """Return the smallest type that holds whole numbers of a range; None where no small one does."""
    for kind in (np.uint8, np.int16, np.uint16):
        limits = np.iinfo(kind)
        if limits.min <= low and high <= limits.max:
            return kind
    return None
