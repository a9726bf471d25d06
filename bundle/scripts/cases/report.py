"""Writer of the report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from scripts.outputs.map_files import UNCERTAINTY
from scripts.report.html import write_report
from scripts.report.report_data import ReportData
from scripts.report.results import provenance

from .case import FusedCase
from .volume_files import source_dtypes


class Report:
    """Write ``<patient>_report.html``, a page with a viewer of the volumes that opens offline.

    Args:
        decompose: the page can decompose its fused image, see `scripts.report.decompose_here`. Defaults to False.
    """

    def __init__(self, decompose: bool = False) -> None:
        self.decompose = decompose

    def __call__(self, case: FusedCase, folder: Path) -> None:
        """Write the report of a case."""
        write_report(folder / case.names.report, report_data(case), self.decompose)


def report_data(case: FusedCase) -> ReportData:
    """Return what a report shows of a case: all values as they are stored in its files."""
    dtypes = source_dtypes(case)
    return ReportData(
        patient=case.patient,
        affine=case.affine,
        volumes=_stored(case.originals, dtypes),
        fused=case.shown[0],
        decomposed=_stored(case.estimates, dtypes),
        uncertainty=case.map_by_source(UNCERTAINTY),
        seg=None if case.seg is None else np.asarray(case.seg[0]),
        segments=case.segments,
        scores=case.mean_ssim,
        provenance=provenance(case.patient, case.record),
        record=case.record,
        phantom=case.phantom,
    )


def _stored(volumes: Mapping[str, torch.Tensor], dtypes: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Round and clip volumes where their files hold integers."""
    stored = {}
    for source, volume in volumes.items():
        stored[source] = volume.numpy()
        if dtypes[source] != "float32":
            limits = np.iinfo(dtypes[source])
            stored[source] = np.rint(stored[source]).clip(limits.min, limits.max)
    return stored
