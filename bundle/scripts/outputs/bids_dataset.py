"""The files of a BIDS derivative that belong to no patient: description, README, `.bidsignore`, labels."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from scripts import RESEARCH_NOTICE, __version__
from scripts.data.bids_name import OWN_DESCRIPTIONS
from scripts.data.errors import BadInputError
from scripts.data.strict_json import read_json

from .bids_names import LATENT, OVERVIEW, REPORT
from .map_files import DESCRIPTIONS
from .tables import write_json, write_text

BIDS_VERSION = "1.10.0"
DESCRIPTION = "dataset_description.json"
PIPELINE = "FusionINN MONAI bundle"
SOURCES, FUSED = "sources", "fused"
"""Names of other data sets in BIDS URIs: that of the sources, and that of the fused images."""

_LABELS = {
    "fused": "T1-Gd and FLAIR, or other sources, fused into one image that can be decomposed. It has the name of the "
    "first source, on whose grid it lies, but is not an image of that contrast.",
    "decomposed": "Estimate of a source from the fused image alone; not an acquired image.",
    **DESCRIPTIONS,
}
_README = f"""# Results of FusionINN

{RESEARCH_NOTICE}

A BIDS derivative. The label `desc` says what an image is, see `descriptions.tsv`. Keep the `.json` file with each fused
image (`desc-fused`): it holds what is needed to decompose it.

`.bidsignore` lists the files for which BIDS has no name: `*_{LATENT}.nii.gz`, `*_{OVERVIEW}.png`, `*_{REPORT}.html`.
"""
_IGNORE = f"*_{LATENT}.nii.gz\n*_{OVERVIEW}.png\n*_{REPORT}.html\ncohort_report.pdf\ndecomposed\n"


class BidsDataset:
    """A folder of results that is a BIDS derivative.

    Args:
        folder: folder of the results.

    Raises:
        BadInputError: the folder is another data set, for instance that of the sources.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder).expanduser()
        self._description()

    def write(self, links: Mapping[str, Path], license_text: str | None = None, doi: str | None = None) -> None:
        """Write the files of the data set, or complete those of an earlier run.

        Args:
            links: root of each data set that sidecars refer to, by its name there.
            license_text: licence of the sources. Defaults to None (unknown).
            doi: DOI of the sources. Defaults to None (unknown).

        Raises:
            BadInputError: the folder holds results of other sources, or cannot be written to.
        """
        there = self._description()
        paths = {name: self._relative(root) for name, root in links.items()}
        for name, path in there.get("DatasetLinks", {}).items():
            if paths.get(name, path) != path:
                raise BadInputError(
                    f"{self.folder} holds results of another data set ({path}, not {paths[name]}), and a BIDS "
                    "derivative belongs to one. Choose another --output_dir."
                )
        content = {**self._new(license_text), **there}
        if paths:
            content["DatasetLinks"] = {**content.get("DatasetLinks", {}), **paths}
            content.setdefault(
                "SourceDatasets", [{"URL": path} | ({"DOI": doi} if doi else {}) for path in paths.values()]
            )
        if content != there:
            write_json(self.folder / DESCRIPTION, content)
        rows = "".join(f"desc-{label}\t{_LABELS[label]}\n" for label in OWN_DESCRIPTIONS)
        for name, text in {
            "README.md": _README,
            ".bidsignore": _IGNORE,
            "descriptions.tsv": f"desc_id\tdescription\n{rows}",
            "descriptions.json": json.dumps({"Description": "What the values of desc mean."}, indent=2) + "\n",
        }.items():
            if not (self.folder / name).exists():
                write_text(self.folder / name, text)

    def _relative(self, root: Path) -> str:
        return quote(Path(os.path.relpath(root.resolve(), self.folder.resolve())).as_posix(), safe="/.")

    def _description(self) -> dict[str, Any]:
        path = self.folder / DESCRIPTION
        if not path.is_file():
            return {}
        try:
            content = read_json(path)
            by = [entry.get("Name") for entry in content.get("GeneratedBy", [])]
        except (AttributeError, TypeError):
            content, by = {}, []
        if PIPELINE not in by:
            raise BadInputError(
                f"{self.folder} is a data set of its own: {path} was not written by this bundle. Choose another "
                f"--output_dir, for instance {self.folder / 'derivatives' / 'fusioninn'}."
            )
        return dict(content)

    @staticmethod
    def _new(license_text: str | None) -> dict[str, Any]:
        content = {
            "Name": "FusionINN: fused images and the sources decomposed from them",
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "derivative",
            "GeneratedBy": [{"Name": PIPELINE, "Version": __version__, "Description": RESEARCH_NOTICE}],
        }
        return {**content, "License": license_text} if license_text else content


def root_of(file: str | os.PathLike[str]) -> Path | None:
    """Return the folder of the data set that a file belongs to: the nearest above it with a description, or None."""
    folder = Path(os.path.abspath(file)).parent
    return next((place for place in (folder, *folder.parents) if (place / DESCRIPTION).is_file()), None)


def described(root: Path) -> dict[str, Any]:
    """Return the description of another data set; empty if it cannot be read."""
    try:
        content = json.loads((root / DESCRIPTION).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def bids_uri(name: str, root: Path, file: str | os.PathLike[str]) -> str | None:
    """Return the BIDS URI of a file of a data set, or None if it lies elsewhere.

    Args:
        name: name of the data set; "" for the one of the sidecar itself.
        root: its folder.
        file: the file.
    """
    try:
        path = Path(os.path.abspath(file)).relative_to(Path(os.path.abspath(root)))
    except ValueError:
        return None
    return f"bids:{name}:{quote(path.as_posix(), safe='/')}"
