"""Group the images of a data set by patient; a problem affects one patient only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .bids_name import read_own_result
from .contrasts import AUTOMATIC_SEG, REGISTERED, SEG
from .layouts import recognise
from .layouts.found import Context, Found
from .naming import expected_names, is_visit, may_be_visit, visit_name
from .scan import Place, Scan

OWN_OUTPUTS = ("_fused", "_decomposed", "_latent", "_contribution", "_uncertainty")
"""Endings of the names of this bundle's results."""

_REMEDY = "or name the files in a datalist (configs/make_datalist.json writes one)"
_OTHER_VERSION = "another version of an image that is used"


class _Image(NamedTuple):
    place: Place
    found: Found


_Group = dict[tuple[str, ...], list[_Image]]
"""Images of one patient name, by the patient's folder."""


class _ProblemError(Exception):
    """A patient cannot be used; others are not affected."""


def patients_of(scan: Scan, sources: tuple[str, ...]) -> tuple[list[dict[str, Any]], Context]:
    """Group the images of a scan by patient.

    Args:
        scan: files of the data set. Skipped files are added to it.
        sources: sources to fuse.

    Returns:
        records as `find_patients` returns them, unordered, and the context that was found.
    """
    context = Context(scan, sources)
    known_folders: set[tuple[str, ...]] = set()
    images, unknown = [], []
    for place in scan.images:
        if place.stem.endswith(OWN_OUTPUTS) or read_own_result(place.stem):
            continue
        found = recognise(place, context)
        if isinstance(found, str):
            unknown.append((found, place))
            continue
        known_folders.add(place.folders)
        images += [_Image(place, one) for one in found]
    for reason, place in unknown:
        scan.not_taken.add(reason, str(place), surprising=place.folders not in known_folders)
    groups = _grouped(images, context)
    records = [record for name, group in groups.items() if (record := _record(name, group, context)) is not None]
    return records + _empty_patients(scan, groups, records, sources), context


def _grouped(images: Iterable[_Image], context: Context) -> dict[str, _Group]:
    named: dict[str, _Group] = defaultdict(lambda: defaultdict(list))
    by_folder: dict[str, _Group] = defaultdict(lambda: defaultdict(list))
    for image in images:
        if image.found.patient:
            named[image.found.patient][image.found.home].append(image)
        else:
            name, home = _name_by_folder(image.found.home, context)
            by_folder[name][home].append(image)
    for name, group in by_folder.items():
        for home, members in group.items():
            # `HG/0001` and `LG/0001` are two patients, `P1/0` and `P2/0` visits of two.
            apart = len(group) > 1 and home and home not in named.get(name, {})
            target = _with_folder_above(home[-1], name) if apart else name
            named[target][home[:-1] if apart else home] += members
    for name in list(named):
        _split_visits(named, name)
    for name in list(named):
        _adopt_segmentation(named, name)
    return {name: group for name, group in named.items() if group}


def _name_by_folder(folders: tuple[str, ...], context: Context) -> tuple[str, tuple[str, ...]]:
    """Return the name of a patient that is not part of the file names, and its folders."""
    telling = tuple(folder for folder in folders if not context.is_role(folder))
    if not telling:
        return context.scan.root.name, ()
    if len(telling) > 1 and is_visit(telling[-1]):
        return visit_name(telling[-2], telling[-1]), telling[:-2]
    return telling[-1], telling[:-1]


def _with_folder_above(above: str, folder: str) -> str:
    of_person = may_be_visit(folder) and any(letter.isdigit() for letter in above)
    return visit_name(above, folder) if of_person else f"{above}_{folder}"


def _split_visits(named: dict[str, _Group], name: str) -> None:
    """Split a patient by visit if the visits' folders hold files of the same name: `P1/visit2/P1_flair.nii.gz`."""
    homes = list(named[name])
    if len(homes) > 1 and all(home and (is_visit(home[-1]) or may_be_visit(home[-1])) for home in homes):
        for home in homes:
            named[visit_name(name, home[-1])][home[:-1]] += named[name].pop(home)


def _adopt_segmentation(named: dict[str, _Group], name: str) -> None:
    """Give a segmentation of another name to the one patient in its folder.

    BraTS 2020's patient 355 has its segmentation under the name W39_1998.09.19_Segm.nii.
    """
    alone = [image for members in named[name].values() for image in members]
    if len(alone) != 1 or alone[0].found.contrast != SEG or not alone[0].place.folders:
        return
    image, other = alone[0], alone[0].place.folders[-1]
    beside = [
        home
        for home, members in (named[other].items() if other in named and other != name else ())
        if any(member.place.folders == image.place.folders for member in members)
        and not any(map(_is_segmentation, members))
    ]
    if len(beside) == 1:
        named[other][beside[0]].append(image)
        named[name].clear()


def _record(name: str, group: _Group, context: Context) -> dict[str, Any] | None:
    try:
        return _chosen(name, group, context)
    except _ProblemError as problem:
        return {"patient": name, "problem": f"{name}: {problem}"}


def _chosen(name: str, group: _Group, context: Context) -> dict[str, Any] | None:
    sources, not_taken = context.sources, context.scan.not_taken
    with_images = {home: members for home, members in group.items() if not all(map(_is_segmentation, members))}
    if not with_images:
        for image in _all(group):
            not_taken.add("segmentation without images of this name", str(image.place), surprising=True)
        return None
    complete = [home for home, members in with_images.items() if set(sources) <= _contrasts(members)]
    if len(complete) > 1:
        places = " and in ".join(str(_folder(with_images[home], context)) for home in complete)
        raise _ProblemError(f"two patients are named {name}: in {places}. Rename or remove one of them, {_REMEDY}.")
    if not complete and len(with_images) > 1 and set(sources) <= _contrasts(_all(with_images)):
        places = ", ".join(str(image.place) for image in _all(with_images) if image.found.contrast in sources)
        raise _ProblemError(
            f"its images lie in different folders of {context.scan.root}: {places}. Put those that belong together "
            f"into one folder, {_REMEDY}."
        )
    home = complete[0] if complete else max(with_images, key=lambda one: len(_contrasts(with_images[one])))
    members = with_images[home]
    if not complete:
        raise _ProblemError(_missing(name, members, context))
    chosen = _choose_images(members, context)
    record: dict[str, Any] = {"patient": name}
    record.update({source: _path(image, context) for source, image in chosen.items()})
    used = {image.place for image in chosen.values()}
    segmentations = [image for image in members if _is_segmentation(image)] or [
        image for other, images in group.items() if other not in with_images for image in images
    ]
    record |= _choose_segmentation(segmentations, chosen, context)
    if all(image.found.channel is not None for image in chosen.values()):
        record["channels"] = {source: image.found.channel for source, image in chosen.items()}
    for image in _all(group):
        if image.place in used or image in segmentations:
            continue
        if image.found.contrast not in sources and not _is_segmentation(image):
            not_taken.add("contrast that is not fused", str(image.place))
        elif image in members:
            not_taken.add(_OTHER_VERSION, str(image.place))
        else:
            not_taken.add("another folder holds all images of a patient of this name", str(image.place), True)
    return record


def _choose_images(members: Sequence[_Image], context: Context) -> dict[str, _Image]:
    """Choose one image for each source, all processed in the same way."""
    candidates = {source: [image for image in members if image.found.contrast == source] for source in context.sources}
    prepared = {_prepared(image) for images in candidates.values() for image in images}
    if len(prepared) == 1 and all(len(images) == 1 for images in candidates.values()):
        return {source: images[0] for source, images in candidates.items()}
    common = set.intersection(*({_processing(image) for image in images} for images in candidates.values()))
    if not common:
        for source, images in candidates.items():
            _only(images, source, context)
        shown = ", ".join(str(image.place) for images in candidates.values() for image in images)
        raise _ProblemError(
            f"the images were processed in different ways: {shown}. Keep those that belong together, {_REMEDY}."
        )
    ranks = sorted((bool(space), len(versions)) for space, versions in common)
    if len(ranks) > 1 and ranks[0] == ranks[1]:
        shown = ", ".join(str(image.place) for images in candidates.values() for image in images)
        raise _ProblemError(f"there are several versions of its images: {shown}. Keep one of them, {_REMEDY}.")
    best = min(common, key=lambda one: (bool(one[0]), len(one[1])))
    return {
        source: _only([image for image in images if _processing(image) == best], source, context)
        for source, images in candidates.items()
    }


def _prepared(image: _Image) -> frozenset[str]:
    """Return how an image was processed, except for registration, in which sources may differ."""
    return frozenset(image.found.versions) - REGISTERED


def _processing(image: _Image) -> tuple[str, tuple[str, ...]]:
    return image.found.space, image.found.versions


def _only(images: Sequence[_Image], source: str, context: Context) -> _Image:
    """Return the image with the plainest name if it is unique."""
    plainest = min(len(image.found.acquisition) for image in images)
    found = [image for image in images if len(image.found.acquisition) == plainest]
    if len(found) > 1:
        names = ", ".join(_within(found))
        raise _ProblemError(
            f"{len(found)} files match the {source} image in {_folder(found, context)}: {names}. Keep one of them, "
            f"{_REMEDY}."
        )
    return found[0]


def _choose_segmentation(
    segmentations: Sequence[_Image], chosen: dict[str, _Image], context: Context
) -> dict[str, Any]:
    """Return "seg" of a record, or "seg_candidates" if several fit: the choice is left to the caller."""
    spaces = {image.found.space for image in chosen.values()}
    fitting = [image for image in segmentations if {image.found.space} == spaces]
    best = [image for image in fitting if image.found.contrast == SEG] or fitting
    for image in segmentations:
        if image not in best:
            elsewhere = "segmentation that lies in another space than the images"
            context.scan.not_taken.add(
                "automatic segmentation next to a corrected one" if image in fitting else elsewhere, str(image.place)
            )
    paths = sorted(_path(image, context) for image in best)
    if len(paths) == 1:
        return {"seg": paths[0]}
    return {"seg_candidates": paths} if paths else {}


def _missing(name: str, members: Sequence[_Image], context: Context) -> str:
    """Describe which source is missing, what was expected, and what was found."""
    missing = [source for source in context.sources if source not in _contrasts(members)]
    prefix = name if any(image.found.patient for image in members) else ""
    folder = _folder(members, context)
    text = (
        f"the {' and the '.join(missing)} image is missing in {folder}: expected "
        f"{' and '.join(expected_names(prefix, source) for source in missing)}, found "
        f"{', '.join(dict.fromkeys(_within(members)))}."
    )
    folders = {image.place.folders for image in members}
    here = {image.place for image in members}
    others = [
        place.name
        for parts in sorted(folders)
        for place in context.scan.by_folder[parts]
        if place not in here and _contrast_of(place, context) in missing
    ]
    unread = [text for parts in sorted(folders) for text in context.scan.not_taken.in_folder("/".join(parts))]
    if unread:
        text += f" Skipped: {', '.join(unread[:3])}."
    if others:
        text += f" The folder also holds {', '.join(others[:3])}, of another patient."
    return text + " Add the file or leave the patient out."


def _contrast_of(place: Place, context: Context) -> str | None:
    found = recognise(place, context)
    return None if isinstance(found, str) else found[0].contrast


def _is_segmentation(image: _Image) -> bool:
    return image.found.contrast in (SEG, AUTOMATIC_SEG)


def _contrasts(members: Iterable[_Image]) -> set[str]:
    return {image.found.contrast for image in members}


def _all(group: _Group) -> list[_Image]:
    return [image for members in group.values() for image in members]


def _path(image: _Image, context: Context) -> str:
    return str(context.scan.root.joinpath(*image.place.folders, image.place.name))


def _folder(members: Sequence[_Image], context: Context) -> Path:
    return context.scan.root.joinpath(*_common([image.place.folders for image in members]))


def _within(members: Sequence[_Image]) -> list[str]:
    depth = len(_common([image.place.folders for image in members]))
    return sorted("/".join((*image.place.folders[depth:], image.place.name)) for image in members)


def _common(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    length = 0
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        length += 1
    return paths[0][:length]


def _empty_patients(
    scan: Scan, groups: dict[str, _Group], records: list[dict[str, Any]], sources: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Return a problem for each empty folder among the patients' folders."""
    above = {
        image.place.folders[: image.place.folders.index(record["patient"])]
        for record in records
        for image in _all(groups[record["patient"]])
        if record["patient"] in image.place.folders
    }
    return [
        {
            "patient": folders[-1],
            "problem": f"{folders[-1]}: the folder {scan.root.joinpath(*folders)} is empty; expected "
            f"{' and '.join(expected_names(folders[-1], source) for source in sources)}. Add the files or remove the "
            "folder.",
        }
        for folders in scan.empty
        if folders and folders[:-1] in above and folders[-1] not in groups
    ]
