"""Store a map of real numbers in 16 bits, with one rescale for the whole series and its unit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pydicom import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.valuerep import DSfloat

from scripts.outputs.levels import to_levels
from scripts.outputs.slice_choice import grey_window

Unit = tuple[str, str]
"""Code of UCUM, and what it means."""
ARBITRARY: Unit = ("[arb'U]", "arbitrary unit")
PARTS_PER_THOUSAND: Unit = ("[ppth]", "parts per thousand")
HOUNSFIELD: Unit = ("[hnsf'U]", "Hounsfield unit")
UNIT_OF_RESCALE = {"HU": HOUNSFIELD, "HU_MOD": HOUNSFIELD, "PCT": ("%", "percent")}
"""Unit by the Rescale Type of a source. The numbers of magnetic resonance images have no other unit than their own."""


class MapPixels(NamedTuple):
    """Stored numbers of a map: value = slope × number.

    Args:
        stored: int16 or uint16 [X, Y, Z]; 0 is exactly 0.
        slope: of all slices, as a header writes it in 16 characters.
        window: values to draw black and white.
    """

    stored: np.ndarray
    slope: float
    window: tuple[float, float]


def map_pixels(values: np.ndarray) -> MapPixels:
    """Round a map to 16 bits between its extremes.

    All slices share the slope, because many programs read that of the first slice only; the error of rounding is at
    most half of it. Signed numbers are used only where values are negative.

    Args:
        values: [X, Y, Z], finite.
    """
    signed = bool((values < 0).any())
    limits = np.iinfo(np.int16 if signed else np.uint16)
    largest = float(np.abs(values).max())
    # a hair more, so that the largest value does not leave the range when the slope is rounded
    exact = largest * (1 + 1e-8) / limits.max if largest > 0 else 1.0
    slope = float(str(DSfloat(exact, auto_format=True)))
    stored = np.empty(values.shape, limits.dtype)
    for k in range(values.shape[2]):
        stored[:, :, k] = to_levels(values[:, :, k], slope, 0.0, limits.min, limits.max)
    return MapPixels(stored, slope, (0.0, max(grey_window(values.clip(min=0.0))[1], slope)))


def real_world_values(pixels: MapPixels, label: str, explanation: str, unit: Unit) -> Items:
    """Return the sequence that declares what the stored numbers mean, in the same units as the rescale.

    Args:
        pixels: the map.
        label: at most 16 characters.
        explanation: at most 64 characters.
        unit: of the values.
    """
    code = Dataset()
    code.CodeValue, code.CodeMeaning = unit
    code.CodingSchemeDesignator = "UCUM"
    item = Dataset()
    item.LUTExplanation = explanation
    item.LUTLabel = label
    item.MeasurementUnitsCodeSequence = Items([code])
    limits = np.iinfo(pixels.stored.dtype)
    vr = "SS" if limits.min < 0 else "US"
    item.add_new("RealWorldValueFirstValueMapped", vr, int(limits.min))
    item.add_new("RealWorldValueLastValueMapped", vr, int(limits.max))
    item.RealWorldValueIntercept = 0.0
    item.RealWorldValueSlope = pixels.slope
    return Items([item])
