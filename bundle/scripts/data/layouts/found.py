"""What a layout reads from the place of an image file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scripts.data.contrasts import IMAGE_FOLDERS, contrast_of_folder
from scripts.data.scan import Scan


@dataclass(frozen=True)
class Found:
    """One image of one patient.

    Attributes:
        patient: name of the patient, and of the visit where there are several; "" where only the folder says it.
        contrast: name of the contrast, see `CONTRASTS`, or of another source.
        home: folders that the patient lies in. Files of one patient are put together where these are equal.
        space: grid on which the image lies, where the name says that it was moved. Defaults to "".
        versions: how it was processed otherwise. Defaults to ().
        acquisition: what tells it from other images of the contrast. Defaults to ().
        channel: channel of the file. Defaults to None (the file holds one volume).
    """

    patient: str
    contrast: str
    home: tuple[str, ...]
    space: str = ""
    versions: tuple[str, ...] = ()
    acquisition: tuple[str, ...] = ()
    channel: int | None = None


@dataclass
class Context:
    """What layouts know besides the file.

    Attributes:
        scan: everything that lies in the data set.
        sources: sources to fuse.
        tasks: what `dataset.json` says, by its folder. Filled by the layout of tasks.
    """

    scan: Scan
    sources: tuple[str, ...]
    tasks: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def is_role(self, folder: str) -> bool:
        """Whether a folder is named after what it holds and not after a patient."""
        return folder.lower() in IMAGE_FOLDERS or contrast_of_folder(folder, self.sources) is not None

    def home(self, folders: tuple[str, ...], patient: str) -> tuple[str, ...]:
        """Return the folders without those that are named after the patient or after what they hold."""
        return tuple(folder for folder in folders if folder != patient and not self.is_role(folder))
