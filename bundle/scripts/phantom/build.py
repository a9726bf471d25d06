from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .acquisition import bias_field, point_spread, rician_noise, thick_slices
from .anatomy import healthy_tissue
from .deformation import individual_points, mass_effect, pull
from .glioma import SEG_LABELS, add_glioma, draw_glioma
from .grid import FIELD_OF_VIEW, Grid
from .noise import smooth_noise
from .templates import load_templates
from .tissues import TISSUES, flair_signal, t1gd_signal
from .vessels import add_vessels

UNITS = {"t1gd": 480.0, "flair": 300.0}
"""Grey value of undisturbed white matter."""


class Phantom(NamedTuple):
    """A digital brain phantom, not a patient; all volumes int16 [X, Y, Z] in LPS order, background exactly 0.

    Args:
        t1gd: T1-weighted with contrast agent.
        flair: FLAIR.
        seg: BraTS 2018 labels: 1 necrotic or non-enhancing, 2 oedema, 4 enhancing.
        tissue: number of the tissue that fills most of the voxel (`TISSUES`), 0 background.
        affine: voxel to RAS+ millimetres.
    """

    t1gd: np.ndarray
    flair: np.ndarray
    seg: np.ndarray
    tissue: np.ndarray
    affine: np.ndarray


def build_phantom(
    seed: int = 2018,
    *,
    voxel: float = 1.0,
    slice_factor: int = 3,
    tumour: bool = True,
    noise: float = 0.03,
    bias: float = 0.05,
) -> Phantom:
    """Build the phantom of one seed: anatomy, tumour, and simulated images.

    Args:
        seed: determines head, tumour and noise; the same seed gives the same arrays.
        voxel: edge of the isotropic voxels that tissue is drawn on and in-plane voxel size, mm; 240, 240 and 156 must
            be multiples of it. Defaults to 1.0 (240×240 in plane); 3.0 or 4.0 is small and fast, without sulci.
        slice_factor: slices are this many voxels thick. Defaults to 3.
        tumour: add a glioma. Defaults to True.
        noise: standard deviation of the noise relative to white matter. Defaults to 0.03.
        bias: relative standard deviation of the residual bias field. Defaults to 0.05.

    Returns:
        the phantom; 240×240×52 voxels of 1×1×3 mm by default.

    Raises:
        ValueError: the frame does not divide into such voxels and slices.
    """
    layers = FIELD_OF_VIEW[2] / voxel
    if any(extent % voxel for extent in FIELD_OF_VIEW) or layers % slice_factor:
        raise ValueError(
            f"a frame of {FIELD_OF_VIEW} mm does not divide into voxels of {voxel} mm and slices of {slice_factor} "
            "voxels: choose voxel from 1, 2, 3, 4 and slice_factor so that it divides 156 / voxel"
        )
    shape_rng, tumour_rng, vessel_rng, scan_rng = np.random.default_rng(seed).spawn(4)
    grid = Grid.around_brain(voxel)
    templates = load_templates()

    points = individual_points(shape_rng, grid)
    if tumour:
        glioma = draw_glioma(tumour_rng, grid, points)
        brain = templates.sample(points)[0] > 0.26
        points = pull(points, grid, mass_effect(grid, glioma.centre, glioma.radius, glioma.push, brain))
    fractions, mask = healthy_tissue(shape_rng, grid, templates, points)
    add_vessels(vessel_rng, grid, fractions, points, mask)
    if tumour:
        add_glioma(tumour_rng, grid, fractions, points, mask, glioma)

    slices = {name: thick_slices(fraction, slice_factor) for name, fraction in fractions.items()}
    inside = thick_slices(mask.astype(np.float32), slice_factor) >= 0.5
    names = list(slices)
    most = np.stack([slices[name] for name in names]).argmax(0)
    tissue = np.array([TISSUES[name].label for name in names], np.int16)[most] * inside
    seg = np.array([SEG_LABELS.get(name, 0) for name in names], np.int16)[most] * inside

    images = {}
    for contrast, signal, blur, grain in (("t1gd", t1gd_signal, 0.42, 0.020), ("flair", flair_signal, 0.52, 0.022)):
        reference = signal(TISSUES["white_matter"])
        volume = sum(signal(TISSUES[name]) / reference * fraction for name, fraction in fractions.items())
        for length in (1.4, 4.0):
            volume = volume * (1.0 + grain * smooth_noise(scan_rng, grid, length))
        volume = volume * bias_field(scan_rng, grid, bias)
        volume = point_spread(thick_slices(volume, slice_factor), blur / voxel)
        volume = rician_noise(scan_rng, volume, noise if contrast == "t1gd" else 1.2 * noise)
        images[contrast] = np.clip(np.rint(UNITS[contrast] * volume), 1, 32767).astype(np.int16) * inside

    affine = np.diag([-voxel, -voxel, voxel * slice_factor, 1.0])
    affine[1, 3] = FIELD_OF_VIEW[1] - voxel
    affine[2, 3] = 0.5 * voxel * (slice_factor - 1)
    volumes = [_in_frame(volume, grid, slice_factor) for volume in (images["t1gd"], images["flair"], seg, tissue)]
    return Phantom(*volumes, affine=affine)


def _in_frame(volume: np.ndarray, grid: Grid, slice_factor: int) -> np.ndarray:
    """Put the box around the brain into the whole BraTS frame."""
    voxels = [round(extent / grid.voxel) for extent in FIELD_OF_VIEW]
    frame = np.zeros((*voxels[:2], voxels[2] // slice_factor), np.int16)
    i, j = (round(start / grid.voxel) for start in grid.start[:2])
    frame[i : i + volume.shape[0], j : j + volume.shape[1]] = volume
    return frame
