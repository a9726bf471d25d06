"""Optional maps of a patient: the contribution of each source, and the expected error of each estimate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scripts import RESEARCH_NOTICE
from scripts.outputs.result_names import ResultNames
from scripts.outputs.volumes import contribution_descrip, save_volume, uncertainty_descrip
from scripts.outputs.writing import result_file

CONTRIBUTION, UNCERTAINTY = "contribution", "uncertainty"
DESCRIPTIONS = {
    CONTRIBUTION: (
        "What each source contributes to the fused image, in its units (0 to 1): the derivative of every fused voxel "
        "along the source. The contributions add up to the fused image to first order; they may be negative."
    ),
    UNCERTAINTY: (
        "Expected error (root mean square) of each decomposed image, in its units, learned from other patients and "
        "estimated from the fused image alone. Where it is large the estimate is less to be trusted; where it is small "
        "it may still be wrong."
    ),
}
DESCRIPS = {CONTRIBUTION: contribution_descrip, UNCERTAINTY: uncertainty_descrip}


def map_folder(source: str, kind: str) -> str:
    """Return the name of the folder of a map's DICOM series."""
    return f"{source}_{kind}"


def map_series_keys(sources: Sequence[str], kind: str) -> dict[str, Any]:
    """Return the sidecar entries for maps of a kind that are stored as DICOM series.

    Args:
        sources: names of the sources.
        kind: "contribution" or "uncertainty".
    """
    name = kind.capitalize()
    return {name: DESCRIPTIONS[kind], f"{name}Series": [map_folder(source, kind) for source in sources]}


def map_keys(names: ResultNames, sources: Sequence[str], kind: str) -> dict[str, Any]:
    """Return the sidecar entries for a patient's maps of a kind.

    Args:
        names: names of the patient's files.
        sources: names of the sources.
        kind: for instance "contribution" or "uncertainty".
    """
    name = kind.capitalize()
    described = DESCRIPTIONS.get(kind, f"Map of {kind}, one for each source.")
    return {name: described, f"{name}Files": [names.map(source, kind) for source in sources]}


def write_maps(
    folder: Path,
    names: ResultNames,
    maps: Mapping[str, torch.Tensor],
    kind: str,
    affine: np.ndarray,
    like: str | None = None,
) -> list[str]:
    """Write the maps of a patient in 16 bits, scaled between their extremes.

    Args:
        folder: folder of the patient.
        names: names of the patient's files.
        maps: volume (X, Y, Z) of every source.
        kind: for instance "contribution" or "uncertainty".
        affine: voxel to millimetre.
        like: NIfTI file whose coordinate codes are copied. Defaults to None (scanner coordinates).

    Returns:
        the files written.
    """
    written = []
    for source, volume in maps.items():
        written.append(str(folder / names.map(source, kind)))
        values = torch.nan_to_num(volume)
        low, high = min(float(values.min()), 0.0), float(values.max())
        # a constant map still needs a range
        ends = (low, high if high > low else low + 1.0)
        descrip = DESCRIPS[kind](source) if kind in DESCRIPS else f"FusionINN {kind} of {source}, research use only"
        save_volume(written[-1], volume, affine, "uint16", value_range=ends, descrip=descrip, like=like)
    return written


def write_map_sidecar(
    path: Path, names: ResultNames, sources: Sequence[str], kind: str, fusion: str | None = None
) -> str:
    """Write a separate sidecar for maps when the fused image has no sidecar to describe them.

    Args:
        path: file to write.
        names: names of the patient's files.
        sources: names of the sources.
        kind: for instance "contribution" or "uncertainty".
        fusion: id of the fused image that they belong to. Defaults to None (unknown).

    Returns:
        the file written.
    """
    content = {"ResearchUseOnly": RESEARCH_NOTICE, "FusionID": fusion, **map_keys(names, sources, kind)}
    with result_file(path, suffix=".json") as temporary:
        Path(temporary).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return str(path)
