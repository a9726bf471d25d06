"""Read back what was written of a fused patient, for a report."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor

from scripts.data.errors import BadInputError
from scripts.data.naming import is_phantom
from scripts.data.nifti import check_same_affine, one_volume, read_nifti
from scripts.outputs.bids_names import names_of
from scripts.outputs.find_fused import find_fused
from scripts.outputs.identity import check_belongs
from scripts.outputs.map_files import UNCERTAINTY
from scripts.outputs.sidecar import read_sidecar, sidecar_of
from scripts.outputs.volumes import load_fused
from scripts.typicality.case_score import warning

from .report_data import ReportData
from .sources import find_sources, read_sources

NORMALISATION = {"slice": "each slice to its own range", "volume": "the whole volume to its range"}
OTHERS = ("Registration", "Preparation")
"""Keys of a sidecar that are shown as they are."""


def find_results(
    dataset_dir: str, sources_dir: str | None = None, sources: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Find fused patients and, where they are at hand, what they were fused from.

    Args:
        dataset_dir: folder that `configs/inference.json` wrote.
        sources_dir: folder of the sources: in any layout of `find_patients`, or of DICOM studies. Defaults to None (not
            at hand).
        sources: modalities to look for. Defaults to None: those that the sidecars name.

    Returns:
        a record per patient: "patient", "fused" and, where its sources were found, "sources": their record.

    Raises:
        BadInputError: there is no fused image, or no sources in the folder given for them.
    """
    records = find_fused(dataset_dir)
    if sources_dir is None:
        return records
    found = find_sources(sources_dir, sources, records)
    for record in records:
        if record["patient"] in found:
            record["sources"] = found[record["patient"]]
        else:
            logging.getLogger(__name__).warning(
                f"{record['patient']}: no sources in {sources_dir}; the report shows neither them nor errors."
            )
    return records


class ReadResults:
    """Read a fused image, its sidecar, and what lies beside it and among the sources."""

    def __call__(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Read one patient.

        Args:
            record: see `find_results`.

        Returns:
            "patient", "fused" and "report", a `ReportData`.

        Raises:
            BadInputError: a file is damaged, or does not belong to the fused image.
        """
        if "problem" in record:
            raise BadInputError(record["problem"])
        path = record["fused"]
        sidecar = read_sidecar(sidecar_of(path))
        fused, affine, _ = load_fused(path, clip=False)
        check_belongs(path, sidecar, fused, affine)
        fused = fused.clip(0.0, 1.0, out=fused)
        volumes, seg, segments = {}, None, {}
        if "sources" in record:
            volumes, seg, segments = read_sources(record["sources"], sidecar, fused.shape, affine)
        report = read_parts(path, record["patient"], sidecar, fused, affine, volumes, seg, segments)
        return {"patient": record["patient"], "fused": path, "report": report}


def read_parts(
    path: str,
    patient: str,
    sidecar: Mapping[str, Any],
    fused: np.ndarray,
    affine: np.ndarray,
    volumes: Mapping[str, Any],
    seg: np.ndarray | None = None,
    segments: Mapping[int, str] | None = None,
) -> ReportData:
    """Read the estimates and maps beside a fused image.

    Args:
        path: the fused image.
        patient: name of the patient.
        sidecar: content of its sidecar.
        fused: [X, Y, Z] in [0, 1].
        affine: [4, 4].
        volumes: sources in their own units, by name; may be none.
        seg: [X, Y, Z], above 0 in the lesion. Defaults to None.
        segments: names of the labels in `seg`. Defaults to None (all of them are one lesion).

    Raises:
        BadInputError: a file is damaged or lies elsewhere, or there is nothing beside the fused image.
    """
    folder, names = Path(path).parent, sidecar["SourceModalities"]
    files = names_of(path, patient, sidecar)
    grid = MetaTensor(torch.from_numpy(fused), affine=torch.as_tensor(affine))

    def beside(name: str) -> np.ndarray | None:
        file = str(folder / name)
        if not Path(file).is_file():
            return None
        volume = one_volume(read_nifti(file), file)
        if volume.shape != fused.shape:
            raise BadInputError(f"{file} has shape {tuple(volume.shape)}, but {path} {fused.shape}. Fuse again.")
        check_same_affine(grid, path, volume, file)
        return np.asarray(volume)

    estimates = {name: beside(files.estimate(name)) for name in names}
    maps = {name: beside(files.map(name, UNCERTAINTY)) for name in names}
    estimates, maps = ({name: v for name, v in found.items() if v is not None} for found in (estimates, maps))
    if not estimates and not volumes:
        raise BadInputError(
            f"{folder} holds no decomposed image of {patient}, and its sources were not found: there is nothing to "
            "compare the fused image with. Give --sources_dir, or fuse again."
        )
    return ReportData(
        patient=patient,
        affine=affine,
        volumes=volumes,
        fused=fused,
        decomposed=estimates,
        uncertainty=maps,
        seg=seg,
        segments=segments or {},
        scores=sidecar.get("SSIM", {}),
        provenance=provenance(patient, sidecar),
        record=sidecar,
        phantom=is_phantom(patient),
    )


def provenance(patient: str, sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sidecar says about the making of a fused image, for people."""
    mode = sidecar["IntensityScale"]["mode"]
    warnings = list(sidecar.get("Warnings", ()))
    told: dict[str, Any] = {
        "version": ", ".join(str(entry.get("Version", "unknown")) for entry in sidecar["GeneratedBy"]),
        "weights_sha256": sidecar["CheckpointSHA256"],
        "sources": dict(zip(sidecar["SourceModalities"], sidecar["Sources"], strict=True)),
        "normalisation": NORMALISATION.get(mode, mode),
        "fused_image_stored_as": sidecar["StoredDtype"],
        "latent": sidecar["LatentKind"],
        "fusion_id": sidecar.get("FusionID"),
    }
    told |= {key: sidecar[key] for key in OTHERS if key in sidecar}
    segments = sidecar.get("Segmentation", {}).get("Segments", {}).values()
    if segments:
        told["outlined"] = [f"{one['Name']}: segment {one['Number']} of {one['Series']}" for one in segments]
    if "Registration" not in sidecar:
        told["registration"] = "not made here: the images were given on one grid"
    typicality = sidecar.get("Typicality")
    if typicality:
        told["typicality"] = {
            "score": typicality["Score"],
            "usual_up_to": typicality["Threshold"],
            "unusual": typicality["Unusual"],
        }
        if typicality["Unusual"]:
            warnings.append(warning(patient, typicality))
    return {"warnings": warnings, **told}
