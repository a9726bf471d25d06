"""Where the images of a study are: in the PACS, or in the folder of what was received."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from scripts.data.errors import BadInputError
from scripts.dicom.read_file import read_dataset

from .errors import LeftAloneError
from .inbox import Inbox

if TYPE_CHECKING:
    from scripts.pacs.archive import Archive


class Source(Protocol):
    """What has the images of studies."""

    def images(self, uid: str, without: Collection[str] = ()) -> set[str]:
        """Return the SOPInstanceUIDs of a study, without those of some series; empty if it has none."""

    def description(self, uid: str) -> str:
        """Return the Study Description."""

    def fetch(self, uid: str, folder: Path, without: Collection[str] = ()) -> Path:
        """Return a folder with the images, which may be made in `folder`."""


class PacsSource:
    """Images in a PACS.

    Args:
        pacs: the PACS.
    """

    def __init__(self, pacs: Archive) -> None:
        self.pacs = pacs

    def images(self, uid: str, without: Collection[str] = ()) -> set[str]:
        """Ask for the images of a study."""
        return set().union(*self.pacs.list_images(uid, without).values())

    def description(self, uid: str) -> str:
        """Ask for the Study Description."""
        found = self.pacs.attempts(
            lambda: self.pacs.search("STUDY", {"StudyInstanceUID": uid}, ["StudyInstanceUID", "StudyDescription"])
        )
        return next((str(one.get("StudyDescription", "") or "") for one in found if one.StudyInstanceUID == uid), "")

    def fetch(self, uid: str, folder: Path, without: Collection[str] = ()) -> Path:
        """Fetch the images."""
        return self.pacs.fetch_study(uid, folder, without)


class InboxSource:
    """Images that were received.

    Args:
        inbox: where they lie.
    """

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox

    def images(self, uid: str, without: Collection[str] = ()) -> set[str]:
        """Return what was received of a study. Our own series are not kept there, so none is left out."""
        return self.inbox.images(uid)

    def description(self, uid: str) -> str:
        """Read the Study Description from one of the images."""
        for file in sorted(self.inbox.folder_of(uid).glob("*.dcm"))[:1]:
            try:
                return str(read_dataset(file, pixels=False, keywords=["StudyDescription"]).get("StudyDescription", ""))
            except BadInputError:
                continue
        return ""

    def fetch(self, uid: str, folder: Path, without: Collection[str] = ()) -> Path:
        """Return the folder of the images, where they are read.

        Raises:
            LeftAloneError: images that are needed were removed long ago.
        """
        removed = self.inbox.removed(uid)
        if removed:
            raise LeftAloneError(
                f"{len(removed)} of its images were removed after --keep_hours. Send the whole study again."
            )
        return self.inbox.folder_of(uid)


def check_origin(orthanc_url: str | None, listen_port: int | None) -> None:
    """Check that studies come from one place, before anything is read or begun.

    Raises:
        BadInputError: no place is named, or two.
    """
    if (orthanc_url is None) == (listen_port is None):
        raise BadInputError(
            "Say where studies come from: --orthanc_url to follow an Orthanc, or --listen_port to take what modalities "
            "send; one of them."
        )


def source_of_images(pacs: Archive, inbox: Inbox | None) -> Source:
    """Return what has the images: the folder of what was received, where there is one, or else the PACS."""
    return PacsSource(pacs) if inbox is None else InboxSource(inbox)
