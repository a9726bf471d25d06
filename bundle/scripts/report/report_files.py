"""The report among a patient's files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scripts.data.flags import is_true
from scripts.outputs.sidecar import read_sidecar, sidecar_of
from scripts.outputs.volumes import load_fused, stored_dtype

from .html import write_report
from .results import read_parts

ENDING = "_report.html"


def report_of(fused_path: str) -> Path:
    """Return where the report of a fused image is: `P_fused.nii.gz` has `P_report.html`."""
    sidecar = sidecar_of(fused_path)
    return sidecar.with_name(sidecar.name.removesuffix("_fused.json") + ENDING)


class ReportFiles:
    """Write the report of a patient that was read back.

    Args:
        output_dir: folder for all reports, ``<patient>_report.html``. Defaults to None (beside the fused image).
    """

    def __init__(self, output_dir: str | None = None) -> None:
        self.output_dir = None if output_dir is None else Path(output_dir).expanduser()

    def __call__(self, data: dict[str, Any], results: Any = None) -> list[str]:
        """Write one report.

        Args:
            data: what `ReadResults` returns.
            results: not used.

        Returns:
            the file written.
        """
        path = report_of(data["fused"])
        path = path if self.output_dir is None else self.output_dir / path.name
        return [str(write_report(path, data["report"]))]


class AddReport:
    """Write the report of a patient next to its fused image, while the other files of the set are written.

    Args:
        enabled: write it. Defaults to True.
    """

    def __init__(self, enabled: bool | str = True) -> None:
        self.enabled = is_true(enabled)

    def __call__(self, fused_path: str, data: dict[str, Any], originals: Mapping[str, torch.Tensor]) -> list[str]:
        """Write the report.

        Args:
            fused_path: the fused image, with sidecar and decomposed images next to it.
            data: see `FusionFiles`; with "seg" the report outlines the lesion.
            originals: the sources in their own units, by name.

        Returns:
            the file written, or none.
        """
        if not self.enabled:
            return []
        volumes = {
            source: volume.numpy() if stored_dtype(data["files"][source]) == "float32" else np.rint(volume.numpy())
            for source, volume in originals.items()
        }
        fused, affine, _ = load_fused(fused_path)
        seg = np.asarray(data["seg"][0]) if "seg" in data else None
        sidecar = read_sidecar(sidecar_of(fused_path))
        report = read_parts(fused_path, data["patient"], sidecar, fused, affine, volumes, seg)
        return [str(write_report(report_of(fused_path), report))]
