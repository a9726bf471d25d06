"""Names of a patient's results in a BIDS derivative: ``sub-01/anat/sub-01_desc-fused_T1w.nii.gz``."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from scripts.data.bids_name import read_entities, read_own_result
from scripts.data.contrasts import bids_ending
from scripts.data.errors import BadInputError
from scripts.data.naming import person_of, without_extension
from scripts.data.safe_names import name_of, shown

from .result_names import ResultNames

SUFFIXES = (
    *("T1w", "T2w", "PDw", "T2starw", "FLAIR", "inplaneT1", "inplaneT2", "angio"),
    *("T1map", "T2map", "T2starmap", "R1map", "R2map", "R2starmap", "PDmap", "MTRmap", "MTsat", "UNIT1", "T1rho"),
    *("MWFmap", "MTVmap", "Chimap", "S0map", "M0map"),
)
"""Suffixes of three-dimensional images in `anat`."""
ENTITIES = ("task", "acq", "ce", "rec", "run", "echo", "part", "space", "chunk", "res")
"""Entities of a source that its results keep, in the order of the specification."""
LATENT, OVERVIEW, REPORT = "latent", "overview", "report"
"""Suffixes of files for which BIDS has none; `.bidsignore` lists them."""

_LABEL = re.compile(r"[^0-9A-Za-z]+")


@dataclass(frozen=True)
class BidsNames(ResultNames):
    """Names of a patient's results in a BIDS derivative.

    The fused image has the name of the first source, on whose grid it lies.

    Args:
        patient: name of the patient.
        beginning: ``sub-01`` or ``sub-01_ses-2``.
        sources: further entities (may be "") and suffix of each source, in the network's order.
    """

    beginning: str
    sources: Mapping[str, tuple[str, str]]

    @property
    def folders(self) -> tuple[str, ...]:
        """``sub-01/anat`` or ``sub-01/ses-2/anat``."""
        return (*self.beginning.split("_"), "anat")

    @property
    def fused(self) -> str:
        """The fused image."""
        return f"{self._stem(next(iter(self.sources)), 'fused')}.nii.gz"

    @property
    def sidecar(self) -> str:
        """The record of the fused image."""
        return f"{self._stem(next(iter(self.sources)), 'fused')}.json"

    @property
    def latent(self) -> str:
        """The latent, if it is kept."""
        return f"{self.beginning}_desc-fused_{LATENT}.nii.gz"

    def estimate(self, source: str) -> str:
        """The decomposed image of a source."""
        return f"{self._stem(source, 'decomposed')}.nii.gz"

    def map(self, source: str, kind: str) -> str:
        """The map of a source."""
        return f"{self._stem(source, kind)}.nii.gz"

    def map_sidecar(self, kind: str) -> None:
        """None: each map has a sidecar of its own."""
        return

    def overview(self, decomposed: bool = False) -> str:
        """The picture."""
        return f"{self.beginning}_desc-{'decomposed' if decomposed else 'fused'}_{OVERVIEW}.png"

    @property
    def report(self) -> str:
        """The report."""
        return f"{self.beginning}_desc-fused_{REPORT}.html"

    def _stem(self, source: str, description: str) -> str:
        entities, suffix = self.sources[source]
        return "_".join(part for part in (self.beginning, entities, f"desc-{description}", suffix) if part)


def bids_names(patient: str, sources: Mapping[str, str | os.PathLike[str]]) -> BidsNames:
    """Name the results of a patient.

    Entities and suffix of a source are those of its file, if that has a BIDS name, else those of its contrast.

    Args:
        patient: name of the patient, for instance "sub-01_ses-2" or "BraTS-GLI-00005-001".
        sources: file (or BIDS URI) of each source, in the network's order.

    Raises:
        BadInputError: the patient or a source has no BIDS name, or two sources would have the same.
    """
    named = {source: _of_source(source, file) for source, file in sources.items()}
    if len(set(named.values())) < len(named):
        alike = ", ".join("_".join(part for part in name if part) for name in named.values())
        raise BadInputError(
            f"{patient}: two sources would have the same BIDS name ({alike}). Add an entity such as acq- to the names "
            "of their files, or leave out --layout bids."
        )
    return BidsNames(patient, bids_beginning(patient), named)


def bids_beginning(patient: str) -> str:
    """Return ``sub-<label>`` or ``sub-<label>_ses-<label>`` of a patient; labels have letters and digits only.

    "sub-01_ses-2" stays as it is; "TCGA-DU-7294" becomes "sub-TCGADU7294", "P1_week-2" becomes "sub-P1_ses-week2".

    Raises:
        BadInputError: the name contains no letter or digit that BIDS allows.
    """
    name = name_of(patient)
    person, visit = name[: len(person_of(name))], name[len(person_of(name)) :]
    subject = _label(person.removeprefix("sub-"))
    session = _label(re.sub(r"^[_-]*(ses-)?", "", visit))
    if not subject:
        raise BadInputError(
            f"'{shown(patient)}' cannot be a BIDS subject, whose name has the letters A to Z and digits only. Rename "
            "the patient, for instance in a datalist, or leave out --layout bids."
        )
    return f"sub-{subject}" + (f"_ses-{session}" if session else "")


def bids_fused(path: str | os.PathLike[str]) -> str | None:
    """Return the beginning of the name of a fused image of a BIDS derivative, or None for any other file."""
    name = os.path.basename(os.fspath(path))
    result = read_own_result(without_extension(name)) if re.search(r"(?i)\.nii(\.gz)?$", name) else None
    return result.beginning if result and result.description == "fused" and result.suffix != LATENT else None


def names_of(path: str | os.PathLike[str], patient: str, sidecar: Mapping[str, Any]) -> ResultNames:
    """Return the names of the files that were written with a fused image.

    Args:
        path: the fused image.
        patient: name of the patient.
        sidecar: content of its sidecar.

    Raises:
        BadInputError: a source has no BIDS name.
    """
    beginning = bids_fused(path)
    if beginning is None:
        return ResultNames(patient)
    sources = zip(sidecar["SourceModalities"], sidecar["Sources"], strict=True)
    return BidsNames(patient, beginning, {source: _of_source(source, file) for source, file in sources})


def is_result_of(name: str, beginning: str) -> bool:
    """Whether a file has the name of a result of a patient."""
    result = read_own_result(name.split(".")[0])
    return result is not None and result.beginning == beginning


def _of_source(source: str, file: str | os.PathLike[str]) -> tuple[str, str]:
    text = os.fspath(file)
    path = unquote(text) if text.startswith("bids:") else text
    name = PurePosixPath(path.replace(os.sep, "/")).name
    read = read_entities(without_extension(name)) or read_entities(f"sub-x_{bids_ending(source)}")
    entities, suffix = read if read is not None else ({}, source)
    if suffix not in SUFFIXES:
        suffix = next((known for known in SUFFIXES if known.lower() == source.lower()), "")
    if not suffix:
        raise BadInputError(
            f"the source {source} has no BIDS suffix for images in 'anat'; known are {', '.join(SUFFIXES[:8])} and "
            "maps such as T1map. Leave out --layout bids."
        )
    kept = (f"{key}-{_label(entities[key])}" for key in ENTITIES if _label(entities.get(key, "")))
    return "_".join(kept), suffix


def _label(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return _LABEL.sub("", plain)
