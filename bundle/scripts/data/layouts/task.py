"""Medical Segmentation Decathlon and nnU-Net: `dataset.json` next to `imagesTr`, `labelsTr` and `imagesTs`.

A Decathlon file holds all contrasts as channels. nnU-Net has a file for each, `CASE_0000.nii.gz`, `CASE_0001.nii.gz`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from scripts.data.contrasts import SEG, contrast_of_channel
from scripts.data.errors import BadInputError
from scripts.data.scan import TASK_FILE, Place
from scripts.data.strict_json import read_json

from .found import Context, Found

_IMAGES = ("imagesTr", "imagesTs", "imagesVal")
_LABELS = ("labelsTr", "labelsTs", "labelsVal")
_NUMBER = re.compile(r"^[0-9]{1,4}\Z")
_CHANNEL = re.compile(r"^(.+)_(\d{4})$")


@dataclass(frozen=True)
class Task:
    """What `dataset.json` says.

    Attributes:
        channels: number of the channel by contrast.
        split: whether each channel is a file.
        problem: why the images cannot be used. Defaults to "".
    """

    channels: dict[str, int] = field(default_factory=dict)
    split: bool = False
    problem: str = ""


def recognise(place: Place, context: Context) -> list[Found] | str | None:
    """Recognise the files of a task; see `LAYOUTS`."""
    if not place.folders or place.folders[-1] not in (*_IMAGES, *_LABELS):
        return None
    folder, home = place.folders[-1], place.folders[:-1]
    if home not in context.scan.tasks:
        if folder in _IMAGES and _CHANNEL.match(place.stem):
            return f"numbered channel, but there is no {TASK_FILE} next to {folder} that names it"
        return None
    task = context.tasks.get(home)
    if task is None:
        task = context.tasks[home] = _read_task(context, home)
    if folder in _LABELS:
        return [Found(place.stem, SEG, home)]
    if task.problem:
        return f"channels of {'/'.join((*home, TASK_FILE))} do not fit"
    if not task.split:
        return [
            Found(place.stem, source, home, channel=task.channels[source])
            for source in context.sources
            if source in task.channels
        ]
    match = _CHANNEL.match(place.stem)
    contrast = next((name for name, number in task.channels.items() if match and number == int(match[2])), None)
    if match is None or contrast is None:
        return f"no channel number of {'/'.join((*home, TASK_FILE))} at the end of the name"
    return [Found(match[1], contrast, home)]


def _read_task(context: Context, home: tuple[str, ...]) -> Task:
    path = context.scan.root.joinpath(*home) / TASK_FILE
    try:
        content = read_json(path)
    except BadInputError as error:
        return Task(problem=str(error))
    named: Any = None
    if isinstance(content, dict):
        named = content.get("channel_names", content.get("modality"))
    if not isinstance(named, dict) or not all(_NUMBER.match(str(key)) for key in named):
        return Task(
            problem=f'{path} has no "modality" or "channel_names" table such as {{"0": "FLAIR", "2": "t1gd"}}. Use the '
            "file that comes with the data set."
        )
    channels = {contrast_of_channel(str(name)): int(key) for key, name in named.items()}
    missing = [source for source in context.sources if source not in channels]
    if missing:
        return Task(
            problem=f"{path} names the channels {sorted(channels)}, but {missing} is asked for. Choose sources among "
            "those (Task01_BrainTumour has flair, t1, t1gd and t2)."
        )
    numbers = {f"{number:04d}" for number in channels.values()}
    images = [image for folder in _IMAGES for image in context.scan.by_folder.get((*home, folder), [])]
    matches = [_CHANNEL.match(image.stem) for image in images]
    split = "channel_names" in content or all(match is not None and match[2] in numbers for match in matches)
    return Task(channels, split)
