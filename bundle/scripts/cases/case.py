"""A patient's case: what was read, fused, estimated and measured. Results add to it, writers only read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from scripts.data.naming import is_phantom
from scripts.data.pictures import Picture
from scripts.outputs.result_names import ResultNames
from scripts.transforms.normalize import IntensityScale, Restored

if TYPE_CHECKING:
    from typing_extensions import Self

    from scripts.dicom.volume import SeriesVolume


@dataclass(frozen=True, kw_only=True)
class Case:
    """A fused image, the estimates of its sources, and their maps.

    Args:
        patient: name of the patient in folders and logs.
        sources: names of the sources, in the network's order.
        fused: fused image as stored, (1, X, Y, Z).
        decomposed: estimates of the sources, normalised, (N, X, Y, Z).
        scale: leads from normalised values to the sources' own units.
        affine: voxel to millimetre, [4, 4].
        maps: maps by kind, each (N, X, Y, Z). Defaults to none.
        series: DICOM series that were read, by name. Defaults to none.
        record: content of the sidecar of the fused image. Defaults to empty (not written yet).
        named: names of its files. Defaults to None (those of a folder for each patient).
    """

    patient: str
    sources: tuple[str, ...]
    fused: torch.Tensor
    decomposed: torch.Tensor
    scale: IntensityScale
    affine: np.ndarray
    maps: Mapping[str, torch.Tensor] = field(default_factory=dict)
    series: Mapping[str, SeriesVolume] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    named: ResultNames | None = None

    @property
    def names(self) -> ResultNames:
        """Names of its files."""
        return self.named or ResultNames(self.patient)

    @property
    def shown(self) -> torch.Tensor:
        """Fused image (1, X, Y, Z) within [0, 1], as it is displayed and decomposed."""
        low, high = self.fused.aminmax()
        return self.fused if low >= 0 and high <= 1 else self.fused.clamp(0.0, 1.0)

    @property
    def estimates(self) -> Mapping[str, torch.Tensor]:
        """Estimate (X, Y, Z) of each source in its own units."""
        return Restored(self.sources, self.decomposed, self.scale)

    @property
    def phantom(self) -> bool:
        """Whether the images show a digital phantom and not a patient."""
        if not self.series:
            return is_phantom(self.patient)
        from scripts.dicom.source_pixels import is_phantom as header_names_phantom

        return any(header_names_phantom(series.headers[0]) for series in self.series.values())

    def map_by_source(self, kind: str) -> dict[str, torch.Tensor]:
        """Return the map (X, Y, Z) of each source; empty where the case has no map of this kind."""
        return dict(zip(self.sources, self.maps[kind], strict=True)) if kind in self.maps else {}

    def with_map(self, kind: str, volumes: torch.Tensor) -> Self:
        """Return a case with one more map.

        Args:
            kind: what it shows, in a word that can be part of a file name.
            volumes: (N, X, Y, Z).
        """
        return replace(self, maps={**self.maps, kind: volumes})


@dataclass(frozen=True, kw_only=True)
class FusedCase(Case):
    """A case whose sources were read and fused.

    Args:
        image: sources, normalised, (N, X, Y, Z).
        files: file of each source.
        ssim: for "fused" and "decomposed", the SSIM of each slice (rows) with each source (columns); NaN where a slice
            has none.
        dtype: type that the fused image is stored in.
        latent_kind: distribution of the latent that the estimates were drawn with.
        checkpoint: SHA-256 of the weights that fused.
        latent: what the fused image lacks of the sources, (N - 1, X, Y, Z). Defaults to None (not kept).
        seg: segmentation (1, X, Y, Z), above 0 in the lesion. Defaults to None.
        notes: how the sources were prepared: "registration", "preparation", "segmentation" and "warnings". Defaults to
            none.
        measured: results for the sidecar, by key in CamelCase. Defaults to none.
    """

    image: torch.Tensor
    files: Mapping[str, str]
    ssim: Mapping[str, np.ndarray]
    dtype: str
    latent_kind: str
    checkpoint: str
    latent: torch.Tensor | None = None
    seg: torch.Tensor | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)

    @property
    def originals(self) -> Mapping[str, torch.Tensor]:
        """Each source (X, Y, Z) in its own units."""
        return Restored(self.sources, self.image, self.scale)

    @property
    def slice_ssim(self) -> dict[str, dict[str, np.ndarray]]:
        """For each source the SSIM of each slice with the "fused" and the "decomposed" image."""
        return {source: {of: values[:, i] for of, values in self.ssim.items()} for i, source in enumerate(self.sources)}

    @property
    def mean_ssim(self) -> dict[str, dict[str, float | None]]:
        """SSIM of "fused" and "decomposed" image with each source: mean over the slices that have one."""
        return {
            of: {
                source: None if np.isnan(column).all() else round(float(np.nanmean(column)), 4)
                for source, column in zip(self.sources, values.T, strict=True)
            }
            for of, values in self.ssim.items()
        }

    @property
    def segments(self) -> dict[int, str]:
        """Names of the labels in `seg`; empty where all of them are one lesion."""
        told = self.notes.get("segmentation", {}).get("Segments", {})
        return {int(label): segment["Name"] for label, segment in told.items()}

    def with_measured(self, **results: Any) -> Self:
        """Return a case with more results for the sidecar, named by their keys there."""
        return replace(self, measured={**self.measured, **results})


@dataclass(frozen=True, kw_only=True)
class DecomposedCase(Case):
    """A case that was read from its stored fused image and decomposed.

    Args:
        file: the fused image: its file, or the folder of its series.
        restored: the latent was kept, so `decomposed` holds the sources themselves. Defaults to False.
        picture: the fused picture, of a case that is one. Defaults to None.
    """

    file: str
    restored: bool = False
    picture: Picture | None = None
