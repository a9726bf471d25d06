"""A synthetic pair like DWI and ADC, made of T2 and FLAIR, for trials where no diffusion images are at hand."""

from __future__ import annotations

from typing import Any

import torch
from monai.data import MetaTensor
from monai.transforms import Transform

from scripts.data.slices import brain_mask

TISSUE_ADC = 0.8
"""Apparent diffusion coefficient of brain tissue in µm²/ms; adults have 0.7 to 0.9 in white and grey matter."""

WATER_ADC = 3.0
"""That of free water at body temperature in µm²/ms, as in the ventricles."""

B_VALUE = 1.0
"""Diffusion weighting in ms/µm², 1000 s/mm² as in clinical routine."""

DARKEST = 0.1
"""T2 signal, in shares of that of the typical voxel, below which the ratio of two signals is mostly noise."""


class SyntheticDiffusiond(Transform):
    """Turn T2 and FLAIR into a diffusion-weighted image and a map of its apparent diffusion coefficient.

    FLAIR is a T2-weighted image in which free water is nulled. Each image divided by its median in the brain, which is
    that of tissue, what T2 has and FLAIR lacks is therefore free water, of share ``w = (T2 - FLAIR) / T2``, within
    [0, 1]. Two compartments that mix give ``ADC = (1 - w) · 0.8 + w · 3.0`` µm²/ms, and the signal of a spin echo under
    diffusion weighting (Stejskal and Tanner 1965) is ``DWI = T2 · exp(-b · ADC)`` with b = 1 ms/µm². As in a real pair
    ventricles are bright in ADC and dark in DWI, and oedema is bright in both. It has none of the distortion, the
    coarse resolution and the noise of an echo-planar image, and no restricted diffusion: a stand-in for the contrast,
    and **synthetic**.
    """

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        """Make the pair.

        Args:
            data: "image" (2, X, Y, Z): T2 and FLAIR in any units, black outside the brain.

        Returns:
            new dict with "image" (2, X, Y, Z): DWI in shares of the median T2 signal, and ADC in µm²/ms; 0 outside.
        """
        image = data["image"]
        plain = image.as_tensor() if isinstance(image, MetaTensor) else image
        inside = brain_mask(plain)[0]
        t2, flair = (volume / volume[inside].median().clamp_min(torch.finfo(volume.dtype).tiny) for volume in plain)
        water = ((t2 - flair) / t2.clamp_min(DARKEST)).clamp(0.0, 1.0)
        adc = TISSUE_ADC + (WATER_ADC - TISSUE_ADC) * water
        pair = torch.stack((t2.clamp_min(0.0) * torch.exp(-B_VALUE * adc), adc)) * inside
        return {**data, "image": MetaTensor(pair, meta=dict(image.meta)) if isinstance(image, MetaTensor) else pair}
