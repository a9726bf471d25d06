"""Send a result to the PACS: what is missing there, and nothing twice."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.data.errors import BadInputError
from scripts.dicom.new_uids import StableUids
from scripts.dicom.read_file import read_dataset
from scripts.dicom.rejection import write_rejection

from .plan import Plan

if TYPE_CHECKING:
    from scripts.pacs.archive import Archive


class Delivery:
    """Send results, and check that they arrived.

    Args:
        pacs: where they go.
        output_dir: folder of the results.
        new_study: send also to a PACS that does not know the study. Defaults to False.
        reject_superseded: send a rejection note with a result that replaces another one. Defaults to False.
    """

    def __init__(
        self,
        pacs: Archive,
        output_dir: str | os.PathLike[str],
        new_study: bool = False,
        reject_superseded: bool = False,
    ) -> None:
        self.pacs = pacs
        self.output_dir = Path(output_dir).expanduser()
        self.new_study = new_study
        self.reject_superseded = reject_superseded

    def __call__(self, study_uid: str, plan: Plan) -> int:
        """Send what the PACS lacks of a result. Called again after an interruption, it sends the rest.

        Returns:
            how many instances were sent.

        Raises:
            BadInputError: files are missing, or the PACS does not know the study.
            PacsError: the PACS does not take them.
        """
        if not plan.is_whole(self.output_dir):
            raise BadInputError(
                f"files of a result in {self.output_dir / plan.folder} were removed before they were sent."
            )
        missing = []
        for name, files in plan.files(self.output_dir).items():
            there = self.pacs.images_of_series(study_uid, plan.series[name])
            missing += [file for file in files if not there or _uid(file) not in there]
        if not missing:
            return 0
        if not self.new_study and not self.pacs.find_studies(study_uid=study_uid):
            raise BadInputError(
                f"{self.pacs.address} has no study to which this result belongs. It is sent once the study is there, "
                "or at once with --new_study true."
            )
        return self.pacs.send(missing, new_study=True)

    def reject(self, study_uid: str, plan: Plan, old: Iterable[Mapping[str, str]], uids: StableUids) -> bool:
        """Tell the PACS which series a result replaces, if that is wanted. Called again, it sends the same note.

        Args:
            study_uid: StudyInstanceUID.
            plan: of the result that is in the PACS.
            old: SeriesInstanceUIDs of earlier results, by name.
            uids: give UIDs that follow from the result.

        Returns:
            whether there was something to tell.

        Raises:
            PacsError: the PACS does not take the note.
        """
        series = [uid for result in old for uid in result.values()] if self.reject_superseded else []
        rejected = {uid: images for uid in series if (images := self.pacs.images_of_series(study_uid, uid))}
        if not rejected:
            return False
        header = read_dataset(next(iter(plan.files(self.output_dir).values()))[0], pixels=False)
        uids.begin(plan.key)
        with tempfile.TemporaryDirectory(dir=self.output_dir) as folder:
            note = Path(folder) / "note.dcm"
            write_rejection(note, header, rejected, uids("rejection"), uids("rejection", None, 1))
            self.pacs.attempts(lambda: self.pacs.store([note]))
        return True


def _uid(file: Path) -> str:
    from pydicom import dcmread

    return str(dcmread(file, specific_tags=["SOPInstanceUID"]).SOPInstanceUID)
