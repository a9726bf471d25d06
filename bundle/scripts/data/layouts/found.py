"""What a layout reads from the path of an image file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scripts.data.contrasts import IMAGE_FOLDERS, contrast_of_folder
from scripts.data.scan import Scan


@dataclass(frozen=True)
class Found:
    """One image of one patient.

    Attributes:
        patient: name of the patient, with the visit if there are several; "" if only the folder contains it.
        contrast: name of the contrast, see `CONTRASTS`, or of another source.
        home: folders of the patient. Files of one patient are grouped if these are equal.
        space: grid of the image, if the name states that it was resampled. Defaults to "".
        versions: other processing steps. Defaults to ().
        acquisition: what distinguishes it from other images of the contrast. Defaults to ().
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
    """What layouts know in addition to the file.

    Attributes:
        scan: all files of the data set.
        sources: sources to fuse.
        tasks: content of each `dataset.json`, by its folder. Filled by the layout of tasks.
    """

    scan: Scan
    sources: tuple[str, ...]
    tasks: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def is_role(self, folder: str) -> bool:
        """Whether a folder is named after its content rather than a patient."""
        return folder.lower() in IMAGE_FOLDERS or contrast_of_folder(folder, self.sources) is not None

    def home(self, folders: tuple[str, ...], patient: str) -> tuple[str, ...]:
        """Return the folders without those named after the patient or their content."""
        return tuple(folder for folder in folders if folder != patient and not self.is_role(folder))
