"""Find the fused images, and the sources and decomposed images that belong to each."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from .bids_name import read_own_result
from .common_names import CommonNames
from .discovery import DEFAULT_SOURCES, find_patients
from .errors import BadInputError
from .naming import is_nifti, parse_name, without_extension
from .picture_pairs import source_labels
from .pictures import ENDINGS, is_picture
from .strict_json import read_json

logger = logging.getLogger(__name__)

_FUSED = re.compile(r"^(?:(.+)[_-])?fused$", re.IGNORECASE)
_DECOMPOSED = re.compile(r"^(?:(.+)[_-])?decomposed(?:-(\d+)_estimate)?$", re.IGNORECASE)
_NEITHER = re.compile(r"(?:^|[_-])(?:overview|latent|estimate|contribution|uncertainty)$", re.IGNORECASE)
_SHOWN = 3

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


class _NoPartnerError(Exception):
    """An image cannot be scored; others are not affected."""


@dataclass(frozen=True)
class _File:
    """An image file and the parts of its name.

    stem: name without extension; key: part shared with the images that belong to it; place: path within the given
        folder, without extension; word: its source, or None.
    """

    path: Path
    stem: str
    key: str
    place: Path
    word: str | None


def find_image_sets(
    fused: str | os.PathLike[str],
    sources: Paths,
    decomposed: Paths | None = None,
    source_names: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Find every fused image to score, with its sources.

    Each of `fused`, `sources` and `decomposed` is a file or a folder, which is searched recursively. Single files
    belong together regardless of their names. In folders the partner of a fused image is, in this order,

    - the file of the same name, at the same relative path;
    - the file of the same name;
    - the file of the same name up to known endings: `_fused`, the name of the source (`_CT`, `_t1ce`, `-t2f`),
      `_decomposed`, and what this bundle writes (`P_t1gd_decomposed.nii.gz`, `P_decomposed-1_estimate.png`, BIDS names
      with `desc-fused` and `desc-decomposed`);
    - the one file whose name has the same distinguishing part: `img1` for `img1_CDDFuse`, `ct_01` for `1`. Such pairs
      are logged.

    Extensions are ignored, but pictures are paired with pictures and NIfTI with NIfTI. If a folder contains images that
    end in `_fused`, only these are fused images.

    One folder for all sources is a data set: patients as found by `find_patients`, or pictures whose names end in the
    sources' names.

    Args:
        fused: fused image or folder of them.
        sources: a file or folder for each source, in the order of fusion; or one folder for all.
        decomposed: a file or folder for each source, in the same order, or one folder for all. Defaults to None.
        source_names: names of the sources, for the tables and as endings of file names. Defaults to None: the folders'
            names if they differ, else the sources in the files' names, or "t1gd" and "flair" for a data set.

    Returns:
        a record for each fused image, in the order of their names: "patient" (its name without endings), "fused",
        "sources" {name: path}, "decomposed" {name: path}, empty where none are given, and "channels" of a data set that
        keeps all sources in one file; or "patient" and "problem" if a partner is missing or ambiguous.

    Raises:
        BadInputError: a path does not exist, no fused image is found, or the arguments do not fit together.
    """
    if fused is None or sources is None:
        raise BadInputError(
            "Give the fused images by --fused and their sources by --sources, for instance "
            "--fused FUSED --sources \"['CT','MRI']\"."
        )
    root = _existing(fused, "fused")
    given = _as_paths(sources, "sources")
    shared = given[0].is_dir() and all(path == given[0] for path in given)
    names = _names(given, shared, source_names)
    source_paths = given * len(names) if len(given) == 1 else given
    decomposed_paths = [] if decomposed is None else _as_paths(decomposed, "decomposed")
    if len(decomposed_paths) == 1 and decomposed_paths[0].is_dir():
        decomposed_paths *= len(names)
    if decomposed_paths and len(decomposed_paths) != len(names):
        raise BadInputError(
            f"{len(decomposed_paths)} decomposed images or folders are given for {len(names)} sources. Give one for "
            "each, in the same order, or one folder for all."
        )
    if not any(path.is_dir() for path in (root, *source_paths, *decomposed_paths)):
        return [_named_files(root, names, source_paths, decomposed_paths)]

    files = _fused_files(root, names)
    sources_of = _source_finder(files, source_paths, names, shared)
    decomposed_of = _finder(
        files,
        [_decomposed_files(path, decomposed_paths, names, i) for i, path in enumerate(decomposed_paths)],
        decomposed_paths,
        names,
    )
    records = []
    for identity, file in zip(_identities(files), files, strict=True):
        try:
            record = {"patient": identity, "fused": str(file.path), **sources_of(file)}
            record["decomposed"] = decomposed_of(file)["sources"]
        except _NoPartnerError as problem:
            record = {"patient": identity, "problem": str(problem)}
        records.append(record)
    return records


def _existing(path: str | os.PathLike[str], role: str) -> Path:
    found = Path(str(path)).expanduser()
    if not found.exists():
        raise BadInputError(f"{found} does not exist. Give an existing file or folder by --{role}.")
    if found.is_file() and not _is_image(found):
        raise BadInputError(f"{found} has an unsupported extension, expected {ENDINGS}, .nii or .nii.gz.")
    return found


def _as_paths(paths: Paths, role: str) -> list[Path]:
    listed = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not listed:
        raise BadInputError(f"--{role} is empty. Give a file or folder for each source.")
    return [_existing(path, role) for path in listed]


def _names(sources: Sequence[Path], shared: bool, given: Sequence[str] | None) -> list[str]:
    if given is not None:
        names = [given] if isinstance(given, str) else [str(name) for name in given]
        if len(sources) > 1 and len(names) != len(sources):
            raise BadInputError(f"{len(names)} source_names are given for {len(sources)} sources: {names}.")
    elif shared:
        names = list(DEFAULT_SOURCES)
    else:
        parsed = [parse_name(f"{_stem(path)}.nii") if path.is_file() else None for path in sources]
        words = [found[1] for found in parsed if found]
        # A folder is named by itself, a file by the folder that contains it.
        inside = [path if path.is_file() else path.resolve() / "image" for path in sources]
        names = words if len(set(words)) == len(sources) else source_labels(inside)
    if len(names) < 2 or len({name.lower() for name in names}) != len(names):
        raise BadInputError(
            f"the sources are {names}, expected two or more with different names. Give a file or folder for each by "
            "--sources \"['CT','MRI']\", and names by --source_names if those of the folders do not differ."
        )
    return names


def _named_files(fused: Path, names: list[str], sources: list[Path], decomposed: list[Path]) -> dict[str, Any]:
    return {
        "patient": _fused_file(fused, fused.parent).key,
        "fused": str(fused),
        "sources": {name: str(path) for name, path in zip(names, sources, strict=True)},
        "decomposed": {name: str(path) for name, path in zip(names, decomposed, strict=False)},
    }


def _is_image(path: Path) -> bool:
    return is_nifti(path) or is_picture(path)


def _stem(path: Path) -> str:
    return path.stem if is_picture(path) else without_extension(path)


def _images(root: Path) -> Iterator[tuple[Path, str, Path]]:
    """Yield path, stem, and place without extension of every image in a folder, or of one file.

    Copies of a PNG file in another format are skipped.
    """
    files = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
    folder = root.parent if root.is_file() else root
    png = {path.with_suffix("") for path in files if path.suffix.lower() == ".png"}
    for path in files:
        if is_picture(path) and path.suffix.lower() != ".png" and path.with_suffix("") in png:
            logger.debug("skipped: %s: copy of a PNG file of the same name", path)
        elif _is_image(path):
            yield path, _stem(path), path.relative_to(folder).with_name(_stem(path))


def _fused_file(path: Path, folder: Path) -> _File:
    stem = _stem(path)
    if _own_bids(stem) == "fused":
        return _File(path, stem, _bids_patient(path, stem), path.relative_to(folder).with_name(stem), None)
    match = _FUSED.match(stem)
    key = (match[1] or path.resolve().parent.name) if match else stem
    return _File(path, stem, key, path.relative_to(folder).with_name(stem), None)


def _fused_files(root: Path, names: Sequence[str]) -> list[_File]:
    folder = root.parent if root.is_file() else root
    files = [_fused_file(path, folder) for path, _, _ in _images(root)]
    said = [file for file in files if _FUSED.match(file.stem) or _own_bids(file.stem) == "fused"]
    if root.is_file():
        return files
    found = said or [
        file for file in files if not _is_own_output(file.stem) and _parsed(file.stem, names)[1] not in (*names, "seg")
    ]
    if not found:
        raise BadInputError(
            f"no fused image was found in {root}: searched for {ENDINGS}, .nii and .nii.gz files"
            f"{' that show no source' if files else ''}. Give another folder by --fused."
        )
    return found


def _own_bids(stem: str) -> str | None:
    """Return "fused", "decomposed" or another `desc` of a result of this bundle in a BIDS derivative, else None."""
    result = read_own_result(stem)
    return None if result is None or result.suffix in ("latent", "overview") else result.description


def _bids_patient(path: Path, stem: str) -> str:
    """Return the name that a patient of a BIDS derivative was fused by, which its sidecar holds."""
    result = read_own_result(stem)
    beginning = result.beginning if result else stem
    try:
        content = read_json(path.with_name(f"{stem}.json"))
    except BadInputError:
        return beginning
    patient = content.get("Patient") if isinstance(content, dict) else None
    return patient if isinstance(patient, str) and patient else beginning


def _is_own_output(stem: str) -> bool:
    return read_own_result(stem) is not None or any(pattern.search(stem) for pattern in (_FUSED, _DECOMPOSED, _NEITHER))


def _parsed(stem: str, names: Sequence[str]) -> tuple[str, str | None]:
    """Split a name into the shared part and the source at its end, if any."""
    return parse_name(f"{stem}.nii", tuple(names)) or (stem, None)


def _source_files(root: Path, names: Sequence[str], i: int, shared: bool) -> list[_File]:
    others = [name for name in names if name != names[i]]
    files = []
    for path, stem, place in _images(root):
        key, word = _parsed(stem, names)
        foreign = word in others or word == "seg" or (shared and word != names[i])
        if root.is_file() or not (foreign or _is_own_output(stem)):
            files.append(_File(path, stem, key or path.resolve().parent.name, place, word))
    return files


def _decomposed_files(root: Path, roots: Sequence[Path], names: Sequence[str], i: int) -> list[_File]:
    shared = roots.count(root) > 1
    files, said = [], []
    for path, stem, place in _images(root):
        if _own_bids(stem) == "decomposed":
            said.append(_File(path, stem, _bids_patient(path, stem), place, _parsed(stem, names)[1]))
            continue
        match = _DECOMPOSED.match(stem)
        key, word = _parsed((match[1] or "") if match else stem, names)
        if match and match[2]:
            number = int(match[2]) - 1
            word = names[number] if number < len(names) else None
        file = _File(path, stem, key or path.resolve().parent.name, place, word)
        if match:
            said.append(file)
        elif not _is_own_output(stem):
            files.append(file)
    found = said or files
    if root.is_file():
        return found or [_File(path, stem, stem, place, None) for path, stem, place in _images(root)]
    wanted = [file for file in found if file.word == names[i]]
    return wanted if wanted or shared else [file for file in found if file.word not in names]


def _source_finder(
    fused: Sequence[_File], paths: Sequence[Path], names: Sequence[str], shared: bool
) -> Callable[[_File], dict[str, Any]]:
    if shared and not any(is_picture(path) for path, _, _ in _images(paths[0])):
        return _patient_finder(paths[0], names)
    return _finder(fused, [_source_files(path, names, i, shared) for i, path in enumerate(paths)], paths, names)


def _patient_finder(root: Path, names: Sequence[str]) -> Callable[[_File], dict[str, Any]]:
    patients = {patient["patient"]: patient for patient in find_patients(root, names)}

    def find(fused: _File) -> dict[str, Any]:
        patient = patients.get(fused.key) or patients.get(fused.path.resolve().parent.name)
        if patient is None:
            raise _NoPartnerError(
                f"{fused.path} belongs to no patient of {root}: none is named {fused.key}. "
                f"{_nearest(fused.key, patients)}Give the folder of its sources by --sources."
            )
        if "problem" in patient:
            raise _NoPartnerError(patient["problem"])
        record: dict[str, Any] = {"sources": {name: patient[name] for name in names}}
        return {**record, "channels": patient["channels"]} if "channels" in patient else record

    return find


def _finder(
    all_fused: Sequence[_File], found: Sequence[list[_File]], paths: Sequence[Path], names: Sequence[str]
) -> Callable[[_File], dict[str, Any]]:
    indices = [_index(files) for files in found]
    own = CommonNames(file.key for file in all_fused)
    common = [CommonNames(file.key for file in files) for files in found]

    def find(fused: _File) -> dict[str, Any]:
        partners = {}
        for name, path, index, others in zip(names, paths, indices, common, strict=False):
            partners[name] = str(_partner(fused, name, path, index, partial(own.matches, fused.key, others)))
        return {"sources": partners}

    return find


def _index(files: Iterable[_File]) -> list[dict[Any, list[_File]]]:
    """Index files by each way of finding a partner, the most reliable first."""
    by_place: dict[Any, list[_File]] = {}
    by_stem: dict[Any, list[_File]] = {}
    by_key: dict[Any, list[_File]] = {}
    for file in files:
        by_place.setdefault(file.place, []).append(file)
        by_stem.setdefault(file.stem, []).append(file)
        by_key.setdefault(file.key, []).append(file)
    return [by_place, by_stem, by_key]


def _partner(
    fused: _File, name: str, root: Path, index: Sequence[dict[Any, list[_File]]], similar: Callable[[], list[str]]
) -> Path:
    picture = is_picture(fused.path)
    other_kind = []
    by_name = zip(index, (fused.place, fused.stem, fused.key), strict=True)
    ways = [partial(known.get, wanted, []) for known, wanted in by_name]
    for way in (*ways, lambda: [file for key in similar() for file in index[-1][key]]):
        candidates = way()
        other_kind += [file for file in candidates if is_picture(file.path) != picture]
        candidates = [file for file in candidates if is_picture(file.path) == picture]
        if len(candidates) > 1:
            beside = [file for file in candidates if file.place.parent == fused.place.parent]
            candidates = beside if len(beside) == 1 else candidates
        if len(candidates) > 1:
            shown = ", ".join(str(file.path) for file in candidates[:_SHOWN])
            raise _NoPartnerError(
                f"{fused.path} has {len(candidates)} partners for {name} in {root}: {shown}"
                f"{', …' if len(candidates) > _SHOWN else ''}. Keep one, or name the files themselves."
            )
        if candidates:
            if way not in ways:
                logger.info("%s and %s are paired by the common parts of their names", fused.path, candidates[0].path)
            return candidates[0].path
    if other_kind:
        raise _NoPartnerError(
            f"{fused.path} and {other_kind[0].path} have different formats, so their alignment is unknown. Convert one "
            "of them."
        )
    raise _NoPartnerError(
        f"{fused.path} has no partner for {name} in {root}: expected a {'picture' if picture else 'NIfTI file'} named "
        f"{fused.stem}, {fused.key} with a known ending such as _{name}, or similar. {_nearest(fused.key, index[2])}"
        "Rename the files, or name one fused image and its sources instead of folders."
    )


def _nearest(key: str, known: Iterable[str]) -> str:
    names = sorted(known)
    nearest = sorted(get_close_matches(key, names, _SHOWN, 0.5)) or names[:_SHOWN]
    return (
        f"The nearest names are {', '.join(nearest)}{', …' if len(names) > len(nearest) else ''}. " if nearest else ""
    )


def _identities(files: Sequence[_File]) -> list[str]:
    """The shortest distinct names, for the tables."""
    for names in (
        [file.key for file in files],
        [file.place.as_posix() for file in files],
        [file.place.with_name(file.path.name).as_posix() for file in files],
    ):
        if len(set(names)) == len(names):
            break
    return names
