from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from .grid import Grid
from .noise import smooth_noise, smoothstep
from .vessels import replace

SITES = [(30.0, 26.0, 22.0), (33.0, -42.0, 26.0), (44.0, -20.0, -10.0), (27.0, -64.0, 14.0), (28.0, 8.0, 34.0)]
"""Points in the white matter of frontal, parietal, temporal and occipital lobe, template mm, right side."""

SEG_LABELS = {"necrosis": 1, "non_enhancing_tumour": 1, "oedema": 2, "enhancing_tumour": 4}
"""BraTS 2018 label of each tissue of the tumour."""


class Glioma(NamedTuple):
    """Position and size: `site` in template mm, `centre` in frame mm (`Grid.points`), `radius` and `push` in mm."""

    site: np.ndarray
    centre: np.ndarray
    radius: float
    push: float


def draw_glioma(rng: np.random.Generator, grid: Grid, points: np.ndarray) -> Glioma:
    """Draw a random position and size."""
    site = np.array(SITES[rng.integers(len(SITES))]) * [rng.choice([-1.0, 1.0]), 1.0, 1.0] + rng.normal(0.0, 2.0, 3)
    nearest = ((points - np.float32(site).reshape(3, 1, 1, 1)) ** 2).sum(0).argmin()
    centre = grid.points().reshape(3, -1)[:, nearest]
    return Glioma(site, centre, float(rng.uniform(15.0, 19.0)), float(rng.uniform(4.5, 7.0)))


def add_glioma(
    rng: np.random.Generator,
    grid: Grid,
    fractions: dict[str, np.ndarray],
    points: np.ndarray,
    mask: np.ndarray,
    glioma: Glioma,
) -> None:
    """Replace healthy tissue by a glioblastoma: necrotic core, enhancing rim, non-enhancing part, oedema.

    Its outline is an ellipsoid warped by noise; oedema spreads from it by diffusion, fast in white matter and slow in
    grey, and does not enter fluid or cross the midline.
    """
    offset = grid.points() - np.float32(glioma.centre).reshape(3, 1, 1, 1)
    side = np.sign(glioma.site[0])
    here = smoothstep(side * points[0], 1.0, 4.0) * mask
    open_fluid = smoothstep(gaussian_filter(fractions["csf"], 1.6 / grid.voxel), 0.45, 0.75)

    warp = 4.2 * smooth_noise(rng, grid, 8.0) + 1.5 * smooth_noise(rng, grid, 4.0) + 0.9 * smooth_noise(rng, grid, 1.8)
    radii = np.float32(rng.uniform(0.85, 1.15, 3)).reshape(3, 1, 1, 1)
    inside = glioma.radius * (1.0 - np.sqrt(((offset / radii / glioma.radius) ** 2).sum(0))) + warp
    lobe_shift = np.float32(rng.normal(0.0, 1.0, 3))
    lobe_shift *= np.float32(0.75 * glioma.radius) / np.linalg.norm(lobe_shift)
    lobe = 0.72 * glioma.radius - np.sqrt(((offset - lobe_shift.reshape(3, 1, 1, 1)) ** 2).sum(0)) + 0.8 * warp

    solid = smoothstep(inside, -0.8, 0.8) * here * (1.0 - open_fluid)
    flat = smoothstep(lobe, -1.5, 1.5) * here * (1.0 - open_fluid)
    rim = 4.6 + 2.6 * smooth_noise(rng, grid, 6.0) + 1.1 * smooth_noise(rng, grid, 2.5)
    core = smoothstep(inside - np.clip(rim, 1.2, None), -1.0, 1.0) * solid

    _efface(fractions, np.exp(-np.maximum(-inside, 0.0) / 11.0), open_fluid)
    whole = np.maximum(solid, flat)
    spread = _spread(grid, whole, fractions, glioma.centre)
    texture = np.clip(0.82 + 0.16 * smooth_noise(rng, grid, 5.0) + 0.08 * smooth_noise(rng, grid, 2.0), 0.0, 1.0)
    white = gaussian_filter(fractions["white_matter"], 0.8 / grid.voxel)
    oedema = smoothstep(spread, 0.10, 0.42) * (0.22 + 0.78 * white) * texture * here * (1.0 - fractions["csf"])

    enhancing = np.clip(0.78 + 0.22 * smooth_noise(rng, grid, 3.0), 0.25, 1.0)
    replace(fractions, "oedema", oedema)
    replace(fractions, "non_enhancing_tumour", flat * np.clip(0.75 + 0.2 * smooth_noise(rng, grid, 3.5), 0.0, 1.0))
    replace(fractions, "non_enhancing_tumour", solid)
    replace(fractions, "enhancing_tumour", solid * enhancing)
    replace(fractions, "necrosis", core * np.clip(0.80 + 0.18 * smooth_noise(rng, grid, 3.5), 0.3, 1.0))


def _efface(fractions: dict[str, np.ndarray], near: np.ndarray, open_fluid: np.ndarray) -> None:
    """Close the sulci next to the tumour by replacing their fluid with cortex."""
    closed = 0.85 * near * (1.0 - open_fluid) * fractions["csf"]
    fractions["csf"] = fractions["csf"] - closed
    fractions["grey_matter"] = fractions["grey_matter"] + closed


def _spread(grid: Grid, source: np.ndarray, fractions: dict[str, np.ndarray], centre: np.ndarray) -> np.ndarray:
    """Oedema fluid that diffused from the tumour, 0 to 1, on voxels of about 2 mm within 64 mm of it."""
    coarse = max(1, round(2.0 / grid.voxel))
    step = coarse * grid.voxel
    distance = np.abs(grid.points() - np.float32(centre).reshape(3, 1, 1, 1)).max(0)
    middle = np.unravel_index(distance.argmin(), source.shape)
    half = int(64.0 / grid.voxel) // coarse * coarse
    box = tuple(slice(max(0, m - half), m + half) for m in middle)
    conduct = (fractions["white_matter"] ** 2 + 0.06 * fractions["grey_matter"])[box]
    conduct = gaussian_filter(conduct, 0.5 * coarse)[::coarse, ::coarse, ::coarse]
    fixed = gaussian_filter(source[box], 0.5 * coarse)[::coarse, ::coarse, ::coarse]
    fluid = fixed.copy()
    between = [np.minimum(*_neighbours(conduct, axis)) for axis in range(3)]
    for _ in range(round(520.0 / step**2)):
        change = np.zeros_like(fluid)
        for axis, passage in enumerate(between):
            low, high = _neighbours(fluid, axis)
            flow = 0.16 * passage * (high - low)
            change[_lower(axis)] += flow
            change[_upper(axis)] -= flow
        fluid = np.maximum(fixed, fluid + change)
    spread = np.zeros_like(source)
    target = source[box].shape
    fine = zoom(fluid, coarse, order=1, grid_mode=False) if coarse > 1 else fluid
    fine = np.pad(fine, [(0, max(0, n - f)) for n, f in zip(target, fine.shape, strict=True)], mode="edge")
    spread[box] = fine[tuple(slice(0, n) for n in target)]
    return np.clip(spread, 0.0, 1.0)


def _lower(axis: int) -> tuple[slice, ...]:
    return tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))


def _upper(axis: int) -> tuple[slice, ...]:
    return tuple(slice(1, None) if a == axis else slice(None) for a in range(3))


def _neighbours(volume: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a volume without its last, and without its first, layer along an axis."""
    return volume[_lower(axis)], volume[_upper(axis)]
