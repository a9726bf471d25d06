"""Find the patients of a data set: a folder in any layout of `scripts.data.layouts`, or a datalist JSON."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from .errors import BadInputError
from .layouts.found import Context
from .naming import expected_names, is_nifti, parse_name, without_extension
from .patients import OWN_OUTPUTS as OWN_OUTPUTS
from .patients import patients_of
from .safe_names import check_word, file_name, shown
from .scan import Scan, scan_folder
from .schema import check_schema
from .strict_json import read_json

Patient = dict[str, Any]
"""Record of a patient: "patient", a path per source, optional "seg" or "seg_candidates", "channels", "section"; or
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
"""Schema of an entry of a datalist, apart from the paths of its files."""


def find_patients(
    dataset_dir: str | os.PathLike[str],
    sources: Sequence[str] = DEFAULT_SOURCES,
    datalist: str | os.PathLike[str] | None = None,
    is_image: Callable[[str], bool] = is_nifti,
) -> list[Patient]:
    """Find every patient of a data set. The layout is detected automatically, at any depth of folders.

    Known layouts, see `docs/data_layouts.md`:

    - BraTS of all years, and other sets whose file names end in the contrast (UPENN-GBM, UCSF-PDGM, RHUH-GBM);
    - BIDS; LUMIERE; one folder for each contrast; one patient's folder;
    - Medical Segmentation Decathlon and nnU-Net with their `dataset.json`;
    - a datalist JSON, `{"training": [{"patient", "t1gd", "flair", "seg"}], "validation": [...]}` or a plain list, with
      paths relative to the JSON's folder. It is read from `datalist`, from `dataset_dir` if that is a `.json` file, or
      from `dataset_dir/datalist.json`.

    Image files that are skipped are logged with the reason.

    Args:
        dataset_dir: folder of the data set.
        sources: modalities to fuse, in order: "t1gd", "flair", "t1", "t2", or any other ending of file names. Defaults
            to ("t1gd", "flair").
        datalist: datalist JSON. Defaults to None (search the folder).
        is_image: whether a file of a patient's folder is an image, by its name. Defaults to `is_nifti`.

    Returns:
        records sorted by patient, with absolute paths as str: {"patient", source: path, ...} and, where present, "seg",
        "channels" ({source: channel} of a 4-channel file) and "section" ("training", "validation" or "test" of a
        datalist). Where several files could be the segmentation, "seg_candidates" lists them instead of "seg". A
        patient that lacks a modality or is ambiguous is {"patient", "problem"}.

    Raises:
        BadInputError: the folder is missing, is not a folder, is empty or holds no patient; the datalist cannot be read
            or has two patients with the same name.
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


def _look(root: Path, sources: tuple[str, ...], is_image: Callable[[str], bool]) -> list[Patient]:
    if not root.exists():
        raise BadInputError(f"the data set folder {root} does not exist. Give an existing folder as dataset_dir.")
    if root.is_file():
        if root.suffix.lower() == ".json":
            return _from_datalist(root, sources, root.parent)
        raise BadInputError(
            f"{root} is a file, but dataset_dir must be a folder of patients (or a datalist "
            f".json). Try its folder: {root.parent}"
        )
    if (root / "datalist.json").is_file():
        return _from_datalist(root / "datalist.json", sources, root)
    scan = scan_folder(root, is_image)
    if () in scan.empty:
        raise BadInputError(
            f"the data set folder {root} is empty. Put the patients' folders there, or give another folder as "
            "dataset_dir."
        )
    patients, context = patients_of(scan, sources)
    if not patients:
        raise BadInputError(_nothing_found(scan, context))
    scan.not_taken.log()
    return patients


def _expected(patient: str, sources: tuple[str, ...]) -> str:
    return " and ".join(expected_names(patient, source) for source in sources)


def _nothing_found(scan: Scan, context: Context) -> str:
    sources = context.sources
    problems = [task.problem for task in context.tasks.values() if task.problem]
    if problems:
        return problems[0]
    for folders in scan.tasks:
        folder = scan.root.joinpath(*folders)
        if (folder / "imagesTr").is_dir():
            return (
                f"no image (.nii.gz) was found in {folder / 'imagesTr'}, although {folder / 'dataset.json'} describes "
                "a Decathlon task. Unpack the task's archive completely."
            )
    images = [str(place) for place in scan.images]
    seen = sorted([*images[:5], *scan.others[:5]])
    found = ", ".join(seen[:5]) + (", ..." if len(images) + len(scan.others) > 5 else "") if seen else "no file"
    lines = "".join(f"\n- {line}" for line in scan.not_taken.lines())
    dicom = f" {scan.dicom} files are DICOM: give the folder to fusioninn study." if scan.dicom else ""
    return (
        f"no patient was found in {scan.root}. Searched for {_expected('<patient>', sources)} and the other layouts of "
        f"docs/data_layouts.md at any depth, and for datalist.json; found {found}.{dicom}{lines}\n"
        "Rename the files, let fusioninn datalist write a datalist from patterns of their names, or write one: "
        f'{{"training": [{{"patient": "p1", {_datalist_example(sources)}}}]}}'
    )


def _datalist_example(sources: tuple[str, ...]) -> str:
    return ", ".join(f'"{source}": "p1/{source}.nii.gz"' for source in sources)


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
    """Whether the file exists; False if the text is not a valid path (too long, or with a null character)."""
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
