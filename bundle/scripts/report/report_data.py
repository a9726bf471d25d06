"""What a report shows of a patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import nibabel as nib
import numpy as np

from scripts.outputs.arrays import as_array

Volumes = Mapping[str, Any]
Scores = Mapping[str, Mapping[str, "float | None"]]


@dataclass
class ReportData:
    """Volumes of a patient on one grid, how alike they are, and where they come from.

    Args:
        patient: name of the patient's folder; nothing else of a patient's identity belongs into a report.
        affine: [4, 4], voxel to millimetre (RAS).
        volumes: each source [X, Y, Z] in its own units, by its name; empty where they are not at hand.
        fused: [X, Y, Z] in [0, 1].
        decomposed: each estimate [X, Y, Z] in its source's units. Defaults to none.
        uncertainty: expected error of each estimate [X, Y, Z] in its source's units. Defaults to None.
        seg: [X, Y, Z], above 0 in the lesion. Defaults to None.
        segments: names of the labels in `seg`. Defaults to none: all of them are one lesion.
        scores: SSIM of the "fused" and the "decomposed" image by source; None where there is no value.
        provenance: what made the images, in any keys. "warnings", a list of texts, is shown first.
        record: content of the sidecar of the fused image, with which the page can decompose it. Defaults to empty.
        phantom: no patient but a digital phantom, which the report then says. Defaults to False.

    Raises:
        ValueError: volumes of different shapes, or neither a source nor an estimate.
    """

    patient: str
    affine: np.ndarray
    volumes: Volumes
    fused: Any
    decomposed: Volumes = field(default_factory=dict)
    uncertainty: Volumes | None = None
    seg: Any = None
    segments: Mapping[int, str] = field(default_factory=dict)
    scores: Scores = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    phantom: bool = False

    def __post_init__(self) -> None:
        self.affine = np.asarray(self.affine, dtype=np.float64)
        self.fused = as_array(self.fused)
        self.volumes = {name: as_array(volume) for name, volume in self.volumes.items()}
        self.decomposed = {name: as_array(volume) for name, volume in self.decomposed.items()}
        self.uncertainty = {name: as_array(volume) for name, volume in (self.uncertainty or {}).items()}
        self.seg = None if self.seg is None else as_array(self.seg)
        if not self.sources:
            raise ValueError(f"{self.patient}: a report needs a source or an estimate as well as the fused image.")
        for volume in (*self.volumes.values(), *self.decomposed.values(), *self.uncertainty.values()):
            self._check_shape(volume)
        if self.seg is not None:
            self._check_shape(self.seg)

    @property
    def sources(self) -> list[str]:
        """Names of the sources, whether they are at hand or estimated."""
        return list(dict.fromkeys([*self.volumes, *self.decomposed]))

    @property
    def axes(self) -> list[int]:
        """Array axis of each anatomical one: left to right, back to front, feet to head."""
        anatomical = nib.orientations.io_orientation(self.affine)[:, 0]
        return [int(np.flatnonzero(anatomical == axis)[0]) for axis in range(3)]

    def _check_shape(self, volume: np.ndarray) -> None:
        if self.fused.ndim != 3 or volume.shape != self.fused.shape:
            raise ValueError(
                f"{self.patient}: the volumes of one report are three-dimensional and have one shape, got "
                f"{volume.shape} and {self.fused.shape}."
            )
