from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.ndimage import distance_transform_edt

from .grid import Grid
from .noise import smooth_noise, smoothstep

COURSES = {
    "internal_cerebral_veins": (0.7, [(3, 2, 10), (2, -15, 13), (2, -30, 11), (0, -40, 8)]),
    "straight_sinus": (1.7, [(0, -40, 8), (0, -52, 12), (0, -66, 4), (0, -80, -4), (0, -94, -10)]),
    "basilar_artery": (1.6, [(0, -10, -12), (1, -13, -22), (0, -16, -34), (-2, -22, -46)]),
    "middle_cerebral_artery": (1.2, [(5, 6, -13), (18, 6, -15), (30, 4, -14), (39, 2, -6), (42, -10, 4), (46, -24, 9)]),
    "anterior_cerebral_artery": (0.9, [(5, 6, -13), (2, 16, -10), (2, 34, -4), (2, 40, 10), (2, 30, 26), (2, 8, 34)]),
    "posterior_cerebral_artery": (1.0, [(2, -12, -11), (14, -22, -10), (20, -36, -6), (16, -52, 0), (12, -70, 4)]),
    "transverse_sinus": (2.0, [(0, -98, -10), (25, -92, -17), (44, -72, -23), (54, -50, -28)]),
}
"""Radius in mm and course of the large vessels in template millimetres, one side; both sides are drawn."""

PLEXUS = [(5, 0, 16), (9, -12, 20), (14, -26, 20), (21, -38, 10), (23, -41, 4)]
"""Course of the choroid plexus through a lateral ventricle, template millimetres."""


def add_vessels(
    rng: np.random.Generator, grid: Grid, fractions: dict[str, np.ndarray], points: np.ndarray, mask: np.ndarray
) -> None:
    """Replace tissue (mostly fluid) by vessels, dura and choroid plexus; fractions still sum to 1."""
    depth = distance_transform_edt(mask).astype(np.float32) * grid.voxel
    mirrored = np.stack([np.abs(points[0]), points[1], points[2]])
    fluid = fractions["csf"]
    patchy = smooth_noise(rng, grid, 7.0)

    meander = 1.3 * np.stack([smooth_noise(rng, grid, 5.0) for _ in range(3)])
    vessel = np.zeros_like(fluid)
    for radius, course in COURSES.values():
        distance = _distance_to_course(mirrored + meander, course)
        vessel = np.maximum(vessel, 1.0 - smoothstep(distance, 0.6 * radius, radius + 0.7))
    vessel *= 0.4 + 0.6 * smoothstep(fluid, 0.1, 0.5)
    vessel = np.maximum(vessel, _sagittal_sinus(mirrored, depth) * smoothstep(patchy, -0.9, 0.3))
    vessel = np.maximum(vessel, 0.85 * _pial_vessels(rng, grid, fluid, depth))

    inner = fluid * smoothstep(depth, 14.0, 20.0)
    tuft = 1.0 - smoothstep(_distance_to_course(mirrored, PLEXUS), 0.8, 2.6)
    plexus = tuft * inner * np.clip(0.5 + 0.5 * smooth_noise(rng, grid, 1.8), 0.0, 1.0)

    shell = (1.0 - smoothstep(depth, 0.9, 2.2)) * smoothstep(patchy, 0.0, 1.6) * 0.7
    midline = (1.0 - smoothstep(mirrored[0], 0.5, 1.6)) * (1.0 - smoothstep(depth, 14.0, 26.0))
    falx = midline * smoothstep(fluid, 0.3, 0.8)
    dura = np.maximum(shell, 0.45 * falx * smoothstep(patchy, -1.0, 1.0))

    for name, share in (("dura", dura), ("choroid_plexus", plexus), ("vessel", vessel)):
        replace(fractions, name, share * mask)


def replace(fractions: dict[str, np.ndarray], name: str, share: np.ndarray) -> None:
    """Assign `share` of every voxel to tissue `name`, taken proportionally from all tissues."""
    for other in fractions:
        fractions[other] = fractions[other] * (1.0 - share)
    fractions[name] = fractions.get(name, 0.0) + share


def _sagittal_sinus(mirrored: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """The superior sagittal sinus: midline, at the brain's upper and posterior edge."""
    x, y, z = mirrored
    place = smoothstep(z + 0.25 * np.abs(y + 20.0), 12.0, 20.0)
    return (1.0 - smoothstep(x, 1.4, 3.4)) * (1.0 - smoothstep(depth, 1.5, 5.0)) * place


def _pial_vessels(rng: np.random.Generator, grid: Grid, fluid: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Small vessels: curves where a random sheet crosses the fluid of the sulci."""
    field = smooth_noise(rng, grid, 4.5)
    slope = np.sqrt(sum(g**2 for g in np.gradient(field, grid.voxel))) + 0.02
    sheet = 1.0 - smoothstep(np.abs(field) / slope, 0.3, 1.35)
    present = smoothstep(smooth_noise(rng, grid, 7.0), 0.15, 0.8)
    return sheet * present * smoothstep(fluid, 0.25, 0.7) * (1.0 - smoothstep(depth, 14.0, 22.0))


def _distance_to_course(points: np.ndarray, course: list[tuple[float, ...]]) -> np.ndarray:
    """Distance in mm of every point to a polyline."""
    nearest = np.full(points.shape[1:], 1e3, np.float32)
    corners = np.array(course, np.float32)
    margin = 6.0
    low, high = corners.min(0) - margin, corners.max(0) + margin
    near = np.logical_and.reduce([(p > lo) & (p < hi) for p, lo, hi in zip(points, low, high, strict=True)])
    close = points[:, near]
    best = nearest[near]
    for a, b in pairwise(corners):
        along = np.clip(((close - a[:, None]) * (b - a)[:, None]).sum(0) / ((b - a) ** 2).sum(), 0.0, 1.0)
        best = np.minimum(best, np.sqrt(((close - a[:, None] - along * (b - a)[:, None]) ** 2).sum(0)))
    nearest[near] = best
    return nearest
