"""Write DICOM segmentations with highdicom and with dcmqi, which 3D Slicer writes its own with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
ALTERED = ("49755003", "SCT", "Morphologically Altered Structure")
TISSUE = ("85756007", "SCT", "Tissue")
ANATOMY = ("123037004", "SCT", "Anatomical Structure")
CODES: dict[str, tuple[tuple[str, str, str], tuple[str, str, str]]] = {
    "Edema": (ALTERED, ("79654002", "SCT", "Edema")),
    "Enhancing tumor": (ALTERED, ("C113842", "NCIt", "Enhancing Lesion")),
    "Necrosis": (ALTERED, ("6574001", "SCT", "Necrosis")),
    "Segment_1": (TISSUE, TISSUE),
    "Brain": (ANATOMY, ("12738006", "SCT", "Brain")),
}
"""Category and type of segments by label."""


def write_segmentation(
    path: Path,
    series: Sequence[Path],
    masks: Mapping[str, np.ndarray],
    *,
    kind: str = "BINARY",
    number: int = 20,
    codes: Mapping[str, tuple[tuple[str, str, str], tuple[str, str, str]]] | None = None,
    **options: Any,
) -> Path:
    """Write masks as a DICOM SEG of a series with highdicom.

    Args:
        path: file to write.
        series: classic instances, in the order of the slices.
        masks: [X, Y, Z] by label, in the order of the instances.
        kind: "BINARY", "FRACTIONAL" or "LABELMAP". Defaults to "BINARY".
        number: of the series. Defaults to 20.
        codes: category and type by label, besides `CODES`. Defaults to None.
        options: of `highdicom.seg.Segmentation`.
    """
    highdicom = pytest.importorskip("highdicom", reason="no highdicom: pip install -r requirements-dev.txt")
    from pydicom import dcmread

    known = {**CODES, **(codes or {})}
    described = [
        highdicom.seg.SegmentDescription(
            i,
            label,
            *(highdicom.sr.CodedConcept(*code) for code in known[label]),
            highdicom.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for i, label in enumerate(masks, start=1)
    ]
    # slices, rows, columns, segments
    stacked = np.stack([np.asarray(mask).transpose(2, 1, 0) for mask in masks.values()], axis=-1)
    if kind == "LABELMAP":
        stacked = (stacked.astype(bool) * np.arange(1, stacked.shape[-1] + 1)).max(axis=-1).astype(np.uint8)
    elif kind == "BINARY":
        stacked = stacked.astype(np.uint8)
    written = highdicom.seg.Segmentation(
        [dcmread(file) for file in series], stacked, kind, described, highdicom.UID(), number, highdicom.UID(), 1,
        "Maker", "Model", "1", "4711", **options,
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    written.save_as(path)
    return path


def dcmqi(program: str) -> str:
    """Return where a program of dcmqi is; skip the test where it is not installed."""
    found = shutil.which(program, path=str(Path(sys.executable).parent)) or shutil.which(program)
    if found is None:
        pytest.skip("no dcmqi: pip install -r requirements-dev.txt")
    return found


def write_with_dcmqi(path: Path, folder: Path, mask: np.ndarray, affine: np.ndarray, label: str = "Edema") -> Path:
    """Write a mask as a DICOM SEG of a series with dcmqi.

    Args:
        path: file to write.
        folder: of the series, and of nothing else.
        mask: [X, Y, Z].
        affine: [4, 4], voxel to RAS mm.
        label: of the segment, one of `CODES`. Defaults to "Edema".
    """
    program = dcmqi("itkimage2segimage")
    path.parent.mkdir(parents=True, exist_ok=True)
    volume, described = path.with_suffix(".nii.gz"), path.with_suffix(".json")
    image = nib.Nifti1Image(np.asarray(mask, np.int16), affine)
    nib.save(image, volume)
    names = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
    category, kind = (dict(zip(names, code, strict=True)) for code in CODES[label])
    segment = {
        "labelID": 1,
        "SegmentLabel": label,
        "SegmentAlgorithmType": "MANUAL",
        "SegmentedPropertyCategoryCodeSequence": category,
        "SegmentedPropertyTypeCodeSequence": kind,
    }
    content = {"ContentCreatorName": "Doe^Reader", "SeriesDescription": "Segmentation", "SeriesNumber": "30"}
    described.write_text(json.dumps({**content, "InstanceNumber": "1", "segmentAttributes": [[segment]]}))
    subprocess.run(
        [program, "--inputImageList", volume, "--inputDICOMDirectory", folder, "--outputDICOM", path,
         "--inputMetadata", described],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


def read_with_dcmqi(path: Path, scratch: Path) -> nib.Nifti1Image:
    """Return the only segment of a DICOM SEG as dcmqi reads it."""
    program = dcmqi("segimage2itkimage")
    scratch.mkdir(parents=True)
    command = [program, "--inputDICOM", path, "--outputDirectory", scratch, "--outputType", "nii"]
    subprocess.run(command, check=True, capture_output=True)
    (file,) = scratch.glob("*.nii.gz")
    return nib.load(file)


def ellipsoid(shape: Sequence[int], affine: np.ndarray, centre: Sequence[float], radii: Sequence[float]) -> np.ndarray:
    """Return the voxels whose centres lie in an ellipsoid, given in RAS mm."""
    index = np.moveaxis(np.indices(shape), 0, -1)
    places = index @ np.asarray(affine)[:3, :3].T + np.asarray(affine)[:3, 3]
    return (((places - np.asarray(centre)) / np.asarray(radii)) ** 2).sum(axis=-1) <= 1
