"""Write the results of cases as a BIDS derivative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from scripts import RESEARCH_NOTICE
from scripts.data.errors import BadInputError
from scripts.data.naming import is_nifti, without_extension
from scripts.outputs.bids_dataset import FUSED, SOURCES, BidsDataset, bids_uri, described, root_of
from scripts.outputs.bids_names import BidsNames, bids_beginning, bids_names, is_result_of
from scripts.outputs.map_files import DESCRIPTIONS
from scripts.outputs.outdated import is_own_volume
from scripts.outputs.sidecar import read_sidecar
from scripts.outputs.tables import write_json
from scripts.registration.strip import is_stripped
from scripts.registration.volume import Volume

from .case import Case, DecomposedCase, FusedCase

AnyCase = TypeVar("AnyCase", bound=Case)
ORIGINAL = "orig"
"""Spatial reference of an image that lies on a grid of its own, in the words of BIDS."""


class BidsLayout:
    """Names, sidecars and common files of results that are a BIDS derivative.

    Args:
        output_dir: folder of all results.
        patients: records of all patients of this command, to find names that BIDS cannot tell apart.

    Raises:
        BadInputError: the folder is another data set.
    """

    def __init__(self, output_dir: Path, patients: Sequence[Mapping[str, Any]]) -> None:
        self.output_dir = output_dir
        self.dataset = BidsDataset(output_dir)
        self.patients = patients

    def named(self, case: AnyCase) -> AnyCase:
        """Return a case whose files have BIDS names and, before its record is made, the keys that BIDS expects there.

        Raises:
            BadInputError: the patient or a source has no BIDS name, or shares it with another one.
        """
        if isinstance(case, DecomposedCase):
            files = dict(zip(case.record["SourceModalities"], case.record["Sources"], strict=True))
            names = bids_names(case.patient, files)
            self._check_alone(case, names)
            return replace(case, named=names)
        assert isinstance(case, FusedCase)
        files = dict.fromkeys(case.sources, "") if case.series else dict(case.files)
        names = bids_names(case.patient, files)
        self._check_alone(case, names)
        uris = {source: self._source_uri(file) for source, file in files.items()}
        keys: dict[str, Any] = {
            "SkullStripped": skull_stripped(case),
            "SpatialReference": uris[_reference(case)] or ORIGINAL,
        }
        if any(uris.values()):
            keys["Sources"] = [uris[source] or Path(file).name for source, file in files.items()]
        return replace(case.with_measured(**keys), named=names)

    def complete(self, case: Case, stage: Path) -> None:
        """Describe each volume in a sidecar of its own, and write the common files of the data set.

        Args:
            case: the case, with its record.
            stage: folder with its files.
        """
        names = case.names
        fused = names.fused if isinstance(case, FusedCase) else None
        for volume in sorted(path.name for path in stage.iterdir() if is_nifti(path)):
            sidecar = stage / f"{without_extension(volume)}.json"
            if volume not in (fused, names.latent) and not sidecar.exists():
                write_json(sidecar, self._sidecar(case, volume))
        self.dataset.write(self._links(case), self._origin.get("License"), self._origin.get("DatasetDOI"))

    @staticmethod
    def outdated(folder: Path, names: BidsNames) -> list[Path]:
        """Return the results of an earlier run in a patient's folder.

        Args:
            folder: the folder.
            names: names of the patient's files.
        """
        found = [path for path in sorted(folder.iterdir()) if is_result_of(path.name, names.beginning)]
        return [path for path in found if path.is_file() and (not is_nifti(path) or is_own_volume(path))]

    def _sidecar(self, case: Case, volume: str) -> dict[str, Any]:
        fused = self._fused_uri(case)
        stripped = case.record.get("SkullStripped")
        restored = isinstance(case, DecomposedCase) and case.restored
        content: dict[str, Any] = {"Description": "Result of FusionINN."}
        for source in case.sources:
            if volume == case.names.estimate(source):
                how = (
                    "restored from the fused image and its latent"
                    if restored
                    else "estimated from the fused image alone; not an acquired image"
                )
                content = {"Description": f"{source} of {_whom(case)}, {how}.", "Estimate": not restored}
            for kind in case.maps:
                if volume == case.names.map(source, kind):
                    content = {"Description": f"{source}: {DESCRIPTIONS.get(kind, f'map of {kind}.')}"}
        return {
            **content,
            "ResearchUseOnly": RESEARCH_NOTICE,
            "Patient": case.patient,
            "FusionID": case.record.get("FusionID"),
            "Sources": [fused],
            "SpatialReference": fused if fused.startswith("bids:") else ORIGINAL,
            "SkullStripped": stripped if isinstance(stripped, bool) else skull_stripped(case),
        }

    def _links(self, case: Case) -> dict[str, Path]:
        links = {} if self._root is None or isinstance(case, DecomposedCase) else {SOURCES: self._root}
        root = self._fused_root(case)
        return links if root is None else {**links, FUSED: root}

    def _fused_uri(self, case: Case) -> str:
        if not isinstance(case, DecomposedCase):
            return str(bids_uri("", self.output_dir, self.output_dir.joinpath(*case.names.folders, case.names.fused)))
        root = self._fused_root(case)
        uri = bids_uri("", self.output_dir, case.file) if root is None else bids_uri(FUSED, root, case.file)
        return uri or Path(case.file).name

    def _fused_root(self, case: Case) -> Path | None:
        """Return the data set of the fused image, if it is another one than that of these results."""
        if not isinstance(case, DecomposedCase) or case.series:
            return None
        root = root_of(case.file)
        return None if root is None or root.resolve() == self.output_dir.resolve() else root

    def _source_uri(self, file: str) -> str | None:
        return None if self._root is None or not file else bids_uri(SOURCES, self._root, file)

    @cached_property
    def _root(self) -> Path | None:
        """The data set of the sources: that of the first patient in one."""
        for record in self.patients:
            for file in record.values():
                root = root_of(file) if isinstance(file, str) and is_nifti(file) else None
                if root is not None and root.resolve() != self.output_dir.resolve():
                    return root
        return None

    @cached_property
    def _origin(self) -> dict[str, Any]:
        known = {} if self._root is None else described(self._root)
        return {
            key: value for key, value in known.items() if key in ("License", "DatasetDOI") and isinstance(value, str)
        }

    @cached_property
    def _by_beginning(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for record in self.patients:
            try:
                found.setdefault(bids_beginning(record["patient"]), set()).add(record["patient"])
            except BadInputError:
                continue  # reported when that patient is written
        return found

    def _check_alone(self, case: Case, names: BidsNames) -> None:
        others = self._by_beginning.get(names.beginning, set()) - {case.patient}
        sidecar = self.output_dir.joinpath(*names.folders, names.sidecar)
        if not others and sidecar.is_file():
            with suppress(BadInputError):  # damaged: it is replaced
                others = {read_sidecar(sidecar).get("Patient", case.patient)} - {case.patient}
        if others:
            raise BadInputError(
                f"{case.patient} and {', '.join(sorted(others))} would both be {names.beginning} in BIDS, whose names "
                "have letters and digits only. Rename one of them, for instance in a datalist, or choose another "
                "--output_dir."
            )


def skull_stripped(case: Case) -> bool:
    """Whether the images show a brain without the skull: as preparation noted, or as the images show it."""
    if isinstance(case, FusedCase):
        if any(str(note).startswith("skull") for note in case.notes.get("preparation", ())):
            return True
        volumes: Sequence[Any] = [case.originals[source] for source in case.sources]
    else:
        volumes = [case.shown[0]]
    return all(is_stripped(Volume(np.asarray(volume, dtype=np.float32), case.affine)) for volume in volumes)


def _reference(case: FusedCase) -> str:
    """Return the source on whose grid the images lie."""
    registration = case.notes.get("registration") or {}
    found = (source for source in case.sources if registration.get(source, {}).get("why") == "the reference")
    return next(found, case.sources[0])


def _whom(case: Case) -> str:
    return "a digital phantom, no patient" if case.phantom else "one patient"
