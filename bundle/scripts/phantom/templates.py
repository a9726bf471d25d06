from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.ndimage import map_coordinates


class Templates(NamedTuple):
    """The ICBM 2009a maps of nilearn's wheel, [197, 233, 189] at 1 mm, RAS+.

    Args:
        t1: T1 template, 0 outside the brain; CSF about 0.3, grey matter 0.65, white matter 0.87.
        grey: probability of grey matter, 0 to 1.
        white: probability of white matter, 0 to 1.
        origin: template millimetres of the voxel (0, 0, 0).
    """

    t1: np.ndarray
    grey: np.ndarray
    white: np.ndarray
    origin: np.ndarray

    def sample(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """T1, grey and white matter at template millimetres `points` [3, ...], linearly interpolated."""
        index = points - self.origin.reshape(3, *[1] * (points.ndim - 1))
        t1, grey, white = (
            map_coordinates(volume, index, order=1, mode="constant") for volume in (self.t1, self.grey, self.white)
        )
        return t1, grey, white


@lru_cache(maxsize=1)
def load_templates() -> Templates:
    """Read the maps from nilearn's wheel; nothing is downloaded.

    Raises:
        ModuleNotFoundError: nilearn is not installed; it is needed to generate phantoms, but not to use one.
    """
    try:
        from nilearn import datasets
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "generating a phantom requires the brain maps in nilearn's wheel: pip install nilearn. "
            "The phantom in bundle/example can be used without it."
        ) from error
    images = [
        load(resolution=1)
        for load in (datasets.load_mni152_template, datasets.load_mni152_gm_template, datasets.load_mni152_wm_template)
    ]
    t1, grey, white = (np.asarray(image.get_fdata(), np.float32) for image in images)
    return Templates(t1 / t1.max(), grey / grey.max(), white / white.max(), images[0].affine[:3, 3])
