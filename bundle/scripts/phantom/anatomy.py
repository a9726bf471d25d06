from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_fill_holes, binary_opening, distance_transform_edt, gaussian_filter, label

from .grid import Grid
from .noise import smooth_noise, smoothstep
from .templates import Templates

T1_CSF, T1_GREY, T1_WHITE = 0.31, 0.645, 0.875
"""Grey values of the T1 template in pure tissue."""


def healthy_tissue(
    rng: np.random.Generator, grid: Grid, templates: Templates, points: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Volume fractions of the healthy tissues of one head.

    The template is an average: its cortex is blurred. Here sulci are reopened along the template's dark sheets, further
    ones are added along the zero sheets of a random field, and the cortex is laid around them as a ribbon.

    Args:
        rng: random generator for the folds of this head.
        grid: voxels.
        templates: ICBM maps.
        points: template millimetres of each voxel, [3, *grid.shape].

    Returns:
        fractions by tissue name (each [*grid.shape], 0 to 1, summing to 1 in the brain), and the brain mask.
    """
    t1, grey, white = templates.sample(points)
    mask = _brain_mask(t1)
    depth = distance_transform_edt(mask).astype(np.float32) * grid.voxel
    deep = _deep_region(points)
    cerebellum = _cerebellum(points)

    csf = _fluid(t1, grey, white, mask)
    sulci = _sulci(rng, grid, t1, depth, deep, cerebellum, mask)
    folia = _folia(rng, grid, points, depth) * cerebellum * (1.0 - deep)
    csf = np.maximum(csf, np.maximum(sulci, folia))
    # skull stripping removes the fluid at the surface and leaves notches at the sulci
    mask = _largest(mask & ~((csf > 0.55) & (depth < 3.0)))
    csf = csf * mask

    ribbon = _ribbon(rng, grid, csf, mask, grey, white, deep, cerebellum)
    tissue = (1.0 - csf) * mask
    fractions = {"csf": csf, "grey_matter": tissue * ribbon, "white_matter": tissue * (1.0 - ribbon)}
    _nuclei(fractions, points)
    _gliosis(rng, grid, fractions)
    return fractions, mask


def _brain_mask(t1: np.ndarray) -> np.ndarray:
    """Largest piece of the T1 template's brain, without holes and frayed edges."""
    return binary_fill_holes(_largest(binary_opening(t1 > 0.26, iterations=1)))


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest connected piece of a mask."""
    pieces, _ = label(mask)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return pieces == sizes.argmax()


def _deep_region(points: np.ndarray) -> np.ndarray:
    """1 in the nuclei and the brain stem, which have no cortex, 0 outside."""
    nuclei = _ellipsoid(points, (0.0, -6.0, 4.0), (33.0, 31.0, 22.0))
    stem = _ellipsoid(points, (0.0, -27.0, -30.0), (17.0, 15.0, 34.0))
    callosum = _ellipsoid(points, (0.0, -8.0, 22.0), (13.0, 42.0, 16.0))
    inside = np.minimum(np.minimum(nuclei, stem), callosum)
    return 1.0 - smoothstep(inside, 0.92, 1.12)


def _cerebellum(points: np.ndarray) -> np.ndarray:
    """1 below the tentorium, 0 above."""
    x, y, z = points
    roof = 4.0 - 0.42 * np.abs(x) + 0.36 * np.minimum(y + 52.0, 0.0)
    return smoothstep(roof - z, -2.0, 2.0) * smoothstep(-34.0 - y, -3.0, 3.0)


def _ellipsoid(points: np.ndarray, centre: tuple[float, ...], radii: tuple[float, ...]) -> np.ndarray:
    """Distance from an ellipsoid's centre in units of its radii."""
    return np.sqrt(sum(((p - c) / r) ** 2 for p, c, r in zip(points, centre, radii, strict=True)))


def _fluid(t1: np.ndarray, grey: np.ndarray, white: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Ventricles, cisterns and the wide sulci that the template itself shows dark."""
    dark = smoothstep(T1_GREY - t1, 0.10, 0.21)
    unclaimed = smoothstep(1.0 - grey - white, 0.25, 0.8) * smoothstep(T1_GREY - t1, 0.0, 0.1)
    return np.maximum(dark, unclaimed) * mask


def _sulci(
    rng: np.random.Generator,
    grid: Grid,
    t1: np.ndarray,
    depth: np.ndarray,
    deep: np.ndarray,
    cerebellum: np.ndarray,
    mask: np.ndarray,
) -> np.ndarray:
    """Fluid in sulci, 0 to 1: along dark sheets of the template, and along random ones near the surface."""
    distance, strength = _dark_sheets(t1, 1.3, grid.voxel, mask)
    width = 1.35 - 0.8 * smoothstep(depth, 0.0, 13.0) + 0.2 * smooth_noise(rng, grid, 11.0)
    known = (1.0 - smoothstep(distance, 0.4 * width, 1.35 * width)) * smoothstep(strength, 0.006, 0.022)
    known *= smoothstep(T1_WHITE - t1, 0.06, 0.15)

    reach = 12.0 + 4.5 * smooth_noise(rng, grid, 14.0)
    field = smooth_noise(rng, grid, 5.2)
    slope = np.sqrt(sum(g**2 for g in np.gradient(field, grid.voxel))) + 0.02
    own = (1.0 - smoothstep(np.abs(field) / slope, 0.4 * width, 1.35 * width)) * smoothstep(reach - depth, 0.0, 3.0)
    # a random fold next to one of the template would leave a thin gyrus
    own *= 1.0 - smoothstep(gaussian_filter(known, 3.5 / grid.voxel), 0.19, 0.34)

    open_ = 0.80 + 0.25 * smooth_noise(rng, grid, 8.0)
    sulci = np.maximum(known, own * (1.0 - cerebellum)) * np.clip(open_, 0.2, 1.0) * (1.0 - 0.45 * cerebellum)
    return sulci * (1.0 - deep) * mask


def _folia(rng: np.random.Generator, grid: Grid, points: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Fluid between the folia of the cerebellum: fissures that run from side to side, about 4 mm apart."""
    x, y, z = points
    angle = np.arctan2(z + 24.0 + 0.006 * x**2, -(y + 40.0 + 0.006 * x**2))
    phase = 46.0 * angle + 1.6 * smooth_noise(rng, grid, 7.0)
    width = 0.28 + 0.1 * smooth_noise(rng, grid, 6.0)
    reach = 8.0 + 3.0 * smooth_noise(rng, grid, 9.0)
    return 0.42 * smoothstep(np.cos(phase), 1.0 - 2.0 * width, 1.0) * (1.0 - smoothstep(depth, reach, reach + 4.0))


def _dark_sheets(volume: np.ndarray, sigma: float, voxel: float, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance in mm to the middle of the nearest dark sheet, and how dark it is (largest curvature times sigma²)."""
    filled = np.where(mask, volume, T1_GREY - 0.12).astype(np.float32)
    scale = max(sigma / voxel, 0.7)
    gradient = np.zeros((int(mask.sum()), 3), np.float32)
    hessian = np.zeros((len(gradient), 3, 3), np.float32)
    for i in range(3):
        order = [0, 0, 0]
        order[i] = 1
        gradient[:, i] = gaussian_filter(filled, scale, order=order)[mask]
        for j in range(i, 3):
            order = [0, 0, 0]
            order[i] += 1
            order[j] += 1
            hessian[:, i, j] = hessian[:, j, i] = gaussian_filter(filled, scale, order=order)[mask]
    curvatures, directions = np.linalg.eigh(hessian)
    curvature = np.maximum(curvatures[:, 2], 1e-5)
    step = np.abs((gradient * directions[:, :, 2]).sum(1)) / curvature
    distance = np.full(volume.shape, 1e3, np.float32)
    strength = np.zeros(volume.shape, np.float32)
    distance[mask] = step * voxel
    strength[mask] = curvature * scale**2
    return distance, strength


def _ribbon(
    rng: np.random.Generator,
    grid: Grid,
    csf: np.ndarray,
    mask: np.ndarray,
    grey: np.ndarray,
    white: np.ndarray,
    deep: np.ndarray,
    cerebellum: np.ndarray,
) -> np.ndarray:
    """Share of grey matter in brain tissue: within the cortical thickness of fluid, or certain in the template."""
    share = grey / np.maximum(grey + white, 1e-3)
    pial = (csf > 0.5) | ~mask
    reach = distance_transform_edt(~pial).astype(np.float32) * grid.voxel
    thickness = 2.7 + 0.35 * smooth_noise(rng, grid, 10.0) - 1.2 * cerebellum
    border = 0.16 * smooth_noise(rng, grid, 2.2) + 0.10 * smooth_noise(rng, grid, 5.0)
    score = 5.5 * (share - 0.52) + 0.85 * np.tanh((thickness - reach) / 1.2) + 1.2 * border
    cortex = 1.0 / (1.0 + np.exp(-3.8 * score))
    folia = 1.0 / (1.0 + np.exp(-9.0 * (share - 0.68 + 0.12 * border)))
    core = np.clip(1.25 * (share - 0.5) + 0.5, 0.0, 1.0)
    cortex = cortex * (1.0 - cerebellum) + folia * cerebellum
    return (cortex * (1.0 - deep) + core * deep).astype(np.float32)


def _nuclei(fractions: dict[str, np.ndarray], points: np.ndarray) -> None:
    """Rename grey matter in the nuclei: striatum, thalamus, pallidum."""
    mirrored = points.copy()
    mirrored[0] = np.abs(mirrored[0])
    places = {
        "striatum": (((12.5, 10.0, 8.0), (8.0, 16.0, 18.0)), ((26.5, 3.0, 1.0), (8.5, 19.0, 13.0))),
        "thalamus": (((11.0, -18.0, 8.0), (12.0, 17.0, 11.0)),),
        "pallidum": (((19.0, -3.0, -0.5), (5.5, 9.0, 6.0)),),
    }
    for name, ellipsoids in places.items():
        inside = np.minimum.reduce([_ellipsoid(mirrored, centre, radii) for centre, radii in ellipsoids])
        inside = 1.0 - smoothstep(inside, 0.9, 1.08)
        if name == "pallidum":
            moved = 0.75 * inside * (fractions["white_matter"] + fractions["striatum"] + fractions["grey_matter"])
            for source in ("white_matter", "striatum", "grey_matter"):
                fractions[source] = fractions[source] * (1.0 - 0.75 * inside)
        else:
            moved = inside * fractions["grey_matter"]
            fractions["grey_matter"] = fractions["grey_matter"] - moved
        fractions[name] = moved


def _gliosis(rng: np.random.Generator, grid: Grid, fractions: dict[str, np.ndarray]) -> None:
    """Add water to the white matter at the ventricles and in a few spots, as in most adults."""
    fluid = gaussian_filter(fractions["csf"], 1.2 / grid.voxel)
    ventricles = fluid > 0.7
    beside = np.exp(-distance_transform_edt(~ventricles).astype(np.float32) * grid.voxel / 2.2)
    spots = smoothstep(smooth_noise(rng, grid, 1.7), 3.3, 4.2)
    pure = smoothstep(gaussian_filter(fractions["white_matter"], 2.0 / grid.voxel), 0.6, 0.95)
    share = np.minimum(0.32 * beside + 0.45 * spots * pure, 0.45) * fractions["white_matter"]
    fractions["white_matter"] = fractions["white_matter"] - share
    fractions["oedema"] = share
