"""Fetch studies of a PACS into a folder that lasts as long as the run."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.data.errors import BadInputError
from scripts.outputs.writing import check_writable

if TYPE_CHECKING:
    from .archive import Archive


class FetchedStudies:
    """Find studies in a PACS and fetch them into a temporary folder, which only its owner may read.

    The folder goes when the process ends, or with `close`.

    Args:
        pacs: where they are.
        query: what is asked for, see `study_filters`.
        several: fetch all where more than one study matches. Defaults to False.
        temporary_dir: folder to make the temporary one in. Defaults to None, the system's.
    """

    def __init__(
        self,
        pacs: Archive,
        query: Mapping[str, str | int | None],
        several: bool = False,
        temporary_dir: str | None = None,
    ) -> None:
        self.pacs = pacs
        self.query = dict(query)
        self.several = several
        self.temporary_dir = None if temporary_dir is None else Path(temporary_dir).expanduser()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self.logger = logging.getLogger(__name__)

    def folder(self) -> str:
        """Return the folder with the studies, which are fetched on the first call.

        Raises:
            BadInputError: no study matches or, unless `several` are wanted, more than one does.
            PacsError: the PACS does not answer, or a study does not arrive whole.
        """
        if self._folder is None:
            self._folder = self._fetch()
        return self._folder.name

    def close(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _fetch(self) -> tempfile.TemporaryDirectory[str]:
        studies = self.pacs.find_studies(**self.query)
        asked = ", ".join(f"--{key}" for key, value in self.query.items() if value is not None)
        if not studies:
            raise BadInputError(f"{self.pacs.address} has no study that matches {asked}.")
        if len(studies) > 1 and not self.several:
            told = "\n".join(f"- {study}" for study in studies)
            raise BadInputError(
                f"{self.pacs.address} has {len(studies)} studies that match {asked}. Name one by --study_uid, or take "
                f"all with --all_studies true:\n{told}"
            )
        if self.temporary_dir is not None:
            check_writable(self.temporary_dir)
        folder = tempfile.TemporaryDirectory(prefix="fusioninn-", dir=self.temporary_dir)
        start = time.monotonic()
        try:
            for study in studies:
                self.pacs.fetch_study(study.uid, folder.name)
        except BaseException:
            folder.cleanup()
            raise
        files = list(Path(folder.name).rglob("*.dcm"))
        self.logger.info(
            f"Fetched {len(studies)} study(s), {len({path.parent for path in files})} series, {len(files)} instances "
            f"from {self.pacs.address} in {time.monotonic() - start:.1f} s."
        )
        return folder
