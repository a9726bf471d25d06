"""Write a datalist from patterns of file names, for data sets whose layout is not known."""

from __future__ import annotations

import logging
import os
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.data.contrasts import SEG
from scripts.data.errors import BadInputError
from scripts.data.inputs import check_apart
from scripts.data.naming import is_volume, visit_name
from scripts.data.not_taken import SHOWN
from scripts.data.safe_names import check_word
from scripts.data.scan import Place, Scan, scan_folder
from scripts.outputs.tables import write_json

logger = logging.getLogger(__name__)

EXAMPLE = '--pattern "t1gd=*CT1*, flair=*FLAIR*"'
_PLACEHOLDERS = {"{patient}": r"(?P<patient>[^/]+?)", "{visit}": r"(?P<visit>[^/]+?)"}
_TOKEN = re.compile(r"\{patient\}|\{visit\}|\*+|\?|\[[^\]/]+\]")


def make_datalist(
    dataset_dir: str | os.PathLike[str] | None,
    pattern: str | Mapping[str, str] | Sequence[str] | None,
    datalist: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> Path:
    """Find the images of every patient by patterns, and write them as a datalist for all commands.

    A pattern is that of a file name, or with "/" that of the end of a path: `*` is any text, `?` a letter. Case does
    not count. `{patient}` in it is the patient's name and `{visit}` the visit; without them, files of one folder are
    one patient's.

    Args:
        dataset_dir: folder of the images.
        pattern: a pattern for each source and, if wanted, for "seg": "t1gd=*CT1*, flair=*FLAIR*", a list of such
            texts, or a dict.
        datalist: file to write. Defaults to None (`datalist.json` in `dataset_dir`, where all commands find it).
        overwrite: replace a file that is there. Defaults to False.

    Returns:
        the file. What matched, what did not, and which patients are left out, is logged.

    Raises:
        BadInputError: the arguments cannot be used, the file already exists, or no patient has all images.
    """
    if dataset_dir is None:
        raise BadInputError("--dataset_dir is missing: give the folder of the images.")
    root = Path(str(dataset_dir)).expanduser().absolute()
    if not root.is_dir():
        raise BadInputError(f"{root} is not a folder. Give the folder of the images by --dataset_dir.")
    patterns = read_patterns(pattern)
    target = Path(str(datalist)).expanduser().absolute() if datalist else root / "datalist.json"
    if target.exists() and not overwrite:
        raise BadInputError(f"{target} already exists. Use --overwrite true, or another name by --datalist.")
    scan = scan_folder(root, is_volume)
    matched = _matched(scan, patterns)
    entries, problems = _entries(matched, list(patterns), root, target.parent)
    counts = ", ".join(f"{sum(source in files for files in matched.values())} {source}" for source in patterns)
    left_out = "".join(f"\n- {problem}" for problem in problems[:SHOWN])
    left_out += f"\n- … and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    if not entries:
        lines = "".join(f"\n- {line}" for line in scan.not_taken.lines())
        raise BadInputError(
            f"no patient in {root} has an image for each of {', '.join(patterns)} (found: {counts}). Correct "
            "--pattern; put {patient} into it where the images of a patient lie in different folders."
            f"{left_out}{lines}"
        )
    check_apart(target, *(target.parent / file for entry in entries for key, file in entry.items() if key != "patient"))
    write_json(target, {"training": entries})
    scan.not_taken.log()
    if problems:
        logger.warning("%d patient(s) left out:%s", len(problems), left_out)
    logger.info("%s lists %d patient(s); files that matched: %s.", target, len(entries), counts)
    return target


def read_patterns(pattern: str | Mapping[str, str] | Sequence[str] | None) -> dict[str, str]:
    """Read the patterns of `make_datalist`.

    Returns:
        pattern by source.

    Raises:
        BadInputError: there are fewer than two sources, or one cannot be read.
    """
    if isinstance(pattern, Mapping):
        pairs = [(str(source), str(text)) for source, text in pattern.items()]
    else:
        texts = pattern.split(",") if isinstance(pattern, str) else list(pattern or ())
        pairs = []
        for text in texts:
            source, sign, one = str(text).partition("=")
            if not sign:
                raise BadInputError(f"--pattern holds '{text}', expected a source, = and a pattern: {EXAMPLE}.")
            pairs.append((source, one))
    patterns: dict[str, str] = {}
    for source, text in pairs:
        name = check_word(source.strip(), "a source", "--pattern")
        if name in patterns or not text.strip():
            raise BadInputError(f"--pattern has {'two patterns' if name in patterns else 'no pattern'} for {name}.")
        patterns[name] = text.strip()
    if len(set(patterns) - {SEG}) < 2:
        raise BadInputError(f"--pattern names {list(patterns)}, expected two or more sources: {EXAMPLE}.")
    return patterns


def _expression(pattern: str) -> re.Pattern[str]:
    parts, end = [], 0
    for token in _TOKEN.finditer(pattern):
        parts.append(re.escape(pattern[end : token.start()]))
        text = token[0]
        if text in _PLACEHOLDERS:
            name = text[1:-1]
            seen = any(f"(?P<{name}>" in part for part in parts)
            parts.append(f"(?P={name})" if seen else _PLACEHOLDERS[text])
        elif text.startswith("["):
            parts.append(f"[^{text[2:]}" if text[1] == "!" else text)
        else:
            parts.append({"?": "[^/]", "*": "[^/]*"}.get(text, ".*"))
        end = token.end()
    try:
        return re.compile(f"(?:.*/)?{''.join([*parts, re.escape(pattern[end:])])}", re.IGNORECASE)
    except re.error as error:
        raise BadInputError(f"--pattern '{pattern}' cannot be used ({error}). Example: {EXAMPLE}.") from error


def _matched(scan: Scan, patterns: Mapping[str, str]) -> dict[tuple[str, ...], dict[str, list[Place]]]:
    """Return the files by what names the patient, a name or the folders, and by source."""
    expressions = {source: _expression(pattern.lstrip("./")) for source, pattern in patterns.items()}
    matched: dict[tuple[str, ...], dict[str, list[Place]]] = defaultdict(dict)
    for place in scan.images:
        hits = {source: hit for source, one in expressions.items() if (hit := one.fullmatch(str(place)))}
        if not hits:
            scan.not_taken.add("matches no pattern", str(place))
        for source, hit in hits.items():
            named = hit.groupdict()
            key = place.folders
            if named.get("patient"):
                visit = named.get("visit")
                key = (visit_name(named["patient"], visit) if visit else named["patient"],)
            matched[key].setdefault(source, []).append(place)
    return matched


def _entries(
    matched: Mapping[tuple[str, ...], Mapping[str, list[Place]]], sources: Sequence[str], root: Path, beside: Path
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return an entry for each patient with one file for each source, and why the others have none."""
    entries: list[dict[str, Any]] = []
    names = _names(list(matched), root)
    problems = [
        f"{name}: {count} folders would get this name" for name, count in Counter(names.values()).items() if count > 1
    ]
    for folders, patient in names.items():
        files = matched[folders]
        if any(problem.startswith(f"{patient}: ") for problem in problems):
            continue
        missing = [source for source in sources if source != SEG and source not in files]
        several = {source: places for source, places in files.items() if len(places) > 1}
        if several:
            source, places = next(iter(several.items()))
            shown = ", ".join(map(str, places[:3]))
            problems.append(f"{patient}: {len(places)} files match the pattern of {source}: {shown}")
        elif missing:
            shown = ", ".join(str(place) for places in files.values() for place in places)
            problems.append(f"{patient}: no file matches the pattern of {' and '.join(missing)}; found {shown}")
        else:
            chosen = {source: files[source][0] for source in sources if source in files}
            if len(set(chosen.values())) < len(chosen):
                problems.append(f"{patient}: one file matches several patterns: {', '.join(map(str, chosen.values()))}")
                continue
            files_of = {source: root.joinpath(*place.folders, place.name) for source, place in chosen.items()}
            entries.append({"patient": patient, **{key: _relative(file, beside) for key, file in files_of.items()}})
    return sorted(entries, key=lambda entry: entry["patient"]), problems


def _names(keys: Sequence[tuple[str, ...]], root: Path) -> dict[tuple[str, ...], str]:
    """Name patients by their folders, without what all of these begin or end with."""
    start = end = 0
    if len(keys) > 1:
        shortest = min(map(len, keys))
        while start < shortest and len({key[start] for key in keys}) == 1:
            start += 1
        while end < shortest - start and len({key[-1 - end] for key in keys}) == 1:
            end += 1
        return {key: "_".join(key[start : len(key) - end]) or root.name for key in keys}
    return {key: key[-1] if key else root.name for key in keys}


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
