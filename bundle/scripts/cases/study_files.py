"""The files of a fused DICOM study: three derived series, and what goes with them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scripts.data.errors import BadInputError
from scripts.data.flags import is_true
from scripts.data.hidden import shown_message
from scripts.data.safe_names import check_word
from scripts.dicom.derived import check_compression, fused_values, slice_digests, write_derived
from scripts.dicom.frames import plain_headers
from scripts.dicom.hide_identity import hide_identity
from scripts.dicom.modules import inherited_faults
from scripts.dicom.private_block import ESTIMATE, FUSED
from scripts.dicom.read_file import read_dataset
from scripts.dicom.series_record import DIGESTS
from scripts.dicom.source_pixels import describe_source, is_phantom, nifti_dtype, series_number
from scripts.dicom.volume import SeriesVolume
from scripts.networks.weights import fingerprint
from scripts.outputs.digest import voxel_digest
from scripts.outputs.identity import identity_keys
from scripts.outputs.inside import folder_inside
from scripts.outputs.map_files import CONTRIBUTION, UNCERTAINTY, map_keys, write_maps
from scripts.outputs.outdated import outdated_files
from scripts.outputs.overview import draw_overview
from scripts.outputs.sidecar import write_sidecar
from scripts.outputs.staged import placed, staged
from scripts.outputs.volumes import fused_descrip, save_volume
from scripts.report.html import write_report
from scripts.report.report_data import ReportData
from scripts.report.results import provenance
from scripts.transforms.normalize import Restored

from .fusion_files import mean_ssim, write_estimates

logger = logging.getLogger(__name__)


def named_series(**patterns: str | int | None) -> dict[str, str]:
    """Collect the series that the user named.

    Args:
        patterns: UID, number or pattern of the description by source; None where it is to be found. MONAI's configs
            turn the "#" of the older form "9#2" into "::", which becomes "9:2".
    """
    return {
        source: str(pattern).replace("::", ":") for source, pattern in patterns.items() if pattern not in (None, "")
    }


def with_files(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Name every file of the series in the records, so that a resumed run sees whether one was changed.

    Args:
        records: what `find_studies` or `find_fused_series` returns.

    Returns:
        new records, with the path of each instance under the name of its series and a number.
    """
    named = []
    for record in records:
        files = {}
        for name, found in (record.get("series") or {}).items():
            series = getattr(found, "series", found)
            files |= {f"{name} {i}": str(file) for i, file in enumerate(sorted(series.files))}
        named.append({**files, **record})
    return named


class StudyFiles:
    """Write the fused series, the estimated series, sidecar, overview and report of a study.

    They appear in ``output_dir/<study>/`` all at once, or not at all. The folders ``fused`` and ``<source>_estimated``
    hold one instance for each slice; they are those to send. Nothing else names the patient, unless that was asked for.

    Args:
        output_dir: folder for all studies.
        sources: names of the sources, in the network's order.
        ckpt_path: weights in use, for the record.
        reference: the source whose grid the fused image lies on. Defaults to "t1gd"; the first source where there is
            none of that name.
        dtype: how the fused image is stored; a series has 16 bits. Defaults to "uint16".
        latent: distribution of the fresh latent, for the record. Defaults to "normal".
        lossless: not possible: a series has no place for the latent. Defaults to False.
        compression: of the series, lossless: "none", "rle" or "jpeg2000". Defaults to "none".
        overview: draw the picture. Defaults to True.
        nifti: write the volumes as NIfTI as well. Defaults to False.
        report: write the page to look at. Defaults to False.
    """

    def __init__(
        self,
        output_dir: str,
        sources: list[str],
        ckpt_path: str,
        reference: str = "t1gd",
        dtype: str = "uint16",
        latent: str = "normal",
        lossless: bool | str = False,
        compression: str = "none",
        overview: bool | str = True,
        nifti: bool | str = False,
        report: bool | str = False,
    ) -> None:
        if is_true(lossless) or dtype != "uint16":
            raise BadInputError(
                "a DICOM series holds the fused image in 16 bits and not its latent: leave out --lossless and "
                "--fused_dtype. For exact sources fuse NIfTI files with configs/inference.json --lossless true."
            )
        self.output_dir = Path(output_dir).expanduser()
        self.sources = list(sources)
        self.checkpoint = fingerprint(ckpt_path)
        self.reference = reference if reference in sources else sources[0]
        self.dtype = dtype
        self.latent = latent
        self.compression = check_compression(compression)
        self.overview = is_true(overview)
        self.nifti = is_true(nifti)
        self.report = is_true(report)

    def __call__(self, data: dict[str, Any], results: dict[str, Any]) -> list[str]:
        """Write everything of one study.

        Args:
            data: "patient", "image" (normalised, on the grid of the reference), "intensity_scale",
                "series" (`SeriesVolume` of every source), and where there are "registration", "preparation" and
                "warnings".
            results: what `FuseVolume` returns.

        Returns:
            the files written.
        """
        patient, scale = data["patient"], data["intensity_scale"]
        series: Mapping[str, SeriesVolume] = {source: data["series"][source] for source in self.sources}
        reference = series[self.reference]
        affine = np.asarray(data["image"].affine, dtype=np.float64)
        phantom = is_phantom(reference.headers[0])
        folder = folder_inside(self.output_dir, patient)
        maps = {
            kind: dict(zip(self.sources, results[kind], strict=True))
            for kind in (CONTRIBUTION, UNCERTAINTY)
            if kind in results
        }
        with staged(folder, partial(self._outdated, folder, patient)) as stage:
            sidecar = self._sidecar(stage, data, results, affine, phantom)
            fused = results["fused"][0].numpy()
            files = write_derived(
                stage / FUSED,
                volume=fused,
                reference=reference,
                sources=series,
                sidecar=sidecar,
                compression=self.compression,
            )
            of_source = Restored(self.sources, results["decomposed"], scale)
            headers = [plain_headers(read_dataset(file, pixels=False))[0] for file in files]
            write_estimated_series(stage, of_source, replace(reference, headers=headers), sidecar, self.compression)
            if self.nifti:
                stem = stage / patient
                descrip = fused_descrip(sidecar["FusionID"])
                save_volume(f"{stem}_fused.nii.gz", fused, affine, self.dtype, descrip=descrip)
                dtypes = dict(zip(self.sources, sidecar["SourceDtypes"], strict=True))
                write_estimates(stem, of_source, affine, dtypes)
                for kind, volumes in maps.items():
                    write_maps(stage, patient, volumes, kind, affine)
            of_patient = Restored(self.sources, torch.as_tensor(np.asarray(data["image"])), scale)
            if self.report:
                write_report(
                    stage / f"{patient}_report.html",
                    ReportData(
                        patient=patient,
                        affine=affine,
                        volumes=of_patient,
                        fused=fused,
                        decomposed=of_source,
                        uncertainty=maps.get(UNCERTAINTY),
                        scores=sidecar["SSIM"],
                        provenance=provenance(patient, sidecar),
                        phantom=phantom,
                    ),
                )
            if self.overview:
                draw_overview(
                    stage / f"{patient}_overview.png",
                    of_patient,
                    fused,
                    of_source,
                    affine=affine,
                    slice_axis=scale["slice_axis"],
                    ssim={
                        source: {of: values[:, i] for of, values in results["ssim"].items()}
                        for i, source in enumerate(self.sources)
                    },
                    title=patient,
                    phantom=phantom,
                    **maps,
                )
            written = [path for path in sorted(stage.rglob("*")) if path.is_file()]
        return placed(written, stage, folder)

    def _sidecar(
        self, stage: Path, data: dict[str, Any], results: dict[str, Any], affine: np.ndarray, phantom: bool
    ) -> dict[str, Any]:
        patient, scale, series = data["patient"], data["intensity_scale"], data["series"]
        described = {source: describe_source(series[source]) for source in self.sources}
        header = series[self.reference].headers[0]
        extra: dict[str, Any] = {
            **identity_keys(patient, results["fused"].shape[1:], affine),
            "SourceDtypes": [nifti_dtype(description) for description in described.values()],
            "SourceSeries": described,
            "Reference": self.reference,
            DIGESTS: slice_digests(fused_values(results["fused"][0].numpy())),
            "SSIM": mean_ssim(results["ssim"], self.sources),
        }
        if "registration" in data:
            extra["Registration"] = data["registration"]
        for key in ("preparation", "warnings"):
            if data.get(key):
                extra[key.capitalize()] = [hide_identity(shown_message(str(line)), header) for line in data[key]]
        faults = inherited_faults(header)
        for fault in faults:
            logger.warning(f"{patient}: the series of {self.reference}: {fault}; the derived series inherit it")
        if faults:
            extra["InheritedFaults"] = faults
        if self.nifti:
            for kind in (CONTRIBUTION, UNCERTAINTY):
                extra |= map_keys(patient, self.sources, kind) if kind in results else {}
        if "typicality" in results:
            extra["Typicality"] = results["typicality"]
        return write_sidecar(
            stage / f"{patient}_fused.json",
            # Names of files may hold the patient's; numbers of series do not.
            sources={source: series_number(series[source]) for source in self.sources},
            intensity_scale=scale,
            stored_dtype=self.dtype,
            checkpoint_sha256=self.checkpoint,
            latent_kind=self.latent,
            fused_sha256=voxel_digest(results["fused"][0], self.dtype),
            phantom=phantom,
            extra=extra,
        )

    @staticmethod
    def _outdated(folder: Path, patient: str) -> list[Path]:
        """What an earlier run wrote; what this one writes as well is replaced in any case."""
        return [*outdated_files(folder, patient), folder / f"{patient}_fused.nii.gz"]


def write_estimated_series(
    folder: Path,
    estimates: Mapping[str, torch.Tensor],
    fused: SeriesVolume,
    sidecar: Mapping[str, Any],
    compression: str,
) -> list[Path]:
    """Write the estimate of each source as a series, made of the fused one.

    Args:
        folder: of the series' folders.
        estimates: volume (X, Y, Z) of every source, in its own units.
        fused: the fused series; its headers and affine count.
        sidecar: of the fused series.
        compression: see `write_derived`.

    Returns:
        the files written.
    """
    written = []
    for source, volume in estimates.items():
        check_word(source, "a source's name", str(folder))
        written += write_derived(
            folder / f"{source}_estimated",
            kind=ESTIMATE,
            source=source,
            volume=volume,
            reference=fused,
            sources={FUSED: fused},
            sidecar=sidecar,
            compression=compression,
        )
    return written
