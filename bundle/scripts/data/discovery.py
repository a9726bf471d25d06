"""Find the patients of a data set: BraTS folders, a Decathlon task or a datalist JSON."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .errors import BadInputError
from .naming import expected_names, is_nifti, parse_name, without_extension
from .safe_names import check_word, file_name, shown
from .schema import check_schema
from .strict_json import read_json

Patient = dict[str, Any]
"""Record of one patient: "patient", a path per source, optional "seg", "channels", "section"; or
"patient" and "problem"."""

DEFAULT_SOURCES = ("t1gd", "flair")

_SECTIONS = {
    "training": "training",
    "train": "training",
    "validation": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}
_ENTRY = {
    "type": "object",
    "properties": {
        "patient": {"type": ["string", "integer", "null"], "description": "a name"},
        "channels": {
            "type": ["object", "null"],
            "description": "the number of the channel of each source",
            "additionalProperties": {
                "type": "integer",
                "minimum": 0,
                "maximum": 9999,
                "description": "the number of a channel, from 0 on",
            },
        },
    },
}
"""What an entry of a datalist has to look like, next to the paths of its files."""
_MODALITIES = {
    "type": "object",
    "additionalProperties": {"type": "string", "description": "the name of a modality"},
    "propertyNames": {"pattern": r"^[0-9]{1,4}\Z", "description": "the number of a channel"},
}
_FOLDER_DEPTH = 3
_DECATHLON_WORDS = {"flair": "flair", "t1w": "t1", "t1": "t1", "t1gd": "t1gd", "t2w": "t2"}
OWN_OUTPUTS = ("_fused", "_decomposed", "_latent", "_contribution", "_uncertainty")
"""Ends of the names of what this bundle writes."""


def find_patients(
    dataset_dir: str | os.PathLike[str],
    sources: Sequence[str] = DEFAULT_SOURCES,
    datalist: str | os.PathLike[str] | None = None,
    is_image: Callable[[Path], bool] = is_nifti,
) -> list[Patient]:
    """Find every patient of a data set; its layout is told by looking.

    Known layouts:

    - BraTS 2018-2021: `X/X_t1ce.nii.gz`, `X_flair`, `X_t1`, `X_t2`, `X_seg`, up to three levels
      deep (`HGG/X/...`), also `.nii`;
    - BraTS 2023 and later: `X/X-t1c.nii.gz`, `X-t2f`, `X-t1n`, `X-t2w`, `X-seg`;
    - one patient's folder, or one folder that holds the files of several patients;
    - Medical Segmentation Decathlon Task01: `dataset.json`, `imagesTr`, `labelsTr`, `imagesTs`,
      four channels in one file;
    - a datalist JSON, `{"training": [{"patient", "t1gd", "flair", "seg"}], "validation": [...]}`
      or a plain list, with paths relative to the JSON's own folder. It is taken from `datalist`,
      from `dataset_dir` where that is a `.json` file, or from `dataset_dir/datalist.json`.

    Args:
        dataset_dir: folder of the data set.
        sources: modalities to fuse, in order: "t1gd", "flair", "t1", "t2", or any other word that
            ends the file names. Defaults to ("t1gd", "flair").
        datalist: datalist JSON. Defaults to None (look at the folder).
        is_image: which files of patients' folders are images, by their names. Defaults to `is_nifti`.

    Returns:
        records sorted by patient, with absolute paths as str: {"patient", source: path, ...} and
        where they exist "seg", "channels" ({source: channel} of a 4-channel file) and "section"
        ("training", "validation" or "test" of a datalist). A patient that lacks a modality is
        {"patient", "problem"}.

    Raises:
        BadInputError: the folder is missing, is no folder, is empty or holds no patient; two
            patients have one name; the datalist cannot be read.
    """
    sources = _check_sources(sources)
    root = Path(dataset_dir).expanduser().absolute()
    if datalist:
        patients = _from_datalist(Path(datalist).expanduser().absolute(), sources, root)
    else:
        patients = _look(root, sources, is_image)
    return _sorted_without_duplicates(patients)


def usable(patients: Iterable[Patient]) -> list[Patient]:
    """Drop patients that have a problem, with a warning for each.

    Raises:
        BadInputError: no patient remains; the message lists the problems.
    """
    good, problems = [], []
    for patient in patients:
        if "problem" in patient:
            problems.append(patient["problem"])
            warnings.warn(f"left out: {patient['problem']}", stacklevel=2)
        else:
            good.append(patient)
    if not good:
        shown = "\n".join(f"- {problem}" for problem in problems[:10])
        raise BadInputError(f"no patient can be used ({len(problems)} found):\n{shown}")
    return good


def _check_sources(sources: Sequence[str]) -> tuple[str, ...]:
    if isinstance(sources, str):
        raise BadInputError(f'sources is "{sources}", expected a list such as ["t1gd", "flair"].')
    sources = tuple(sources)
    if len(sources) < 2 or len(set(sources)) != len(sources):
        raise BadInputError(
            f'sources is {list(sources)}, expected two or more different modalities such as ["t1gd", "flair"].'
        )
    for source in sources:
        check_word(source, "a source's name", "sources")  # becomes part of file names
    return sources


def _look(root: Path, sources: tuple[str, ...], is_image: Callable[[Path], bool]) -> list[Patient]:
    if not root.exists():
        raise BadInputError(f"the data set folder {root} does not exist. Give an existing folder as dataset_dir.")
    if root.is_file():
        if root.suffix.lower() == ".json":
            return _from_datalist(root, sources, root.parent)
        raise BadInputError(
            f"{root} is a file, but dataset_dir must be a folder of patients (or a datalist "
            f".json). Try its folder: {root.parent}"
        )
    if not _visible(root):
        raise BadInputError(
            f"the data set folder {root} is empty. Put the patients' folders there, or give "
            "another folder as dataset_dir."
        )
    if (root / "datalist.json").is_file():
        return _from_datalist(root / "datalist.json", sources, root)
    for folder in (root, *(entry for entry in _visible(root) if entry.is_dir())):
        if (folder / "dataset.json").is_file() and (folder / "imagesTr").is_dir():
            return _from_decathlon(folder, sources)
    patients = _from_folders(root, sources, is_image)
    if not patients:
        raise BadInputError(_nothing_found(root, sources))
    return patients


def _visible(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except PermissionError as error:
        raise BadInputError(
            f"the folder {folder} may not be read ({error.strerror}). Change its permissions."
        ) from error
    return [entry for entry in entries if not entry.name.startswith(".")]


def _walk(folder: Path, depth: int = _FOLDER_DEPTH, seen: set[Path] | None = None) -> Iterator[tuple[Path, list[Path]]]:
    # An own walk: links to folders are followed, and each folder is entered once.
    seen = set() if seen is None else seen
    if folder.resolve() in seen:
        return
    seen.add(folder.resolve())
    entries = _visible(folder)
    yield folder, entries
    if depth:
        for entry in entries:
            if entry.is_dir():
                yield from _walk(entry, depth - 1, seen)


def _from_folders(root: Path, sources: tuple[str, ...], is_image: Callable[[Path], bool]) -> list[Patient]:
    patients: list[Patient] = []
    empty, strange = [], []
    for folder, entries in _walk(root):
        images = [entry for entry in entries if is_image(entry) and entry.is_file()]
        groups: dict[str, dict[str, list[Path]]] = {}
        for path in images:
            parsed = parse_name(path, sources)
            if parsed is not None:
                prefix, modality = parsed
                groups.setdefault(prefix, {}).setdefault(modality, []).append(path)
        _adopt_segmentation(groups)
        for prefix, files in groups.items():
            patients.append(_folder_patient(folder, prefix, files, sources, groups))
        if not entries:
            empty.append(folder)
        elif images and not groups and not _all_own_outputs(images):
            strange.append(folder)
    if patients:
        patients += [
            {
                "patient": folder.name,
                "problem": f"{folder.name}: the folder {folder} is empty; expected "
                f"{_expected(folder.name, sources)}. Add the files or remove the folder.",
            }
            for folder in empty
        ]
        for folder in strange:
            warnings.warn(
                f"no image in {folder} has a known name, expected "
                f"{_expected(folder.name, sources)}; the folder is left out.",
                stacklevel=3,
            )
    return patients


def _adopt_segmentation(groups: dict[str, dict[str, list[Path]]]) -> None:
    # BraTS 2020's patient 355 has its segmentation under another name (W39_1998.09.19_Segm.nii)
    alone = [prefix for prefix, files in groups.items() if set(files) == {"seg"}]
    others = [prefix for prefix in groups if prefix not in alone]
    if len(alone) == len(others) == 1 and "seg" not in groups[others[0]]:
        groups[others[0]]["seg"] = groups.pop(alone[0])["seg"]


def _all_own_outputs(files: list[Path]) -> bool:
    return all(without_extension(file).endswith(OWN_OUTPUTS) for file in files)


def _expected(patient: str, sources: tuple[str, ...]) -> str:
    return " and ".join(expected_names(patient, source) for source in sources)


def _folder_patient(
    folder: Path,
    prefix: str,
    files: dict[str, list[Path]],
    sources: tuple[str, ...],
    neighbours: dict[str, dict[str, list[Path]]],
) -> Patient:
    name = prefix or folder.name
    for modality in (*sources, "seg"):
        found = files.get(modality, [])
        if len(found) > 1:
            names = ", ".join(file.name for file in found)
            return {
                "patient": name,
                "problem": f"{name}: {len(found)} files are the {modality} image in {folder}: "
                f"{names}. Keep one of them.",
            }
    missing = [source for source in sources if source not in files]
    if missing:
        others = [
            file.name
            for other, group in neighbours.items()
            if other != prefix
            for source in missing
            for file in group.get(source, [])
        ]
        here = ", ".join(sorted(file.name for group in files.values() for file in group))
        problem = (
            f"{name}: the {' and the '.join(missing)} image is missing in {folder}: expected "
            f"{' and '.join(expected_names(prefix, source) for source in missing)}, "
            f"found {here}."
        )
        if others:
            problem += f" The folder also holds {', '.join(others[:3])}, of another patient."
        return {"patient": name, "problem": problem + " Add the file or leave the patient out."}
    record: Patient = {"patient": name}
    record.update({source: str(files[source][0]) for source in sources})
    if "seg" in files:
        record["seg"] = str(files["seg"][0])
    return record


def _nothing_found(root: Path, sources: tuple[str, ...]) -> str:
    found = []
    for _, entries in _walk(root):
        found += [str(entry.relative_to(root)) for entry in entries if not entry.is_dir()]
        if len(found) > 5:
            break
    seen = ", ".join(found[:5]) + (", ..." if len(found) > 5 else "") if found else "no file"
    return (
        f"no patient was found in {root}. Looked for {_expected('<patient>', sources)} up to "
        f"{_FOLDER_DEPTH} folders deep, for a Decathlon task (dataset.json with imagesTr) and for "
        f"datalist.json; found {seen}. Rename the files, or name them in a datalist JSON: "
        f'{{"training": [{{"patient": "p1", {_datalist_example(sources)}}}]}}'
    )


def _datalist_example(sources: tuple[str, ...]) -> str:
    return ", ".join(f'"{source}": "p1/{source}.nii.gz"' for source in sources)


def _from_decathlon(folder: Path, sources: tuple[str, ...]) -> list[Patient]:
    path = folder / "dataset.json"
    description = read_json(path)
    modality = description.get("modality") if isinstance(description, dict) else None
    if not isinstance(modality, dict):
        raise BadInputError(
            f'{path} has no "modality" table such as {{"0": "FLAIR", "2": "t1gd"}}. Use the file '
            "that comes with Task01_BrainTumour."
        )
    check_schema(modality, _MODALITIES, f'"modality" of {path}')
    channel_of = {
        _DECATHLON_WORDS.get(str(name).lower(), str(name).lower()): int(channel) for channel, name in modality.items()
    }
    missing = [source for source in sources if source not in channel_of]
    if missing:
        raise BadInputError(
            f"{path} names the channels {sorted(channel_of)}, but {missing} is asked for. Choose "
            "sources among those (Task01_BrainTumour has flair, t1, t1gd and t2)."
        )
    channels = {source: channel_of[source] for source in sources}
    patients = []
    for images, labels in (("imagesTr", "labelsTr"), ("imagesTs", "labelsTs")):
        images_dir = folder / images
        for image in _visible(images_dir) if images_dir.is_dir() else []:
            if not is_nifti(image):
                continue
            record: Patient = {"patient": without_extension(image)}
            record.update({source: str(image) for source in sources})
            if (folder / labels / image.name).is_file():
                record["seg"] = str(folder / labels / image.name)
            record["channels"] = dict(channels)
            patients.append(record)
    if not patients:
        raise BadInputError(
            f"no image (.nii.gz) was found in {folder / 'imagesTr'}, although {path} describes a "
            "Decathlon task. Unpack the task's archive completely."
        )
    return patients


def _from_datalist(path: Path, sources: tuple[str, ...], root: Path) -> list[Patient]:
    content = read_json(path)
    if isinstance(content, list):
        content = {"training": content}
    sections = (
        {key: value for key, value in content.items() if key in _SECTIONS and value}
        if isinstance(content, dict)
        else {}
    )
    if not sections:
        raise BadInputError(
            f"{path} lists no patient: expected "
            f'{{"training": [{{"patient": "p1", {_datalist_example(sources)}}}], '
            '"validation": [...]} or a plain list of such entries.'
        )
    patients = []
    for key, entries in sections.items():
        if not isinstance(entries, list):
            raise BadInputError(f'"{key}" in {path} is a {type(entries).__name__}, expected a list of entries.')
        for number, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise BadInputError(
                    f'entry {number} of "{key}" in {path} is {entry!r:.80}, expected '
                    f'{{"patient": "p1", {_datalist_example(sources)}}}.'
                )
            record = _datalist_patient(entry, sources, path, root, f'entry {number} of "{key}"')
            record["section"] = _SECTIONS[key]
            patients.append(record)
    return patients


def _datalist_patient(
    entry: dict[str, Any], sources: tuple[str, ...], datalist: Path, root: Path, where: str
) -> Patient:
    try:
        check_schema(entry, _ENTRY, f"{where} of {datalist}", "Correct the entry.")
    except BadInputError as error:
        return {"patient": where, "problem": str(error)}
    channels = entry.get("channels")
    given: dict[str, Any] = {source: entry.get(source) for source in sources}
    if channels is not None and "image" in entry:
        given = {source: entry["image"] if source in channels else None for source in sources}
    seg = entry.get("seg", entry.get("label"))
    name = str(entry.get("patient") or _name_from_files(given, sources) or where)

    def problem(text: str, remedy: str) -> Patient:
        return {"patient": name, "problem": f"{shown(name)}: {text} ({where} of {datalist}). {remedy}"}

    record: Patient = {"patient": name}
    for key, value in {**given, "seg": seg}.items():
        if value is None:
            if key == "seg":
                continue
            return problem(f"the {key} image is missing", f'Add "{key}": "<file>" to the entry.')
        if not isinstance(value, str):
            return problem(f'"{key}" is {value!r:.60}', "Expected the path of one file.")
        file = _resolve(value, datalist, root)
        if not _is_file(file):
            return problem(
                f"the {key} file {shown(file, 200)} does not exist",
                "Paths are relative to the JSON's folder; correct the entry or add the file.",
            )
        record[key] = str(file)
    if channels is not None:
        missing = [source for source in sources if source not in channels]
        if missing:
            return problem(f'"channels" does not name {missing[0]}', f'Add "{missing[0]}": <number of its channel>.')
        record["channels"] = {source: channels[source] for source in sources}
    return record


def _resolve(value: str, datalist: Path, root: Path) -> Path:
    beside_json = Path(os.path.normpath(datalist.parent / os.path.expanduser(value)))
    below_root = Path(os.path.normpath(root / value))
    return below_root if not _is_file(beside_json) and _is_file(below_root) else beside_json


def _is_file(path: Path) -> bool:
    """Whether there is such a file; a text that no path can be, too long or with a null character, names none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _name_from_files(given: dict[str, Any], sources: tuple[str, ...]) -> str:
    paths = [value for value in given.values() if isinstance(value, str)]
    if not paths:
        return ""
    if len(set(paths)) == 1:
        return without_extension(paths[0])
    parsed = parse_name(paths[0], sources)
    return (parsed[0] if parsed else "") or Path(paths[0]).parent.name


def _sorted_without_duplicates(patients: list[Patient]) -> list[Patient]:
    seen: dict[str, Patient] = {}
    for patient in patients:
        other = seen.setdefault(patient["patient"], patient)
        if other is not patient:
            raise BadInputError(
                f"two patients are named {patient['patient']}: {_place(other)} and "
                f"{_place(patient)}. Rename or remove one of them (in a datalist, give each "
                'entry a "patient" of its own).'
            )
    return sorted(map(_with_safe_name, patients), key=lambda patient: patient["patient"])


def _with_safe_name(patient: Patient) -> Patient:
    """Make the patient's name safe: it becomes the name of a folder and the beginning of file names."""
    try:
        return {**patient, "patient": file_name(patient["patient"])}
    except BadInputError as error:
        short = file_name(shown(patient["patient"]) or "?")
        return {"patient": short, "problem": f"{short}: {error} ({_place(patient)})"}


def _place(patient: Patient) -> str:
    keys = [key for key in patient if key not in ("patient", "channels", "section")]
    return str(patient[keys[0]])
