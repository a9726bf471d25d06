"""Find the pictures that belong together: those of one name in a folder for each source."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .errors import BadInputError
from .pictures import is_picture
from .safe_names import file_name


def find_picture_pairs(
    sources: Sequence[str | os.PathLike[str]] | None, own_endings: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Pair pictures by name, or take the files that are named.

    Args:
        sources: a folder of PNG files for each source, or a file for each.
        own_endings: ends of the names of results, which are no sources. Defaults to ().

    Returns:
        records sorted by name: "patient", which is the picture's name without ".png", and "files", one for each source;
        or "patient" and "problem" where a partner is missing.

    Raises:
        BadInputError: sources are no list of two or more folders or files, one does not exist, both kinds are mixed,
            a folder holds no picture, or no name is in all folders.
    """
    if not sources or isinstance(sources, str | os.PathLike) or len(sources) < 2:
        raise BadInputError(
            f"sources is {sources!r}, expected a folder or a PNG file for each source, for instance "
            "--sources \"['MRI','PET']\"."
        )
    paths = [Path(source).expanduser() for source in sources]
    for path in paths:
        if not path.exists():
            raise BadInputError(f"{path} does not exist. Give existing folders or PNG files by --sources.")
    folders = [path.is_dir() for path in paths]
    if not any(folders):
        return [{"patient": file_name(paths[0].stem), "files": [str(path) for path in paths]}]
    if not all(folders):
        raise BadInputError(
            f"{paths[folders.index(False)]} is a file and {paths[folders.index(True)]} a folder. Give folders or files."
        )
    found = [_pictures(folder, own_endings) for folder in paths]
    names = sorted(set().union(*found))
    if not any(all(name in pictures for pictures in found) for name in names):
        raise BadInputError(
            f"No picture of {paths[0]} has a partner of the same name in {paths[1]} (for instance {names[0]}.png). "
            "Give the pictures that belong together the same name."
        )
    return [_record(name, paths, found) for name in names]


def source_labels(files: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Return short names of the sources: their folders' where these differ, else the files', else numbers."""
    for names in ([Path(file).absolute().parent.name for file in files], [Path(file).stem for file in files]):
        if len(set(names)) == len(names) and all(names):
            return names
    return [f"source {i + 1}" for i in range(len(files))]


def _pictures(folder: Path, own_endings: Sequence[str]) -> dict[str, Path]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and is_picture(path))
    pictures: dict[str, Path] = {}
    for file in files:
        if file.name.lower().endswith(tuple(own_endings)):
            continue
        if file.stem in pictures:
            raise BadInputError(f"{file} and {pictures[file.stem]} have one name. Keep one of them.")
        pictures[file.stem] = file
    if not pictures:
        raise BadInputError(f"There is no PNG picture in {folder}. Give the folder of the pictures by --sources.")
    return pictures


def _record(name: str, folders: Sequence[Path], found: Sequence[dict[str, Path]]) -> dict[str, Any]:
    safe = file_name(name)
    missing = [str(folder) for folder, pictures in zip(folders, found, strict=True) if name not in pictures]
    if missing:
        problem = f"there is no {name}.png in {' and '.join(missing)}. Add it, or take its partner away."
        return {"patient": safe, "problem": problem}
    return {"patient": safe, "files": [str(pictures[name]) for pictures in found]}
