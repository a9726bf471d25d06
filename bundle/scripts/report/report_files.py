"""Reports of patients whose results are read back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.outputs.bids_names import BidsNames, bids_fused
from scripts.outputs.sidecar import sidecar_of

from .html import write_report

ENDING = "_report.html"


def report_of(fused_path: str) -> Path:
    """Return where the report of a fused image is: `P_fused.nii.gz` has `P_report.html`."""
    bids = bids_fused(fused_path)
    if bids is not None:
        return Path(fused_path).with_name(BidsNames(bids, bids, {}).report)
    sidecar = sidecar_of(fused_path)
    return sidecar.with_name(sidecar.name.removesuffix("_fused.json") + ENDING)


class ReportFiles:
    """Write the report of a patient that was read back.

    Args:
        output_dir: folder for all reports, ``<patient>_report.html``. Defaults to None (beside the fused image).
        decompose: the pages can decompose their fused images, see `scripts.report.decompose_here`. Defaults to False.
    """

    def __init__(self, output_dir: str | None = None, decompose: bool = False) -> None:
        self.decompose = decompose
        self.output_dir = None if output_dir is None else Path(output_dir).expanduser()

    def __call__(self, data: Mapping[str, Any]) -> list[str]:
        """Write one report.

        Args:
            data: what `ReadResults` returns.

        Returns:
            the file written.
        """
        path = report_of(data["fused"])
        path = path if self.output_dir is None else self.output_dir / path.name
        return [str(write_report(path, data["report"], self.decompose))]
