"""CorrectBiasd: remove the smooth intensity variation caused by receive coils (N4)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform
from scipy.ndimage import affine_transform

from scripts.data.flags import is_true
from scripts.dicom.packages import require

from .volume import Volume, foreground

WORKING_MM = 4.0
"""Voxel size for estimating the field, which varies over centimetres."""
FITTING_LEVELS = 3
ITERATIONS = 40


def bias_field(volume: Volume) -> np.ndarray:
    """Estimate the bias field by N4 (Tustison et al. 2010).

    Args:
        volume: non-negative; dark voxels count as background.

    Returns:
        float32 [X, Y, Z], mean 1 over the head: the divisor of the volume. All 1 if the volume is empty.
    """
    import itk

    from .rigid import Image, one_thread, to_itk

    coarse = volume.shrunk(WORKING_MM)
    head = foreground(coarse.values) & (coarse.values > 0)
    if not head.any():
        return np.ones(volume.values.shape, dtype=np.float32)
    mask = itk.image_from_array(np.ascontiguousarray(head.astype(np.uint8).transpose(2, 1, 0)))
    image = to_itk(coarse)
    mask.CopyInformation(image)
    with one_thread():
        n4 = itk.N4BiasFieldCorrectionImageFilter[Image, type(mask), Image].New(image, MaskImage=mask)
        n4.SetNumberOfFittingLevels(FITTING_LEVELS)
        n4.SetMaximumNumberOfIterations([ITERATIONS] * FITTING_LEVELS)
        n4.Update()
        log_field = n4.ReconstructBiasField(n4.GetLogBiasFieldControlPointLattice())
    field = np.exp(itk.array_from_image(log_field).transpose(2, 1, 0).astype(np.float64))
    field /= field[head].mean()
    there = np.linalg.inv(coarse.affine) @ volume.affine
    return affine_transform(
        field.astype(np.float32),
        there[:3, :3],
        there[:3, 3],
        output_shape=volume.values.shape,
        order=1,
        mode="nearest",
    )


class CorrectBiasd(Transform):
    """Divide every source in "image" by its bias field.

    Args:
        enabled: whether to correct. Defaults to False: part of the training data were corrected, and scanners also
            correct.
    """

    def __init__(self, enabled: bool | str = False) -> None:
        self.enabled = is_true(enabled)
        if self.enabled:
            require("itk", purpose="bias_correction")

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        """Correct one patient.

        Args:
            data: "image" MetaTensor [N, X, Y, Z].

        Returns:
            new dict with "image" corrected and a line in "preparation"; `data` itself if not enabled.
        """
        if not self.enabled:
            return data
        image = data["image"]
        affine = np.asarray(image.affine, dtype=np.float64)
        plain = image.as_tensor().numpy()
        corrected, spans = np.empty_like(plain), []
        for channel, values in enumerate(plain):
            field = bias_field(Volume(values, affine))
            corrected[channel] = values / field
            head = foreground(values)
            spans.append(np.ptp(np.percentile(field[head], (1, 99))) if head.any() else 0.0)
        changes = ", ".join(f"{span:.0%}" for span in spans)
        note = f"bias field corrected by N4; it changed by {changes} over the head"
        return {
            **data,
            "image": MetaTensor(torch.from_numpy(corrected), meta=dict(image.meta)),
            "preparation": [*data.get("preparation", []), note],
        }
