"""The declared plan of a release: data, patients, steps, pictures, and what a person has to read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.data.errors import BadInputError
from scripts.data.schema import read_record

_TEXTS = {
    "type": "array",
    "items": {"type": "string", "description": "a text"},
    "description": "a list of texts",
}
TEXTS_BY_NAME = {
    "type": "object",
    "additionalProperties": {"type": "string", "description": "a text"},
    "description": "texts by name",
}
"""JSON schema of an object whose values are texts."""
_SCHEMA = {
    "type": "object",
    "description": "a JSON object",
    "required": ["weights", "data", "training", "measured_on", "left_out", "documents", "steps"],
    "additionalProperties": False,
    "properties": {
        "weights": {"type": "string", "description": "a file"},
        "data": TEXTS_BY_NAME,
        "training": {**_TEXTS, "minItems": 1},
        "measured_on": {"type": "string", "description": "the name of a data set"},
        "left_out": _TEXTS,
        "same_people": TEXTS_BY_NAME,
        "pictured": {"type": "string", "description": "the name of a patient"},
        "given": TEXTS_BY_NAME,
        "same_network": _TEXTS,
        "documents": {**_TEXTS, "minItems": 1},
        "independent_pictures": TEXTS_BY_NAME,
        "read": TEXTS_BY_NAME,
        "tests": TEXTS_BY_NAME,
        "steps": {
            "type": "array",
            "minItems": 1,
            "description": "a list of steps",
            "items": {
                "type": "object",
                "description": "a step",
                "required": ["name", "does", "commands"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "pattern": "^[a-z0-9_]+$", "description": "lower-case letters and _"},
                    "does": {"type": "string", "description": "a text"},
                    "minutes": {"type": "number", "description": "a number"},
                    "needs": _TEXTS,
                    "commands": {**_TEXTS, "minItems": 1},
                    "reads": _TEXTS,
                    "makes": _TEXTS,
                    "pictures": TEXTS_BY_NAME,
                    "updates": _TEXTS,
                },
            },
        },
    },
}
"""What the file has to look like."""
for _part, _what in ((_SCHEMA, "a plan"), (_SCHEMA["properties"]["steps"]["items"], "a step")):
    _part["description"] = f"{_what}, a JSON object with no other keys than {', '.join(_part['properties'])}"

MADE_PLACES = ("split", "validation_split", "held_out_split", "unseen", "training", "pictured", "patient", "out")
"""Places that a release fills: split files, folders of links to patients, the patient in pictures, the results."""
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_FILE = re.compile(r"(?:bundle|research|benchmarks|tools)/[\w/.-]+\.(?:json|py|sh|csv)")


@dataclass(frozen=True)
class Step:
    """A step of a release.

    Attributes:
        name: its name; results lie in a folder of this name, blocks of documents begin with it.
        does: what it does, in one line.
        commands: command lines with places such as ``{LGG}`` and ``{out}``.
        minutes: how long it takes on two cores, where it was never timed here.
        needs: steps whose results it uses.
        reads: further files that its results depend on.
        makes: files of the repository that its commands write.
        pictures: files of its results that are copied into the repository, by their place there.
        updates: files of the repository that are rewritten from its results, see `fusioninn_research.release.updates`.
    """

    name: str
    does: str
    commands: Sequence[str]
    minutes: float = 5.0
    needs: Sequence[str] = ()
    reads: Sequence[str] = ()
    makes: Sequence[str] = ()
    pictures: Mapping[str, str] = field(default_factory=dict)
    updates: Sequence[str] = ()

    @property
    def places(self) -> set[str]:
        """Names in braces in its commands."""
        return {name for command in self.commands for name in _PLACE.findall(command)}

    @property
    def files(self) -> list[str]:
        """Configs and programs of the repository that its commands name, and those it reads besides."""
        named = (file for command in self.commands for file in _FILE.findall(command))
        return sorted({*named, *self.reads} - set(self.makes))

    def words(self, places: Mapping[str, str]) -> list[list[str]]:
        """Return its commands as words.

        Args:
            places: what stands for each name in braces.
        """
        return [
            [_PLACE.sub(lambda found: places[found[1]], word) for word in shlex.split(command)]
            for command in self.commands
        ]


@dataclass(frozen=True)
class Plan:
    """All of a release.

    Attributes:
        root: the repository.
        weights: file of the weights, relative to it.
        data: folders of data below the folder that the command is given, by name.
        training: data sets that the weights were trained on, or single patients as ``DATA/PATIENT``.
        measured_on: the data set whose ``split.json`` gives validation and held-out patients.
        left_out: patients of it who are in no figure.
        same_people: patients of it by the names that they have in other data sets; whoever was trained on is left out.
        pictured: the patient in pictures.
        given: places that the command is given, with what they are.
        same_network: configs whose network has to be that of ``inference.json``.
        documents: Markdown files with measured blocks.
        independent_pictures: pictures that do not depend on the weights, with the reason.
        read: what a person has to read and correct, by document.
        tests: tests that pin values of the shipped weights, with what they pin.
        steps: in order.
    """

    root: Path
    weights: str
    data: Mapping[str, str]
    training: Sequence[str]
    measured_on: str
    left_out: Sequence[str]
    same_people: Mapping[str, str]
    pictured: str
    given: Mapping[str, str]
    same_network: Sequence[str]
    documents: Sequence[str]
    independent_pictures: Mapping[str, str]
    read: Mapping[str, str]
    tests: Mapping[str, str]
    steps: Sequence[Step]

    def step(self, name: str) -> Step:
        """Return a step.

        Raises:
            BadInputError: the plan has none of that name.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise BadInputError(f"There is no step {name}. Known are {', '.join(step.name for step in self.steps)}.")

    @property
    def trained_on(self) -> list[str]:
        """Names of the data sets of the training."""
        return list(dict.fromkeys(entry.partition("/")[0] for entry in self.training))

    @property
    def pictures(self) -> list[str]:
        """Pictures of the repository that depend on the weights."""
        return [target for step in self.steps for target in step.pictures]


def read_plan(path: Path, root: Path) -> Plan:
    """Read a plan.

    Args:
        path: JSON file.
        root: the repository.

    Raises:
        BadInputError: it is not a plan, or a step needs one that does not come before it, or a name stands twice.
    """
    content: dict[str, Any] = read_record(path, _SCHEMA, f"Correct it as {path.name} of the repository is written.")
    defaults = {
        "pictured": "",
        "given": {},
        "same_people": {},
        "same_network": [],
        "independent_pictures": {},
        "read": {},
        "tests": {},
    }
    plan = Plan(root=root, **{**defaults, **content, "steps": [Step(**step) for step in content["steps"]]})
    known: set[str] = set()
    for step in plan.steps:
        missing = sorted(set(step.needs) - known)
        if missing:
            raise BadInputError(f"{path}: {step.name} needs {', '.join(missing)}, which does not come before it.")
        if step.name in known:
            raise BadInputError(f"{path}: there are two steps {step.name}.")
        known.add(step.name)
    for step in plan.steps:
        strange = sorted(step.places - {*plan.data, *plan.given, *MADE_PLACES})
        if strange:
            places = ", ".join((*plan.data, *plan.given, *MADE_PLACES))
            raise BadInputError(f"{path}: {step.name} names {{{strange[0]}}}, known are {places}.")
    unknown = sorted({*plan.trained_on, plan.measured_on} - plan.data.keys())
    if unknown:
        raise BadInputError(f"{path}: {', '.join(unknown)} is not in its data ({', '.join(plan.data)}).")
    return plan
