"""The report among a patient's files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scripts.data.flags import is_true
from scripts.outputs.sidecar import read_sidecar, sidecar_of
from scripts.outputs.volumes import load_fused
from scripts.transforms.normalize import restore_intensity
from scripts.workflows.fusion_files import stored_dtype

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


class WithReport:
    """Write the files of a fused patient, and a report of them where it is asked for.

    Args:
        write: writes the files, see `FusionFiles`.
        enabled: write the report. Defaults to True.
    """

    def __init__(
        self, write: Callable[[dict[str, Any], dict[str, Any]], Sequence[str]], enabled: bool | str = True
    ) -> None:
        self.write = write
        self.enabled = is_true(enabled)

    def __call__(self, data: dict[str, Any], results: dict[str, Any]) -> list[str]:
        """Write everything of one patient.

        Args:
            data: see `FusionFiles`; with "seg" the report outlines the lesion.
            results: what `FuseVolume` returns.

        Returns:
            the files written.
        """
        if not self.enabled:
            return list(self.write(data, results))
        # before the files are written: that turns the image back in place, or does not
        originals = restore_intensity(torch.as_tensor(np.asarray(data["image"])), data["intensity_scale"]).numpy()
        files = list(self.write(data, results))
        volumes = {
            source: volume if stored_dtype(file) == "float32" else np.rint(volume)
            for (source, file), volume in zip(data["files"].items(), originals, strict=True)
        }
        (path,) = (file for file in files if file.endswith("_fused.nii.gz"))
        fused, affine, _ = load_fused(path)
        seg = np.asarray(data["seg"][0]) if "seg" in data else None
        report = read_parts(path, data["patient"], read_sidecar(sidecar_of(path)), fused, affine, volumes, seg)
        return [*files, str(write_report(report_of(path), report))]
