"""Find, fetch and send studies, over DICOMweb or DIMSE alike."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from scripts.data.errors import BadInputError

from .attempts import Attempts
from .errors import PacsError
from .image_classes import FETCHED_CLASSES, SEGMENTATION
from .query import UID, answers, study_filters

STUDY_KEYS = (
    "PatientID",
    "StudyInstanceUID",
    "StudyDate",
    "AccessionNumber",
    "ModalitiesInStudy",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
)
SENT_AT_ONCE = 32
LONGEST_UID = 64


@dataclass(frozen=True)
class FoundStudy:
    """A study of an archive, without patient data.

    Args:
        uid: StudyInstanceUID.
        modalities: of its series, as far as the archive reports them.
        series: how many, or None if the archive does not report it.
        instances: how many, or None.
    """

    uid: str
    modalities: tuple[str, ...] = ()
    series: int | None = None
    instances: int | None = None

    def __str__(self) -> str:
        counts = [f"{n} {unit}" for n, unit in ((self.series, "series"), (self.instances, "instances")) if n]
        return ", ".join([self.uid, *counts, *filter(None, ["/".join(self.modalities)])])


class Archive(ABC):
    """A PACS: find studies, fetch them whole, send derived series and check that they arrived.

    Args:
        address: how messages call it; holds no password.
        attempts: how often it is asked.
        modalities: series of these are fetched; empty for all. Defaults to MR.
    """

    def __init__(self, address: str, attempts: Attempts, modalities: Sequence[str] = ("MR",)) -> None:
        self.address = address
        self.attempts = attempts
        self.modalities = tuple(modalities)
        self.logger = logging.getLogger(__name__)

    @abstractmethod
    def search(self, level: str, filters: Mapping[str, str], keys: Sequence[str]) -> list[Dataset]:
        """Search for studies, series or instances.

        Args:
            level: "STUDY", "SERIES" or "IMAGE".
            filters: value of each keyword that must match.
            keys: keywords to be answered.

        Raises:
            PacsError: the archive gave no usable answer.
        """

    @abstractmethod
    def retrieve_series(self, study_uid: str, series_uid: str, wanted: Mapping[str, Path]) -> None:
        """Write instances of a series into files.

        Args:
            study_uid: StudyInstanceUID.
            series_uid: SeriesInstanceUID.
            wanted: file of each SOPInstanceUID; other instances may come along and are not written.

        Raises:
            PacsError: it does not arrive.
        """

    @abstractmethod
    def store(self, files: Sequence[Path]) -> None:
        """Send instances of one study.

        Raises:
            PacsError: one of them is not taken.
        """

    def find_studies(self, **query: str | int | None) -> list[FoundStudy]:
        """Find the studies that match a query, see `study_filters`.

        Returns:
            each study, in the order of its UID.

        Raises:
            BadInputError: the query cannot be meant.
            PacsError: the archive gives no answer.
        """
        filters = study_filters(**query)
        found = self.attempts(lambda: self.search("STUDY", filters, STUDY_KEYS))
        studies = {self._uid(study, "Study"): study for study in found if answers(filters, study)}
        return [_found_study(studies[uid]) for uid in sorted(studies)]

    def list_images(self, uid: str, without: Collection[str] = ()) -> dict[str, set[str]]:
        """Ask which images a study has.

        Args:
            uid: StudyInstanceUID.
            without: SeriesInstanceUIDs of series to leave out. Defaults to none.

        Returns:
            SOPInstanceUIDs by SeriesInstanceUID, of the series of the modalities.

        Raises:
            PacsError: the archive gives no answer.
        """
        wanted = [series for series in self._wanted_series(uid)[0] if series not in without]
        return {series: self.images_of_series(uid, series) for series in wanted}

    def images_of_series(self, study_uid: str, series_uid: str) -> set[str]:
        """Ask which images a series has.

        Raises:
            PacsError: the archive gives no answer.
        """
        return self.attempts(lambda: self._images(study_uid, series_uid))

    def fetch_study(self, uid: str, folder: str | os.PathLike[str], without: Collection[str] = ()) -> Path:
        """Fetch the series of a study. The folder appears once it is complete.

        Args:
            uid: StudyInstanceUID.
            folder: where the folder of the study is made.
            without: SeriesInstanceUIDs of series to leave out. Defaults to none.

        Returns:
            ``folder/study``, or with a number where that is taken; one folder per series in it.

        Raises:
            PacsError: the study or a part of it does not arrive, or it holds no series of the modalities.
            BadInputError: it cannot be written.
        """
        wanted, modalities = self._wanted_series(uid)
        wanted = [series for series in wanted if series not in without]
        if all(modalities[series] == SEGMENTATION for series in wanted):
            asked = "/".join(modality for modality in self.modalities if modality != SEGMENTATION) or "image"
            held = ", ".join(sorted(set(modalities.values()))) or "no series at all"
            raise PacsError(f"{self.address}: the study holds no {asked} series, only {held}.")
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".fetching-") as staging:
                whole = Path(staging) / "study"
                for number, series in enumerate(wanted, start=1):
                    place = whole / f"series-{number:03d}"
                    try:
                        self.attempts(lambda s=series, p=place: self._fetch_series(uid, s, p))
                    except PacsError as error:
                        if modalities[series] != SEGMENTATION:
                            raise
                        # only an outline depends on it
                        shutil.rmtree(place, ignore_errors=True)
                        self.logger.warning(f"A segmentation was not fetched and will not be outlined: {error}")
                return whole.rename(_free_name(Path(folder)))
        except OSError as error:
            raise BadInputError(
                f"The study cannot be written to {folder} ({error.strerror or error}). Choose a folder with space left "
                "(TMPDIR, or --temporary_dir)."
            ) from error

    def send(self, files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], new_study: bool = False) -> int:
        """Send series to the study that they belong to, and check that they arrived.

        Sending the same instances again changes nothing, so an interrupted transfer is mended by another.

        Args:
            files: the instances, all of one study, or a folder that holds them.
            new_study: the archive need not know the study. Defaults to False.

        Returns:
            how many instances were sent.

        Raises:
            BadInputError: files that cannot be sent, or are of a study that is not in the archive.
            PacsError: the archive does not take them, or does not hold them afterwards.
        """
        if isinstance(files, (str, os.PathLike)):
            files = sorted(Path(files).rglob("*.dcm"))
        study_uid, series = _by_series([Path(file) for file in files])
        if not new_study and not self.find_studies(study_uid=study_uid):
            raise BadInputError(
                f"{self.address} has no study {study_uid}, to which these series belong. Send them to the archive that "
                "the study came from."
            )
        for series_uid, instances in series.items():
            paths = list(instances.values())
            for start in range(0, len(paths), SENT_AT_ONCE):
                self.attempts(lambda batch=paths[start : start + SENT_AT_ONCE]: self.store(batch))
            self.attempts(lambda s=series_uid, i=instances: self._check_arrived(study_uid, s, set(i)))
        return sum(map(len, series.values()))

    def send_all(self, folder: str | os.PathLike[str]) -> int:
        """Send every DICOM file below a folder, study by study.

        Returns:
            how many instances were sent.

        Raises:
            BadInputError: there is none.
        """
        studies: dict[str, list[Path]] = {}
        for file in sorted(Path(folder).expanduser().rglob("*.dcm")):
            studies.setdefault(_read_header(file).StudyInstanceUID, []).append(file)
        if not studies:
            raise BadInputError(f"{folder} holds no DICOM file (*.dcm) to send.")
        sent = sum(self.send(files) for files in studies.values())
        self.logger.info(f"{sent} instances of {len(studies)} study(s) sent to {self.address} and found.")
        return sent

    def _wanted_series(self, uid: str) -> tuple[list[str], dict[str, str]]:
        """Ask for the series of a study: UIDs of those to fetch, and the modality of every series."""
        found = self.attempts(
            lambda: self.search("SERIES", {"StudyInstanceUID": uid}, ["SeriesInstanceUID", "Modality"])
        )
        modalities = {self._uid(series, "Series"): str(series.get("Modality", "")) for series in found}
        wanted = sorted(s for s, modality in modalities.items() if not self.modalities or modality in self.modalities)
        return wanted, modalities

    def _fetch_series(self, study_uid: str, series_uid: str, folder: Path) -> None:
        """Fetch a series into a folder of its own, after removing what an interrupted attempt left."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        images = sorted(self._images(study_uid, series_uid))
        if not images:
            folder.rmdir()
            return
        # Numbers: names of files show no UID.
        wanted = {uid: folder / f"{number:05d}.dcm" for number, uid in enumerate(images, start=1)}
        self.retrieve_series(study_uid, series_uid, wanted)
        arrived = len(list(folder.iterdir()))
        if arrived != len(wanted):
            told = f"{self.address} sent {arrived} of the {len(wanted)} images of a series."
            raise PacsError(told, temporary=True)

    def _images(self, study_uid: str, series_uid: str) -> set[str]:
        """Ask which images a series has; not every archive reports the kind of each object."""
        filters = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid}
        found = self.search("IMAGE", filters, ["SOPInstanceUID", "SOPClassUID"])
        return {self._uid(image, "SOP") for image in found if image.get("SOPClassUID") in (None, "", *FETCHED_CLASSES)}

    def _uid(self, found: Dataset, level: str) -> str:
        """Return the UID of an answer: "Study", "Series" or "SOP" instance."""
        uid = str(found.get(f"{level}InstanceUID", ""))
        if len(uid) > LONGEST_UID or not UID.fullmatch(uid):
            raise PacsError(f"{self.address} answers with a {level} Instance UID that is missing or no UID.")
        return uid

    def _check_arrived(self, study_uid: str, series_uid: str, sent: set[str]) -> None:
        missing = sent - self._images(study_uid, series_uid)
        if missing:
            raise PacsError(
                f"{self.address} took {len(sent)} instances, but {len(missing)} of them are not found in the study. "
                "Look whether it changes or quarantines what arrives.",
                temporary=True,
            )


def _found_study(found: Dataset) -> FoundStudy:
    modalities = found.get("ModalitiesInStudy") or ()
    modalities = (modalities,) if isinstance(modalities, str) else tuple(modalities)
    counts = [found.get(key) for key in ("NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")]
    return FoundStudy(str(found.StudyInstanceUID), modalities, *map(_count, counts))


def _count(number: Any) -> int | None:
    try:
        return int(number)
    except (TypeError, ValueError):
        return None


def _free_name(folder: Path) -> Path:
    number = 1
    while (name := folder / f"study-{number:03d}").exists():
        number += 1
    return name


def _read_header(file: Path) -> Dataset:
    try:
        header = dcmread(file, stop_before_pixels=True)
        if all(header.get(key) for key in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")):
            return header
    except (OSError, InvalidDicomError) as error:
        raise BadInputError(f"{file} cannot be sent: it cannot be read as DICOM ({error}).") from error
    raise BadInputError(f"{file} cannot be sent: it names no study, series or instance.")


def _by_series(files: Sequence[Path]) -> tuple[str, dict[str, dict[str, Path]]]:
    """Sort instances of one study by series and SOPInstanceUID, before the first of them is sent."""
    if not files:
        raise BadInputError("There is nothing to send: no DICOM file (*.dcm) was written.")
    series: dict[str, dict[str, Path]] = {}
    studies = set()
    for file in files:
        header = _read_header(file)
        studies.add(str(header.StudyInstanceUID))
        series.setdefault(str(header.SeriesInstanceUID), {})[str(header.SOPInstanceUID)] = file
    if len(studies) > 1:
        raise BadInputError(f"{files[0].parent} holds series of {len(studies)} studies; they are sent one by one.")
    return studies.pop(), series
