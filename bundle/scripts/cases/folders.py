"""The folder of a case: its writers fill it, all at once or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from scripts.data.errors import BadInputError
from scripts.outputs.inside import folder_inside
from scripts.outputs.outdated import check_same_fusion, outdated_files
from scripts.outputs.staged import placed, recover, staged

from .bids import BidsLayout
from .case import Case, DecomposedCase, FusedCase

Writer = Callable[[Any, Path], None]
"""Takes a case and a folder, and writes files of the case there. It changes neither the case nor other files."""


PATIENTS, BIDS = "patients", "bids"
LAYOUTS = (PATIENTS, BIDS)
"""Layouts of the folder of all results: a folder for each patient, or a BIDS derivative."""


class CaseFolder:
    """Run the writers of a case; see `scripts.outputs.staged`. The subclasses say where, and what is outdated.

    Args:
        output_dir: folder of all cases.
        writers: write the files, in this order.
        record: gives the content of the sidecar for `Case.record`. Defaults to None (the case has it already).
        layout: "patients" or "bids". Defaults to "patients".
        patients: records of all patients, which BIDS needs. Defaults to none.
    """

    def __init__(
        self,
        output_dir: str,
        writers: Sequence[Writer],
        record: Callable[[Any], dict[str, Any]] | None = None,
        layout: str = PATIENTS,
        patients: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        if layout not in LAYOUTS:
            raise BadInputError(f"layout is '{layout}', expected {' or '.join(LAYOUTS)}.")
        self.output_dir = Path(output_dir).expanduser()
        self.writers = list(writers)
        self.record = record
        self.layout = layout
        self._bids = BidsLayout(self.output_dir, patients) if layout == BIDS else None

    def __call__(self, case: Any) -> list[str]:
        """Write the files of a case; they replace those of an earlier run.

        Args:
            case: the case.

        Returns:
            the files written.

        Raises:
            BadInputError: they cannot be written, or the patient has no name in the layout.
        """
        if self._bids is not None:
            case = self._bids.named(case)
        if self.record is not None:
            case = replace(case, record=self.record(case))
        folder = self.folder(case)
        with staged(folder, self.outdated(folder, case)) as stage:
            for write in self.writers:
                write(case, stage)
            if self._bids is not None:
                self._bids.complete(case, stage)
            written = [path for path in sorted(stage.rglob("*")) if path.is_file()]
        return placed(written, stage, folder)

    def folder(self, case: Case) -> Path:
        """Return where the files of a case belong."""
        folder = self.output_dir
        for name in case.names.folders:
            folder = folder_inside(folder, name)
        return folder

    def outdated(self, folder: Path, case: Any) -> Callable[[], Iterable[Path]]:
        """Return what gives the files of an earlier run, called when the new ones are complete."""
        raise NotImplementedError


class FusedFolder(CaseFolder):
    """``output_dir/<patient>/`` with a fused image. Sources that lie there stay."""

    def outdated(self, folder: Path, case: FusedCase) -> Callable[[], Iterable[Path]]:
        """Return what gives the files of an earlier fused image."""

        def find() -> list[Path]:
            if self._bids is not None:
                return self._bids.outdated(folder, case.names)
            earlier = outdated_files(folder, case.patient, keep=case.files.values())
            return [*earlier, folder / f"{case.patient}_fused.nii.gz", *_outdated_series(case, folder)]

        return find


class DecomposedFolder(CaseFolder):
    """``output_dir/<patient>/`` with estimates. Where the fused image lies there as well, its own maps stay."""

    def outdated(self, folder: Path, case: DecomposedCase) -> Callable[[], Iterable[Path]]:
        """Return what gives the files of earlier estimates.

        Raises:
            BadInputError: the folder holds another fused image of the patient.
        """
        recover(folder)
        if check_same_fusion(folder / case.names.sidecar, case.record.get("FusionID")):
            return tuple
        if self._bids is not None:
            return partial(self._bids.outdated, folder, case.names)
        return lambda: [*outdated_files(folder, case.patient, keep=[case.file]), *_outdated_series(case, folder)]


class PictureFolder(CaseFolder):
    """``output_dir`` itself, for all pictures."""

    def folder(self, case: Case) -> Path:
        """Return the folder of all pictures."""
        return self.output_dir

    def outdated(self, folder: Path, case: Case) -> Callable[[], Iterable[Path]]:
        """Return what gives the pictures of an earlier run."""
        decomposed_only = isinstance(case, DecomposedCase)
        return partial(outdated_pictures, folder, case.patient, decomposed_only=decomposed_only)


def _outdated_series(case: Case, folder: Path) -> list[Path]:
    if not case.series:
        return []
    from scripts.dicom.outdated_series import outdated_series  # needs pydicom

    return outdated_series(folder)


def outdated_pictures(folder: Path, name: str, decomposed_only: bool = False) -> list[Path]:
    """Find the pictures that an earlier run made of a fused picture, or next to it.

    Args:
        folder: folder of all pictures.
        name: name of the picture.
        decomposed_only: leave out the overview of the fusion. Defaults to False.
    """
    made = r"_decomposed-\d+_estimate|_decomposed_overview" + ("" if decomposed_only else "|_overview")
    own = re.compile(rf"{re.escape(name)}({made})\.png")
    return [path for path in folder.iterdir() if own.fullmatch(path.name)]
