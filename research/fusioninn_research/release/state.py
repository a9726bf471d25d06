"""What a release has done: kept in a file after every step, so that a killed release continues."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.data.errors import BadInputError
from scripts.data.schema import read_record
from scripts.networks.weights import fingerprint
from scripts.outputs.tables import write_json

from .plan import TEXTS_BY_NAME

STATE = "state.json"
_SCHEMA = {
    "type": "object",
    "description": "a JSON object",
    "additionalProperties": {
        "type": "object",
        "description": "a finished step",
        "required": ["inputs", "made", "seconds"],
        "properties": {
            "inputs": TEXTS_BY_NAME,
            "made": TEXTS_BY_NAME,
            "seconds": {"type": "number", "description": "a number"},
        },
    },
}


class State:
    """Finished steps, with the digests of what they used and made.

    Args:
        folder: folder of the release of one set of weights.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / STATE
        self.steps: dict[str, dict[str, Any]] = {}
        if self.path.is_file():
            remedy = f"Delete {self.path} to run all steps again."
            self.steps = read_record(self.path, _SCHEMA, remedy)

    def reasons(self, step: str, inputs: Mapping[str, str], root: Path) -> list[str]:
        """Return why a step has to run: what changed, or that it never ran; empty if it is up to date.

        Args:
            step: its name.
            inputs: digests of what it uses, by name.
            root: the repository.
        """
        done = self.steps.get(step)
        if done is None:
            return ["not run yet"]
        changed = [name for name in sorted({*done["inputs"], *inputs}) if done["inputs"].get(name) != inputs.get(name)]
        gone = [name for name, digest in done["made"].items() if digest_of(root / name) != digest]
        return [*(f"{name} changed" for name in changed), *(f"{name} is not what it wrote" for name in gone)]

    def finish(self, step: str, inputs: Mapping[str, str], made: Mapping[str, str], seconds: float) -> None:
        """Record a finished step.

        Raises:
            BadInputError: the file cannot be written.
        """
        self.steps[step] = {"inputs": dict(inputs), "made": dict(made), "seconds": round(seconds, 1)}
        write_json(self.path, self.steps)

    def digest(self, step: str) -> str:
        """Return one digest of all that a finished step used: it changes when the step ran with other inputs."""
        done = self.steps.get(step, {})
        return digest_of_values({"inputs": done.get("inputs"), "made": done.get("made")})

    def seconds(self, step: str) -> float | None:
        """Return how long a step took here, or with other weights; None if that is unknown."""
        own = self.steps.get(step)
        if own is not None:
            return own["seconds"]
        for path in sorted(self.folder.parent.glob(f"*/{STATE}")):
            try:
                return read_record(path, _SCHEMA)[step]["seconds"]
            except (BadInputError, KeyError):
                continue
        return None


def digest_of(path: Path) -> str:
    """Return a digest of a file, or "missing"."""
    return str(fingerprint(path)) if path.is_file() else "missing"


def digest_of_values(values: Any) -> str:
    """Return a digest of plain values."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
