"""NormalizeSourcesd: scale the sources to [0, 1], and keep the scale to restore their units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform

from scripts.data.errors import BadInputError

from .slicing import slice_axis as through_plane_axis

MODES = ("slice", "volume")

IntensityScale = dict[str, Any]
"""{"mode", "slice_axis", "offset": [N][slices or 1], "factor": [N][slices or 1]}, JSON-able:
source = offset + factor * normalised."""


def normalize_slices(image: torch.Tensor, axis: int) -> tuple[torch.Tensor, IntensityScale]:
    """Normalise each slice of each source by its minimum and maximum, as in the paper.

    Args:
        image: [N, X, Y, Z], any intensity range, finite.
        axis: spatial axis along which the slices are taken.

    Returns:
        normalised image in [0, 1] (a constant slice becomes 0), and the scale to restore it.
    """
    across = tuple(dim for dim in (1, 2, 3) if dim != axis + 1)
    low = image.amin(dim=across, keepdim=True)
    factor = image.amax(dim=across, keepdim=True) - low
    return _normalized(image, low, factor), _scale("slice", axis, low, factor)


def normalize_volume(
    image: torch.Tensor, axis: int, lower: float = 0.0, upper: float = 99.9
) -> tuple[torch.Tensor, IntensityScale]:
    """Normalise each source by percentiles of its foreground.

    The foreground is every voxel that is neither 0 nor the source's minimum. Nothing is clipped: values brighter than
    the upper percentile exceed 1.

    Args:
        image: [N, X, Y, Z], any intensity range, finite.
        axis: spatial axis along which the slices are taken; only recorded in the scale.
        lower: percentile of the foreground that becomes 0, in [0, upper). At 0, the default, it
            is the minimum of the whole volume instead, so that nothing is below 0.
        upper: percentile that becomes 1, in (lower, 100]. Defaults to 99.9.

    Returns:
        normalised image, and the scale to restore it.
    """
    lows, highs = [], []
    for volume in image:
        values = volume.detach().cpu().numpy()
        minimum = values.min()
        foreground = values[(values != 0) & (values != minimum)]
        if foreground.size == 0:
            foreground = values.reshape(-1)
        low, high = np.percentile(foreground, (lower, upper))
        low = minimum if lower == 0 else low
        lows.append(float(low))
        # for a foreground of one grey value, fall back to the volume's range
        highs.append(float(high if high > low else values.max()))
    shape = (-1, 1, 1, 1)
    low = torch.tensor(lows, dtype=image.dtype, device=image.device).view(shape)
    high = torch.tensor(highs, dtype=image.dtype, device=image.device).view(shape)
    factor = high - low
    return _normalized(image, low, factor), _scale("volume", axis, low, factor)


def restore_intensity(image: torch.Tensor, intensity_scale: IntensityScale, in_place: bool = False) -> torch.Tensor:
    """Undo the normalisation: offset + factor * image.

    Args:
        image: normalised sources [N, X, Y, Z].
        intensity_scale: scale returned by the normalisation, possibly read from JSON.
        in_place: modify `image` itself to save memory. Defaults to False.

    Returns:
        sources [N, X, Y, Z] in their own intensity units.

    Raises:
        BadInputError: the scale does not fit the image.
    """
    offset, factor = (_expanded(image, intensity_scale, key).to(image.device) for key in ("offset", "factor"))
    return (image if in_place else image.clone()).mul_(factor).add_(offset)


class Restored(Mapping[str, torch.Tensor]):
    """Sources in their own units, computed on access so that only one is in memory at a time.

    Args:
        names: names of the sources, in the order of `image`.
        image: normalised sources [N, X, Y, Z], not modified.
        intensity_scale: scale returned by the normalisation.
    """

    def __init__(self, names: Sequence[str], image: torch.Tensor, intensity_scale: IntensityScale) -> None:
        self._index = {name: i for i, name in enumerate(names)}
        self._image = image
        self._scale = intensity_scale

    def __getitem__(self, name: str) -> torch.Tensor:
        """Return the source [X, Y, Z] of that name."""
        i = self._index[name]
        scale = {**self._scale, **{key: self._scale[key][i : i + 1] for key in ("offset", "factor")}}
        return restore_intensity(self._image[i : i + 1], scale)[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)


def normalize_by(image: torch.Tensor, intensity_scale: IntensityScale) -> torch.Tensor:
    """Normalise images in the sources' own units by a given scale; inverse of `restore_intensity`.

    Args:
        image: [N, X, Y, Z] in the sources' own units, such as decomposed images.
        intensity_scale: scale returned by the normalisation of the sources.

    Returns:
        normalised images [N, X, Y, Z]; 0 where a source is constant and the image equals it.

    Raises:
        BadInputError: the scale does not fit the image.
    """
    offset, factor = (_expanded(image, intensity_scale, key).to(image.device) for key in ("offset", "factor"))
    return _normalized(image, offset, factor)


def _normalized(image: torch.Tensor, low: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    divisor = torch.where(factor > 0, factor, torch.ones_like(factor))
    return (image - low).div_(divisor)


def _scale(mode: str, axis: int, low: torch.Tensor, factor: torch.Tensor) -> IntensityScale:
    sources = low.shape[0]
    return {
        "mode": mode,
        "slice_axis": int(axis),
        "offset": low.reshape(sources, -1).tolist(),
        "factor": factor.reshape(sources, -1).tolist(),
    }


def _expanded(image: torch.Tensor, scale: IntensityScale, key: str) -> torch.Tensor:
    try:
        values = torch.tensor(scale[key], dtype=image.dtype)
        axis = int(scale["slice_axis"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadInputError(
            f'the intensity scale has no usable "{key}" and "slice_axis" ({error}), expected '
            '{"mode", "slice_axis", "offset": [[...]], "factor": [[...]]}.'
        ) from error
    slices = image.shape[axis + 1]
    if image.ndim != 4 or values.ndim != 2 or values.shape[0] != image.shape[0]:
        fits = False
    else:
        fits = values.shape[1] in (1, slices)
    if not fits:
        raise BadInputError(
            f'the intensity scale\'s "{key}" has shape {tuple(values.shape)}, but the image '
            f"{tuple(image.shape)} needs {image.shape[0]} sources x {slices} slices (or 1). Use "
            "the scale that was written with this image."
        )
    shape = [values.shape[0], 1, 1, 1]
    shape[axis + 1] = values.shape[1]
    return values.view(shape)


class NormalizeSourcesd(Transform):
    """Normalise "image" and store the scale under "intensity_scale".

    Args:
        mode: "slice" (min-max of each slice, the paper) or "volume" (percentiles).
            Defaults to "slice".
        slice_axis: spatial axis along which the slices are taken. Defaults to None (determined from the affine by
            `scripts.transforms.slicing.slice_axis`).
        lower: see `normalize_volume`; volume mode only.
        upper: see `normalize_volume`; volume mode only.
    """

    def __init__(
        self,
        mode: str = "slice",
        slice_axis: int | None = None,
        lower: float = 0.0,
        upper: float = 99.9,
    ) -> None:
        if mode not in MODES:
            raise BadInputError(f'the normalisation is "{mode}", expected one of {list(MODES)}.')
        if slice_axis not in (None, 0, 1, 2):
            raise BadInputError(f"slice_axis is {slice_axis}, expected 0, 1, 2 or null.")
        if not 0 <= lower < upper <= 100:
            raise BadInputError(
                f"the percentiles are lower={lower} and upper={upper}, expected 0 <= lower < upper <= 100."
            )
        self.mode = mode
        self.slice_axis = slice_axis
        self.lower = lower
        self.upper = upper

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        """Normalise one patient.

        Args:
            data: "image" MetaTensor [N, X, Y, Z].

        Returns:
            new dict with "image" normalised (MetaTensor, same affine) and "intensity_scale".
        """
        image = data["image"]
        affine = image.affine if isinstance(image, MetaTensor) else torch.eye(4)
        axis = through_plane_axis(affine) if self.slice_axis is None else self.slice_axis
        plain = image.as_tensor() if isinstance(image, MetaTensor) else image
        if self.mode == "slice":
            normalized, scale = normalize_slices(plain, axis)
        else:
            normalized, scale = normalize_volume(plain, axis, self.lower, self.upper)
        if isinstance(image, MetaTensor):
            normalized = MetaTensor(normalized, meta=dict(image.meta))
        return {**data, "image": normalized, "intensity_scale": scale}
