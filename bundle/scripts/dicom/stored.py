"""Read a fused series with all that decomposing it needs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydicom import Dataset

from scripts.data.errors import BadInputError
from scripts.data.flags import is_true
from scripts.outputs.identity import check_grid
from scripts.outputs.sidecar import read_sidecar
from scripts.outputs.staged import recover_below

from .derived import slice_digests
from .hide_identity import hide_identity_of
from .private_block import ESTIMATE, FUSED, Block, read_block
from .read_file import NotDicomError, read_dataset
from .scan import scan_folder
from .series import Series
from .series_record import DIGESTS, check_series_record
from .series_words import IMAGE_TYPES, NAME
from .source_pixels import LEVELS
from .volume import SeriesVolume, read_series

AGAIN = "Fetch the series again as it was written, or fuse again."
SIDECAR_ENDING = "_fused.json"


def find_fused_series(dataset_dir: str, sidecar: str | None = None) -> list[dict[str, Any]]:
    """Find fused series in a folder and its subfolders; ignore other files.

    Args:
        dataset_dir: folder of DICOM files.
        sidecar: JSON file that was written with the fused series, or folder of such files, for series that lost their
            private elements. Defaults to None.

    Returns:
        a record per fused series: "patient", "fused" (folder of the series), "series", "sidecar" (files to look in), or
        "problem" in place of the series.

    Raises:
        BadInputError: when the folder does not exist or holds no fused series.
    """
    folder = Path(dataset_dir).expanduser()
    if not folder.is_dir():
        raise BadInputError(f"{folder} is not a folder. Give a folder of fused series by --dataset_dir.")
    recover_below(folder)
    sidecars = _sidecar_files(sidecar)
    scan = scan_folder(folder)
    hide_identity_of(scan, dataset_dir)
    found = [series for series in scan.series if _is_fused(series)]
    if not found:
        raise BadInputError(
            f"No fused series in {folder}: looked for DICOM series that fusioninn study wrote. Fuse a study with it."
        )
    names = [patient_of_study(series.study_uid) for series in found]
    records = []
    for name, series in zip(names, found, strict=True):
        if names.count(name) > 1:
            # Several fusions of one study: none is to replace the other.
            name += f"-{hashlib.sha256(series.uid.encode()).hexdigest()[:6]}"
        where = str(min(series.files).parent)
        record = {"patient": name, "fused": where, "series": {FUSED: series}, "sidecar": sidecars}
        records.append(record)
    return records


def patient_of_study(study_uid: str) -> str:
    """Return the name of a study for folders and logs, which does not identify the patient."""
    return f"study-{hashlib.sha256(study_uid.encode()).hexdigest()[:10]}"


def read_fused_series(series: Series | str | Path, sidecars: Iterable[Path] = ()) -> dict[str, Any]:
    """Read one fused series and check that every voxel is as it was written.

    Args:
        series: the series, or a folder that holds no other fused one.
        sidecars: files to look in where the series lost its private elements. Defaults to none.

    Returns:
        "patient", "fused", "image" (1, X, Y, Z) in [0, 1], "affine", "sidecar", "latent" (None) and "series": {"fused":
        the series itself}.

    Raises:
        BadInputError: what leads back is missing, or slices are missing, were changed, resampled or changed places.
    """
    if not isinstance(series, Series):
        records = find_fused_series(str(series))
        if len(records) > 1:
            raise BadInputError(f"{series} holds {len(records)} fused series. Give the folder of one of them.")
        series = records[0]["series"][FUSED]
    path = min(series.files).parent
    volume = read_series(series)
    stored = _stored(volume, path)
    digests = slice_digests(stored)
    sidecar = _way_back(volume.headers, path, digests, list(sidecars))
    affine = np.asarray(volume.volume.affine, dtype=np.float64)
    _check_whole(path, sidecar, stored.shape, volume.headers)
    check_grid(path, sidecar, stored.shape, affine)
    _check_pixels(path, sidecar[DIGESTS], digests)
    image = torch.from_numpy(stored.astype(np.float32)).div_(LEVELS)
    return {
        "patient": patient_of_study(series.study_uid),
        "fused": str(path),
        "image": image[None],
        "affine": affine,
        "sidecar": sidecar,
        "latent": None,
        "series": {FUSED: volume},
    }


class ReadFusedSeries:
    """Read the fused series of a record.

    Args:
        lossless: not possible: the latent is not stored. Defaults to False.
    """

    def __init__(self, lossless: bool | str = False) -> None:
        if is_true(lossless):
            raise BadInputError(
                "a fused series is stored without its latent, so that only estimates come back: leave out --lossless. "
                "For exact sources fuse NIfTI files with fusioninn fuse --lossless."
            )

    def __call__(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Read one fused series.

        Args:
            record: what `find_fused_series` returns.

        Returns:
            see `read_fused_series`.

        Raises:
            BadInputError: see `read_fused_series`.
        """
        read = read_fused_series(record["series"][FUSED], record.get("sidecar") or ())
        return {**read, "patient": record["patient"]}


def _is_fused(series: Series) -> bool:
    """Whether a series is marked as a fused one, also after archives have removed private elements."""
    try:
        header = read_dataset(min(series.files), pixels=False)
        block = read_block(header, min(series.files))
    except NotDicomError:
        return False
    except BadInputError:
        return True  # damage is reported when the file is read
    if block is not None:
        return block.kind == FUSED
    kind = [str(word) for word in header.get("ImageType") or []]
    name = str(header.get("SeriesDescription", ""))
    if any(word in kind for of, word in IMAGE_TYPES.items() if of != FUSED) or "ESTIMATED" in name:
        return False
    ours = str(header.get("Manufacturer", "")) == NAME or name.startswith(NAME)
    return ours and ("FUSED" in kind or "fused" in name)


def _sidecar_files(sidecar: str | None) -> list[Path]:
    if sidecar is None:
        return []
    path = Path(sidecar).expanduser()
    files = sorted(path.rglob(f"*{SIDECAR_ENDING}")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise BadInputError(
            f"{path} is neither a file nor a folder with files *{SIDECAR_ENDING}. Give by --sidecar the JSON file that "
            "was written with the fused series."
        )
    return files


def _stored(volume: SeriesVolume, path: Path) -> np.ndarray:
    """Undo the rescale to get the numbers as they were written."""
    values = np.asarray(volume.volume)
    stored = np.empty(values.shape, np.uint16)
    for k, header in enumerate(volume.headers):
        slope = float(header.get("RescaleSlope", 1) or 1)
        levels = (values[:, :, k].astype(np.float64) - float(header.get("RescaleIntercept", 0) or 0)) / slope
        rounded = np.rint(levels)
        if rounded.min() < 0 or rounded.max() > LEVELS or np.abs(levels - rounded).max() > 0.25:
            raise BadInputError(f"{path}: its pixels were changed: they are no longer 16-bit numbers. {AGAIN}")
        stored[:, :, k] = rounded
    return stored


def _way_back(headers: list[Dataset], path: Path, digests: list[str], sidecars: list[Path]) -> dict[str, Any]:
    """Return the sidecar from the series itself, or of the files the one that belongs to it."""
    block = None
    try:
        block = _common_block(headers, path)
    except BadInputError:
        if not sidecars:
            raise
    if block is not None:
        if block.kind == ESTIMATE:
            raise BadInputError(f"{path} is an ESTIMATED series. Give the fused one.")
        return check_series_record(path, block.sidecar)
    if not sidecars:
        raise BadInputError(
            f"{path} lacks the private elements that lead back to its sources (group 0071, creator FUSIONINN): an "
            "archive or a de-identification has removed them. Give the JSON file that was written with it "
            f"(<patient>{SIDECAR_ENDING}) by --sidecar, or have the archive keep private elements."
        )
    contents = {file: check_series_record(file, read_sidecar(file)) for file in sidecars}
    # Of several, the one that shares most slices: which ones were changed is reported later.
    same = {file: len(set(digests) & set(content[DIGESTS])) for file, content in contents.items()}
    best = max(same, key=lambda file: same[file])
    if not same[best]:
        told = sidecars[0] if len(sidecars) == 1 else f"any of the {len(sidecars)} files that --sidecar gives"
        raise BadInputError(f"{told} does not belong to the fused series in {path}. Give the one written with it.")
    return contents[best]


def _common_block(headers: list[Dataset], path: Path) -> Block | None:
    """Read the private elements of every slice, which are copies of each other."""
    blocks = [read_block(header, path) for header in headers]
    if any(block != blocks[0] for block in blocks):
        raise BadInputError(
            f"{path}: the private elements that lead back to the sources differ between its slices, so they were "
            f"changed or mixed. {AGAIN}"
        )
    return blocks[0]


def _check_whole(path: Path, sidecar: Mapping[str, Any], shape: tuple[int, ...], headers: list[Dataset]) -> None:
    expected = int(sidecar["Shape"][2])
    if shape[2] == expected or list(shape[:2]) != sidecar["Shape"][:2]:
        return
    if shape[2] > expected:
        raise BadInputError(f"{path} has {shape[2]} slices, but {expected} were written: it was mixed up. {AGAIN}")
    numbers = {int(header.get("InstanceNumber", 0) or 0) for header in headers}
    missing = [number for number in range(1, expected + 1) if number not in numbers]
    told = f", without those of instance number {_few(missing)}" if len(missing) == expected - shape[2] else ""
    raise BadInputError(f"{path} is incomplete: {shape[2]} of {expected} slices{told}. {AGAIN}")


def _check_pixels(path: Path, written: list[str], found: list[str]) -> None:
    changed = [k + 1 for k, (one, other) in enumerate(zip(written, found, strict=True)) if one != other]
    if not changed:
        return
    if sorted(written) == sorted(found):
        raise BadInputError(f"{path}: {len(changed)} slices have changed places since it was written. {AGAIN}")
    raise BadInputError(
        f"{path}: the pixels of {len(changed)} of {len(found)} slices ({_few(changed)}) are not those that were "
        f"written (lossy compression, resampling or an edit?), which destroys what they hold of the sources. {AGAIN}"
    )


def _few(numbers: list[int]) -> str:
    told = ", ".join(map(str, numbers[:5]))
    return told if len(numbers) <= 5 else f"{told}, …"
