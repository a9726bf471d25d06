"""LoadImageSet: read a fused image, its sources and its decomposed images in a common range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from monai.data import MetaTensor
from monai.transforms import Transform

from scripts.data.errors import BadInputError
from scripts.data.grey_volume import GreyVolume, read_grey_volume
from scripts.data.nifti import TOOL_HINT, check_same_affine
from scripts.outputs.pictures import has_sidecar, picture_sidecar
from scripts.outputs.sidecar import is_sidecar, read_sidecar, sidecar_of
from scripts.outputs.volumes import PLAUSIBLE, full_scale

from .normalize import MODES, IntensityScale, normalize_by, normalize_slices, normalize_volume
from .slicing import slice_axis as through_plane_axis

NORMALISATIONS = ("auto", "none", *MODES)
RANGES = ("auto", "minmax")
UNITS = ("source", "unit")


class LoadImageSet(Transform):
    """Read the images of a record of `find_image_sets`, scaled and clipped to [0, 1] for comparison.

    The *fused image* is scaled to [0, 1] by `value_range`:

    - "auto": by the range of the type for PNG and integers (255 or 65535 is 1; a NIfTI file of integers without values
      above 255 counts as 8 bits); a NIfTI file's scale factor is applied, and floating point must be in [0, 1] already;
    - "minmax": each slice by its own minimum and maximum;
    - [low, high]: the values of 0 and 1, in the units of the file.

    The *sources* are scaled as they were for fusion, by `normalisation`:

    - "auto": as in the sidecar of an image fused by this bundle; otherwise PNG and uint8 by "none", others by "slice";
    - "none": in the same units as the fused image, by `value_range`;
    - "slice": each slice by its own minimum and maximum;
    - "volume": each volume by percentiles of its foreground, see `normalize_volume`.

    The *decomposed images* are in the units of the sources, as written by this bundle, and are scaled like these; with
    `decomposed_units` "unit" they are in the units of the fused image.

    Args:
        normalisation: see above. Defaults to "auto".
        value_range: see above. Defaults to "auto".
        decomposed_units: "source" or "unit", see above. Defaults to "source".
        slice_axis: axis along which the slices are taken, 0, 1 or 2. Defaults to None: from the sidecar, an axis of one
            voxel, the affine (see `scripts.transforms.slicing.slice_axis`), or else the last axis.
    """

    def __init__(
        self,
        normalisation: str = "auto",
        value_range: str | Sequence[float] = "auto",
        decomposed_units: str = "source",
        slice_axis: int | None = None,
    ) -> None:
        if normalisation not in NORMALISATIONS:
            raise BadInputError(f"the normalisation is '{normalisation}', expected one of {', '.join(NORMALISATIONS)}.")
        if decomposed_units not in UNITS:
            raise BadInputError(f"decomposed_units is '{decomposed_units}', expected one of {', '.join(UNITS)}.")
        if slice_axis not in (None, 0, 1, 2):
            raise BadInputError(f"slice_axis is {slice_axis!r}, expected 0, 1, 2 or null.")
        if value_range not in RANGES and not _ascends(value_range):
            raise BadInputError(
                f"value_range is {value_range!r}, expected {', '.join(RANGES)}, or the values of 0 and 1, such as [0, "
                "255]."
            )
        self.normalisation = normalisation
        self.value_range = value_range
        self.decomposed_units = decomposed_units
        self.slice_axis = slice_axis

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Read one fused image with its sources and decomposed images.

        Args:
            data: a record of `find_image_sets`.

        Returns:
            "patient", "source_names", "fused" [1, X, Y, Z], "sources" [N, X, Y, Z] and "decomposed" [N, X, Y, Z] or
            None, all float32 in [0, 1]; "slice_axis"; "normalisation" that was applied; and "coloured", the files of
            which only the luminance is used.

        Raises:
            BadInputError: the record has a "problem", a file cannot be used, or files do not fit together.
        """
        if "problem" in data:
            raise BadInputError(data["problem"])
        channels = data.get("channels", {})
        fused = read_grey_volume(data["fused"])
        sources = [read_grey_volume(path, channels.get(name)) for name, path in data["sources"].items()]
        decomposed = [read_grey_volume(path) for path in data["decomposed"].values()]
        files = [fused, *sources, *decomposed]
        affine = _check_together(files)
        sidecar = _own_sidecar(fused)
        axis = self._axis(tuple(fused.values.shape), affine, sidecar)
        mode = self._mode(sources, sidecar)
        normalised, scale = self._normalised(sources, mode, axis)
        return {
            "patient": data["patient"],
            "source_names": list(data["sources"]),
            "fused": self._in_range([fused], axis).clamp_(0.0, 1.0),
            "sources": normalised.clamp_(0.0, 1.0),
            "decomposed": self._estimates(decomposed, scale, axis).clamp_(0.0, 1.0) if decomposed else None,
            "slice_axis": axis,
            "normalisation": mode,
            "coloured": [file.path for file in files if file.coloured],
        }

    def _axis(self, shape: tuple[int, ...], affine: torch.Tensor | None, sidecar: Mapping[str, Any] | None) -> int:
        if self.slice_axis is not None:
            return self.slice_axis
        if sidecar is not None:
            return sidecar["IntensityScale"]["slice_axis"]
        if shape.count(1) == 1:
            return shape.index(1)
        return len(shape) - 1 if affine is None else through_plane_axis(affine)

    def _mode(self, sources: Sequence[GreyVolume], sidecar: Mapping[str, Any] | None) -> str:
        if self.normalisation != "auto":
            return self.normalisation
        if sidecar is not None and sidecar["IntensityScale"]["mode"] in MODES:
            return sidecar["IntensityScale"]["mode"]
        as_they_are = all(source.is_picture or source.dtype == "uint8" for source in sources)
        return "none" if as_they_are else "slice"

    def _normalised(
        self, sources: Sequence[GreyVolume], mode: str, axis: int
    ) -> tuple[torch.Tensor, IntensityScale | None]:
        if mode == "none":
            return self._in_range(sources, axis), None
        stacked = torch.stack([source.values for source in sources])
        return (normalize_slices if mode == "slice" else normalize_volume)(stacked, axis)

    def _estimates(self, decomposed: Sequence[GreyVolume], scale: IntensityScale | None, axis: int) -> torch.Tensor:
        if scale is None or self.decomposed_units == "unit":
            return self._in_range(decomposed, axis)
        for file, factors in zip(decomposed, scale["factor"], strict=True):
            highest = float(file.values.max())
            if highest <= PLAUSIBLE[1] and max(factors) > 10 * PLAUSIBLE[1]:
                raise BadInputError(
                    f"{file.path} has values up to {highest:g}, but its source spans {max(factors):g}: it seems to be "
                    "in [0, 1] and not in the units of its source. If so, use --decomposed_units unit."
                )
        return normalize_by(torch.stack([file.values for file in decomposed]), scale)

    def _in_range(self, files: Sequence[GreyVolume], axis: int) -> torch.Tensor:
        if self.value_range == "minmax":
            return normalize_slices(torch.stack([file.values for file in files]), axis)[0]
        return torch.stack([self._one_in_range(file) for file in files])

    def _one_in_range(self, file: GreyVolume) -> torch.Tensor:
        if self.value_range != "auto":
            low, high = (float(bound) for bound in self.value_range)
            return (file.values * file.levels - low) / (high - low)
        if file.is_picture:
            return file.values
        low, high = (float(bound) for bound in file.values.aminmax())
        one = 1.0 if file.dtype is None else full_scale(file.dtype, int(high))
        if one is None or low < PLAUSIBLE[0] * one or high > PLAUSIBLE[1] * one:
            raise BadInputError(
                f"{file.path} has values from {low:g} to {high:g}, so the values of 0 and 1 are unknown. Give them by "
                '--value_range, for instance "[0, 255]", or minmax. If it is a source, scale it by --normalisation '
                "slice or volume."
            )
        return file.values / one


def _ascends(value_range: Any) -> bool:
    try:
        low, high = (float(bound) for bound in value_range)
    except (TypeError, ValueError):
        return False
    return low < high


def _check_together(files: Sequence[GreyVolume]) -> torch.Tensor | None:
    """Check that images are on the same grid; return the affine if one is known."""
    first = files[0]
    for file in files[1:]:
        if file.is_picture != first.is_picture:
            raise BadInputError(
                f"{first.path} and {file.path} have different formats, so their alignment is unknown. "
                "Convert one of them."
            )
        if file.values.shape != first.values.shape:
            raise BadInputError(
                f"the images have different sizes: {_size(first)} in {first.path}, {_size(file)} in {file.path}. "
                f"{TOOL_HINT}"
            )
    placed = [file for file in files if file.affine is not None]
    for file in placed[1:]:
        one, other = (MetaTensor(each.values, affine=each.affine) for each in (placed[0], file))
        check_same_affine(one, placed[0].path, other, file.path)
    return placed[0].affine if placed else None


def _size(file: GreyVolume) -> str:
    height, width, *_ = file.values.shape
    return f"{width} x {height}" if file.is_picture else " x ".join(str(n) for n in file.values.shape)


def _own_sidecar(fused: GreyVolume) -> dict[str, Any] | None:
    """Return the sidecar written by this bundle for a fused image; other programs' JSON files are ignored.

    Raises:
        BadInputError: the sidecar is damaged or was changed.
    """
    if fused.is_picture:
        return picture_sidecar(fused.path) if has_sidecar(fused.path) else None
    beside = sidecar_of(fused.path)
    return read_sidecar(beside) if is_sidecar(beside) else None
