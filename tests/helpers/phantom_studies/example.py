"""Parts of the embedded example, the digital phantom."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np

from scripts import BUNDLE_ROOT

FILES = {"t1gd": "t1ce", "flair": "flair"}
"""What the file of each source is called."""


def middle(name: str, size: Sequence[int], moved: Sequence[int] = (0, 0, 0)) -> tuple[np.ndarray, np.ndarray]:
    """Cut a volume from the middle of the example.

    Args:
        name: "t1ce", "flair" or "seg".
        size: voxels along each axis.
        moved: voxels to move away from the middle. Defaults to none.

    Returns:
        the volume and its affine.
    """
    image = nib.load(Path(BUNDLE_ROOT) / "example" / "phantom-01" / f"phantom-01_{name}.nii.gz")
    corner = [whole // 2 - part // 2 + by for whole, part, by in zip(image.shape, size, moved, strict=True)]
    image = image.slicer[tuple(slice(first, first + part) for first, part in zip(corner, size, strict=True))]
    return np.asarray(image.dataobj, dtype=np.float32), image.affine


def middle_of_sources(size: Sequence[int]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Cut both sources from the middle of the example, by source."""
    return {source: middle(name, size) for source, name in FILES.items()}
