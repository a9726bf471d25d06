"""SliceDataset: the chosen slices of many patients in memory, as training items."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from scripts.data.atomic import written_whole
from scripts.data.discovery import Patient
from scripts.data.errors import BadInputError
from scripts.data.progress import with_progress
from scripts.data.slices import CRITERIA, brain_mask, choose_slices
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd
from scripts.transforms.slicing import slice_axis as through_plane_axis
from scripts.transforms.slicing import to_slices

_CACHE_VERSION = 1
_CODES = 65535
_ON_BAD_INPUT = ("raise", "skip")


@dataclass(frozen=True)
class _PatientSlices:
    """Slices of one patient as 16-bit codes.

    codes uint16 [S, N, H, W]; low and high float32 [S, N], the values of code 0 and 65535;
    brain: packed bits [S, ...]; numbers: slice numbers in the volume, int64 [S].
    """

    codes: np.ndarray
    low: np.ndarray
    high: np.ndarray
    brain: np.ndarray
    numbers: np.ndarray


class SliceDataset(Dataset):
    """Chosen slices of many patients, normalised, read once and kept in memory.

    An item is {"image": float32 [N, H, W], "patient": str, "slice": int, "brain": bool
    [1, H, W]}; "brain" is where any source shows anatomy (see `brain_mask`). Slices of
    different patients may differ in size.

    Memory: slices are kept as 16-bit codes between their own extremes, half of float32 and exact
    to 1/131070 of the slice's range, far below the rounding of stored images: 0.24 MB for a
    240x240 pair, 2.3 GB for the 9,653 pairs of the paper. 0 and the maximum are exact.

    Args:
        patients: records of `find_patients`, without problems (see `usable`). An empty list, as in
            training without validation, gives an empty data set.
        sources: modalities, in the order of the channels. Defaults to ("t1gd", "flair").
        normalisation: "slice" or "volume", see `NormalizeSourcesd`. Defaults to "slice".
        criterion: "auto", "tumour" or "brain", see `choose_slices`. Defaults to "auto".
        min_brain_fraction: see `choose_slices`. Defaults to 0.1.
        labels: see `choose_slices`. Defaults to None.
        slice_axis: axis that slices lie along. Defaults to None (taken from each affine).
        lower: lower percentile of "volume". Defaults to 0.
        upper: upper percentile of "volume". Defaults to 99.9.
        transform: applied to each item, for instance a `monai.transforms.Compose`.
        cache_dir: folder that keeps the slices between runs, a file per patient that is read
            anew when an image file or a setting changes. Defaults to None (no cache).
        on_bad_input: "raise" one error that names every bad patient once all have been read, or
            "skip" them with a warning each. Defaults to "raise".
        progress: whether to show a progress bar over patients. Defaults to True.

    Raises:
        BadInputError: a setting is wrong, patients cannot be read, or no slice was chosen.
    """

    def __init__(
        self,
        patients: Sequence[Patient],
        sources: Sequence[str] = ("t1gd", "flair"),
        normalisation: str = "slice",
        criterion: str = "auto",
        min_brain_fraction: float = 0.1,
        labels: Sequence[int] | None = None,
        slice_axis: int | None = None,
        lower: float = 0.0,
        upper: float = 99.9,
        transform: Callable[[dict[str, Any]], Any] | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        on_bad_input: str = "raise",
        progress: bool = True,
    ) -> None:
        if criterion not in CRITERIA:
            raise BadInputError(f'the criterion is "{criterion}", expected one of {list(CRITERIA)}.')
        if on_bad_input not in _ON_BAD_INPUT:
            raise BadInputError(f'on_bad_input is "{on_bad_input}", expected one of {list(_ON_BAD_INPUT)}.')
        self.sources = tuple(sources)
        self.criterion = criterion
        self.min_brain_fraction = min_brain_fraction
        self.labels = None if labels is None else tuple(labels)
        self.transform = transform
        self.cache_dir = Path(cache_dir).expanduser() if cache_dir else None
        self._load = LoadSourcesd(self.sources, with_seg=criterion != "brain")
        self._normalize = NormalizeSourcesd(normalisation, slice_axis, lower, upper)
        self._patients: list[str] = []
        self._slices: list[_PatientSlices] = []
        self._items: list[tuple[int, int]] = []
        self._read_all(patients, on_bad_input, progress)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Any:
        """Return one slice.

        Args:
            index: number of the item; slices of a patient follow each other.

        Returns:
            the item described above, or what `transform` makes of it.
        """
        at, number = self._items[index]
        slices = self._slices[at]
        codes = slices.codes[number].astype(np.float32) / np.float32(_CODES)
        low, high = (values[number][:, None, None] for values in (slices.low, slices.high))
        shape = codes.shape[1:]
        brain = np.unpackbits(slices.brain[number], count=shape[0] * shape[1]).reshape(1, *shape)
        item = {
            "image": torch.from_numpy(low + codes * (high - low)),
            "patient": self._patients[at],
            "slice": int(slices.numbers[number]),
            "brain": torch.from_numpy(brain.astype(bool)),
        }
        return item if self.transform is None else self.transform(item)

    @property
    def patients(self) -> list[str]:
        """Names of the patients that have slices, in order."""
        return list(self._patients)

    def _read_all(self, patients: Sequence[Patient], on_bad_input: str, progress: bool) -> None:
        problems, without = [], []
        for patient in with_progress(patients, "Reading patients") if progress else patients:
            try:
                slices = self._read(patient)
            except BadInputError as error:
                if on_bad_input == "skip":
                    warnings.warn(f"left out: {patient['patient']}: {error}", stacklevel=3)
                problems.append(f"{patient['patient']}: {error}")
                continue
            if len(slices.numbers) == 0:
                without.append(patient["patient"])
                continue
            self._items += [(len(self._slices), i) for i in range(len(slices.numbers))]
            self._slices.append(slices)
            self._patients.append(patient["patient"])
        if problems and (on_bad_input == "raise" or not self._items):
            raise BadInputError(
                f"{len(problems)} of {len(patients)} patients cannot be used:\n"
                + "\n".join(f"- {problem}" for problem in problems)
            )
        if patients and not self._items:
            raise BadInputError(
                f"no slice was chosen from {len(patients)} patients by the criterion "
                f'"{self.criterion}" (min_brain_fraction {self.min_brain_fraction}). Use the '
                'criterion "brain" or a smaller fraction.'
            )
        if without:
            warnings.warn(
                f'{len(without)} patient(s) have no slice by the criterion "{self.criterion}": '
                f"{', '.join(without[:10])}",
                stacklevel=3,
            )

    def _read(self, patient: Patient) -> _PatientSlices:
        if self.cache_dir is None or "problem" in patient:
            return self._compute(patient)
        path = self.cache_dir / f"{patient['patient']}-{self._fingerprint(patient)}.npz"
        cached = _read_cache(path)
        if cached is None:
            cached = self._compute(patient)
            with written_whole(path, suffix=".npz") as temporary:
                np.savez(temporary, **vars(cached))
        return cached

    def _fingerprint(self, patient: Patient) -> str:
        files = {}
        for key in (*self.sources, "seg"):
            if patient.get(key):
                path = os.path.realpath(patient[key])
                status = os.stat(path) if os.path.exists(path) else None
                files[key] = [path, *((status.st_size, status.st_mtime_ns) if status else ())]
        settings = {
            "version": _CACHE_VERSION,
            "files": files,
            "channels": patient.get("channels"),
            "sources": self.sources,
            "normalisation": vars(self._normalize),
            "criterion": [self.criterion, self.min_brain_fraction, self.labels],
        }
        text = json.dumps(settings, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _compute(self, patient: Patient) -> _PatientSlices:
        data = self._load(patient)
        fixed = self._normalize.slice_axis
        axis = through_plane_axis(data["image"].affine) if fixed is None else fixed
        chosen = choose_slices(
            data["image"],
            data.get("seg"),
            axis,
            self.criterion,
            self.min_brain_fraction,
            self.labels,
        )
        brain = to_slices(brain_mask(data["image"]), axis)[chosen]
        image = to_slices(self._normalize(data)["image"], axis)[chosen].numpy()
        low = np.minimum(image.min(axis=(2, 3), initial=0), 0).astype(np.float32)
        high = image.max(axis=(2, 3), initial=0).astype(np.float32)
        span = np.where(high > low, high - low, 1)[:, :, None, None]
        codes = np.rint((image - low[:, :, None, None]) / span * _CODES).astype(np.uint16)
        packed = np.packbits(brain.flatten(1).numpy(), axis=1)
        return _PatientSlices(codes, low, high, packed, np.asarray(chosen, dtype=np.int64))


def _read_cache(path: Path) -> _PatientSlices | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return _PatientSlices(**{key: stored[key] for key in stored.files})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, EOFError, KeyError, zipfile.BadZipFile) as error:
        warnings.warn(f"the cache {path} is damaged ({error}) and is rebuilt.", stacklevel=2)
        return None
