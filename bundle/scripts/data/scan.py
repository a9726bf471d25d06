"""Scan a folder once for image files, and record what could not be read."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from .errors import BadInputError
from .naming import is_volume, without_extension
from .not_taken import NotTaken
from .waiting import note

TASK_FILE = "dataset.json"
_SHOWN = 6


class Place(NamedTuple):
    """Location of an image file.

    Attributes:
        folders: names of the folders below the data set's folder.
        name: file name.
        stem: file name without extension.
    """

    folders: tuple[str, ...]
    name: str
    stem: str

    def __str__(self) -> str:
        return "/".join((*self.folders, self.name))


@dataclass
class Scan:
    """Content of a folder.

    Attributes:
        root: the folder.
        images: image files, sorted by folder and name.
        by_folder: images by their folder.
        tasks: folders that hold a `dataset.json`.
        empty: empty folders.
        others: the first files that are not images, as text.
        dicom: number of files that end in .dcm.
        not_taken: skipped files, with the reason.
    """

    root: Path
    images: list[Place] = field(default_factory=list)
    by_folder: dict[tuple[str, ...], list[Place]] = field(default_factory=dict)
    tasks: list[tuple[str, ...]] = field(default_factory=list)
    empty: list[tuple[str, ...]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    dicom: int = 0
    not_taken: NotTaken = field(default_factory=NotTaken)


def scan_folder(root: Path, is_image: Callable[[str], bool]) -> Scan:
    """Scan a folder and all folders below it.

    Links to folders are followed, and each folder is visited once. Unreadable folders are recorded.

    Args:
        root: an existing folder.
        is_image: whether a file is an image, by its name.

    Raises:
        BadInputError: the folder itself cannot be read.
    """
    scan = Scan(root)
    seen: set[tuple[int, int]] = set()
    waiting: list[tuple[str, ...]] = [()]
    files = 0
    while waiting:
        folders = waiting.pop()
        path = os.path.join(root, *folders)
        try:
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(path) as found:
                entries = sorted(
                    (entry for entry in found if not entry.name.startswith(".")), key=lambda entry: entry.name
                )
        except OSError as error:
            if not folders:
                raise BadInputError(
                    f"the folder {root} cannot be read ({error.strerror}). Change its permissions."
                ) from error
            scan.not_taken.add(f"folder that cannot be read ({error.strerror})", "/".join(folders), surprising=True)
            continue
        inner = dict.fromkeys(entry.name for entry in entries if _is_folder(entry))
        waiting += [(*folders, name) for name in reversed(inner)]
        files += len(entries) - len(inner)
        note(f"Searching for images: {files:,} files")
        if not entries:
            scan.empty.append(folders)
        for entry in entries:
            if entry.name not in inner:
                _note_file(scan, folders, entry, is_image)
    return scan


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _note_file(scan: Scan, folders: tuple[str, ...], entry: os.DirEntry[str], is_image: Callable[[str], bool]) -> None:
    place = Place(folders, entry.name, without_extension(entry.name))
    if not is_volume(entry.name):
        scan.dicom += entry.name.lower().endswith(".dcm")
        if len(scan.others) < _SHOWN:
            scan.others.append(str(place))
        if entry.name == TASK_FILE:
            scan.tasks.append(folders)
        return
    try:
        whole = entry.is_file()
    except OSError:
        whole = False
    if not whole:
        reason = "link to a file that does not exist" if entry.is_symlink() else "not a file"
        scan.not_taken.add(reason, str(place), surprising=True)
    elif not is_image(entry.name):
        scan.not_taken.add("not NIfTI; fusioninn unregistered reads NRRD and MetaImage", str(place), surprising=True)
    else:
        scan.images.append(place)
        scan.by_folder.setdefault(folders, []).append(place)
