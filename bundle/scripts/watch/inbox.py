"""The folder of received images: a folder for each study, a file for each image, each of them whole."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path

from scripts.data.atomic import sync, written_whole
from scripts.pacs.query import UID

LONGEST_UID = 64
_PART = ".part"
_PURGED = "purged.json"
_HOUR = 3600.0


def is_uid(text: str) -> bool:
    """Whether a text is a UID, so that it can name a file."""
    return len(text) <= LONGEST_UID and UID.fullmatch(text) is not None


class Inbox:
    """Received images. Only the owner may read them.

    Args:
        folder: of all; created if missing.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).expanduser()
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self.folder.glob(f"*/*{_PART}"):  # of a process that ended; it had not confirmed them
            left.unlink(missing_ok=True)

    def folder_of(self, study_uid: str) -> Path:
        """Return the folder of a study."""
        return self.folder / study_uid

    def studies(self) -> list[str]:
        """Return the StudyInstanceUIDs of all studies."""
        return sorted(path.name for path in self.folder.iterdir() if path.is_dir() and is_uid(path.name))

    def images(self, study_uid: str) -> set[str]:
        """Return the SOPInstanceUIDs of a study."""
        return {path.stem for path in self.folder_of(study_uid).glob("*.dcm")}

    def keep(self, study_uid: str, uid: str, content: bytes) -> bool:
        """Keep an image; it is on disk when this returns. The first of a UID is kept, as archives do.

        Args:
            study_uid: StudyInstanceUID.
            uid: SOPInstanceUID.
            content: of the file.

        Returns:
            False if another image of this UID is kept already.

        Raises:
            OSError: the disk is full or broken; nothing of the image is kept.
        """
        folder = self.folder_of(study_uid)
        target = folder / f"{uid}.dcm"
        if target.exists():
            return target.read_bytes() == content
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
            sync(self.folder)
        temporary = folder / f"{uid}-{time.monotonic_ns()}{_PART}"
        try:
            descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
            sync(folder)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        return True

    def removed(self, study_uid: str) -> set[str]:
        """Return the SOPInstanceUIDs of images that were removed by `purge` and did not arrive again."""
        try:
            listed = json.loads((self.folder_of(study_uid) / _PURGED).read_text())
        except FileNotFoundError:
            return set()
        return set(listed) - self.images(study_uid)

    def purge(self, study_uid: str, hours: float) -> bool:
        """Remove the images of a study of which nothing arrived for some hours. Their UIDs stay.

        Returns:
            whether they were removed.
        """
        folder = self.folder_of(study_uid)
        files = list(folder.glob("*.dcm"))
        newest = max((path.stat().st_mtime for path in files), default=0.0)
        if not files or time.time() - newest < hours * _HOUR:
            return False
        listed = sorted({path.stem for path in files} | self.removed(study_uid))
        with written_whole(folder / _PURGED) as temporary:
            Path(temporary).write_text(json.dumps(listed))
        for file in files:
            file.unlink()
        return True
