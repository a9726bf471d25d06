"""Pair the pictures of one folder per source by their names."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .common_names import pair_names
from .errors import BadInputError
from .not_taken import NotTaken
from .pictures import ENDINGS, is_picture
from .safe_names import file_name

logger = logging.getLogger(__name__)

_SHOWN = 3


def find_picture_pairs(
    sources: Sequence[str | os.PathLike[str]] | None, own_endings: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Pair pictures of folders by name, or use the given files.

    Pictures of the same name belong together, regardless of format. The others are paired by the common parts of their
    names (`ct_01` with `mr_01`) if that is unambiguous, and logged.

    Args:
        sources: a folder of pictures for each source, or a file for each.
        own_endings: endings of results' names, which are not sources. Defaults to ().

    Returns:
        records sorted by name: "patient", which is the first picture's name without extension, and "files", one for
        each source; or "patient" and "problem" if a partner is missing or a name is ambiguous.

    Raises:
        BadInputError: sources are not a list of two or more folders or files, one does not exist, both kinds are mixed,
            a folder holds no picture, or no pictures belong together.
    """
    if not sources or isinstance(sources, str | os.PathLike) or len(sources) < 2:
        raise BadInputError(
            f"sources is {sources!r}, expected a folder or a picture for each source, for instance "
            "--sources \"['MRI','PET']\"."
        )
    paths = [Path(source).expanduser() for source in sources]
    for path in paths:
        if not path.exists():
            raise BadInputError(f"{path} does not exist. Give existing folders or pictures by --sources.")
    folders = [path.is_dir() for path in paths]
    if not any(folders):
        return [{"patient": file_name(paths[0].stem), "files": [str(path) for path in paths]}]
    if not all(folders):
        raise BadInputError(
            f"{paths[folders.index(False)]} is a file and {paths[folders.index(True)]} a folder. Give folders or files."
        )
    found = [_pictures(folder, own_endings) for folder in paths]
    names = set().union(*found)
    whole = {name for name in names if all(name in pictures for pictures in found)}
    # Names that are not in every folder, but have matching parts.
    similar = pair_names([[name for name in pictures if name not in whole] for pictures in found])
    if not whole and not similar:
        raise BadInputError(
            f"No picture of {paths[0]} has a partner of the same or a similar name in {paths[1]} (for instance "
            f"{next(iter(found[0]))} and {next(iter(found[1]))}). Give the pictures that belong together the same name."
        )
    if similar:
        shown = ", ".join(" with ".join(pair) for pair in similar[:_SHOWN])
        logger.info(
            "%d picture(s) paired by the common parts of their names: %s%s",
            len(similar),
            shown,
            ", …" if len(similar) > _SHOWN else "",
        )
    paired = {name for pair in similar for name in pair}
    rows = [*((name,) * len(paths) for name in names - paired), *similar]
    return [_record(row, paths, found) for row in sorted(rows)]


def source_labels(files: Sequence[str | os.PathLike[str]]) -> list[str]:
    """Return short names of the sources: their folders' where these differ, else the files', else numbers."""
    for names in ([Path(file).absolute().parent.name for file in files], [Path(file).stem for file in files]):
        if len(set(names)) == len(names) and all(names):
            return names
    return [f"source {i + 1}" for i in range(len(files))]


def _pictures(folder: Path, own_endings: Sequence[str]) -> dict[str, list[Path]]:
    """Return the pictures of a folder by name; PNG is preferred to other formats of the same name."""
    pictures: dict[str, list[Path]] = {}
    not_taken = NotTaken()
    for file in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
        if not is_picture(file):
            not_taken.add(f"not a picture that can be read ({ENDINGS})", str(file))
        elif not file.name.lower().endswith(tuple(own_endings)):
            pictures.setdefault(file.stem, []).append(file)
    if not pictures:
        seen = "".join(f"\n- {line}" for line in not_taken.lines())
        raise BadInputError(f"no picture was found in {folder}. Give the folder of the pictures by --sources.{seen}")
    for name, files in pictures.items():
        png = [file for file in files if file.suffix.lower() == ".png"]
        if len(png) == 1:
            for file in set(files) - set(png):
                not_taken.add("copy of a PNG file of the same name", str(file))
            pictures[name] = png
    not_taken.log()
    return pictures


def _record(names: Sequence[str], folders: Sequence[Path], found: Sequence[dict[str, list[Path]]]) -> dict[str, Any]:
    safe = file_name(names[0])
    files = [pictures.get(name, []) for name, pictures in zip(names, found, strict=True)]
    missing = [str(folder) for folder, of_name in zip(folders, files, strict=True) if not of_name]
    several = next((of_name for of_name in files if len(of_name) > 1), None)
    if missing:
        problem = f"the picture {names[0]} is missing in {' and '.join(missing)}. Add it, or remove its partner."
    elif several:
        problem = f"{' and '.join(map(str, several))} have the same name. Keep one of them."
    else:
        return {"patient": safe, "files": [str(of_name[0]) for of_name in files]}
    return {"patient": safe, "problem": problem}
