"""StripSkulld: remove everything but the brain, as in the training data."""

from __future__ import annotations

import logging
from typing import Any

import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform
from scipy.ndimage import binary_fill_holes, distance_transform_edt, label

from scripts.data.errors import BadInputError
from scripts.data.flags import is_true
from scripts.dicom.packages import require

from .volume import Volume, foreground

AUTO = "auto"
FLAT_SHARE = 0.9
"""Share of voxels outside the head with the same value above which the volume counts as masked."""
LARGEST_BRAIN = 2.1
"""Largest volume of a brain with its fluid, litres."""
DARK_RING = 0.3
"""Share of the brain's brightness below which a layer under the surface is bone."""
RING_MM = (3.0, 12.0)
"""Depth of bone below the surface, mm."""
SMALLEST_BRAIN = 0.3
"""Smallest plausible volume of a brain mask, litres."""
T1_LIKE = ("t1gd", "t1")
"""Sources in order of preference for deepbet, which was trained on T1-weighted images."""


def is_stripped(volume: Volume) -> bool:
    """Whether a volume shows a brain without the skull.

    It does if everything outside the head has one value, as after masking, if the head is not larger than a brain, and
    if there is no dark layer of bone below the surface.
    """
    values = volume.values
    head = _largest(binary_fill_holes(foreground(values)))
    if not head.any() or head.all():
        return False
    flat = float((values[~head] == values.min()).mean())
    litres = float(head.sum() * np.prod(volume.spacing)) / 1e6
    return flat >= FLAT_SHARE and litres <= LARGEST_BRAIN and _ring(volume) >= DARK_RING


def brain_mask(volume: Volume) -> np.ndarray:
    """Segment the brain with deepbet (Fisch et al. 2024).

    Args:
        volume: T1-weighted for the best result.

    Returns:
        bool [X, Y, Z].

    Raises:
        BadInputError: the package is missing, or no brain is found.
    """
    require("deepbet", purpose="skull_stripping")
    from deepbet import BrainExtraction

    image = nib.Nifti1Image(np.asarray(volume.values, dtype=np.float32), volume.affine)
    try:
        _, mask, _ = BrainExtraction(no_gpu=True).run(image)
    except (AssertionError, ValueError, RuntimeError) as error:
        raise BadInputError(
            f"deepbet finds no brain ({error}). Check that the image shows a head and that its orientation is right, "
            "or strip it with another tool and use --skull_stripping false."
        ) from error
    return np.asarray(mask.dataobj) > 0


class StripSkulld(Transform):
    """Set everything but the brain to 0 in "image", with the same mask for all sources.

    Args:
        enabled: "auto" strips if a skull is detected, true always, false never. Defaults to "auto".
    """

    def __init__(self, enabled: bool | str = AUTO) -> None:
        try:
            self.enabled = AUTO if str(enabled).lower() == AUTO else is_true(enabled)
        except BadInputError as error:
            raise BadInputError(f"skull_stripping is '{enabled}', expected auto, true or false.") from error
        if self.enabled is True:
            require("deepbet", purpose="skull_stripping")
        self.logger = logging.getLogger(__name__)

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        """Strip one patient.

        Args:
            data: "image" MetaTensor [N, X, Y, Z] on one grid; "volumes" {source: …} in the order of the channels.

        Returns:
            new dict with "image", unchanged if already stripped, and a line in "preparation".

        Raises:
            BadInputError: stripping is needed and deepbet is missing, or no brain is found.
        """
        if self.enabled is False:
            return data
        image = data["image"]
        affine = np.asarray(image.affine, dtype=np.float64)
        plain = image.as_tensor().numpy()
        sources = list(data.get("volumes", []))
        stripped = [is_stripped(Volume(values, affine)) for values in plain]
        if self.enabled == AUTO and all(stripped):
            return self._noted(data, "skulls were stripped already", image)
        if self.enabled == AUTO and any(stripped):
            # One source is stripped already: use its mask for the others.
            mask = np.zeros(plain.shape[1:], dtype=bool)
            for values in plain[np.asarray(stripped)]:
                mask |= values > values.min()
            mask, note = binary_fill_holes(mask), "skull stripped by the mask of the source that was stripped already"
        else:
            chosen = next((i for i, source in enumerate(sources) if source in T1_LIKE), 0)
            mask = brain_mask(Volume(plain[chosen], affine))
            note = "skull stripped by deepbet" + (f" on {sources[chosen]}" if sources else "")
        litres = float(mask.sum() * abs(np.linalg.det(affine[:3, :3]))) / 1e6
        note = f"{note}; {litres:.2f} litres remain"
        if litres < SMALLEST_BRAIN or litres > LARGEST_BRAIN:
            unusual = f"{note}, which is unusual for a brain. Look at the result."
            self.logger.warning(f"{data.get('patient')}: {unusual}")
            data = {**data, "warnings": [*data.get("warnings", []), unusual]}
        # In images with negative values, 0 may be a value of the brain.
        lowest = np.minimum(plain.min(axis=(1, 2, 3), keepdims=True), 0)
        kept = torch.from_numpy(np.where(mask, plain, lowest))
        return self._noted(data, note, MetaTensor(kept, meta=dict(image.meta)))

    def _noted(self, data: dict[str, Any], note: str, image: MetaTensor) -> dict[str, Any]:
        self.logger.info(f"{data.get('patient')}: {note}.")
        return {**data, "image": image, "preparation": [*data.get("preparation", []), note]}


def _largest(mask: np.ndarray) -> np.ndarray:
    labels, count = label(mask)
    if count == 0:
        return mask
    return labels == 1 + int(np.bincount(labels.ravel())[1:].argmax())


def _ring(volume: Volume) -> float:
    """Return the brightness of the darkest layer below the surface, relative to the centre of the head."""
    coarse = volume.shrunk(2.0)
    head = _largest(binary_fill_holes(foreground(coarse.values)))
    # The edge of the field of view is not a surface.
    depth = distance_transform_edt(np.pad(head, 1, mode="edge"), sampling=coarse.spacing)[1:-1, 1:-1, 1:-1]
    values = coarse.values - coarse.values.min()
    middle = float(np.median(values[depth > 0.6 * depth.max()]))
    layers = [values[(depth > start) & (depth <= start + 3.0)] for start in np.arange(*RING_MM, 1.5)]
    return min((float(np.median(layer)) for layer in layers if layer.size), default=0.0) / max(middle, 1e-6)
