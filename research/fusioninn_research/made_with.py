"""What a cell was made with, so that figures of other settings never stand in a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from scripts.data.errors import BadInputError
from scripts.data.schema import read_record
from scripts.outputs.tables import write_json

from .config_paths import config_path

MADE_WITH = "made_with.json"
_STAGES = {
    "type": "object",
    "description": "a JSON object",
    "additionalProperties": {
        "type": "object",
        "description": "settings of a stage",
        "required": ["settings", "finished"],
        "properties": {
            "settings": {"type": "object", "description": "an object"},
            "finished": {"type": "boolean", "description": "true or false"},
        },
    },
}
"""What the file has to look like."""
SECTIONS = ("network_def", "loss", "optimizer", "lr_scheduler", "inferer")
"""Sections of a config that decide the result beside its plain keys."""

PLACES = {
    *("bundle_root", "dataset_dir", "output_dir", "cache_dir", "datalist", "split_file", "ckpt_path"),
    *("device", "num_workers", "download", "resume", "imports", "run", "slices_at_once"),
}
"""Keys that say where and how fast, not what."""


def layered(configs: Sequence[str], overrides: Mapping[str, Any]) -> ConfigParser:
    """Read config files in layers, and overrides on top, as the command does.

    Args:
        configs: files, named as in `config_path`.
        overrides: values by key.
    """
    parser = ConfigParser()
    parser.read_config([config_path(name) for name in configs])
    parser.update({key: value for key, value in overrides.items() if value is not None})
    return parser


def settings_of(parser: ConfigParser) -> dict[str, Any]:
    """Plain keys of a config, and the sections that decide a result, by their ids."""
    config = parser.get()
    plain = {key: value for key, value in config.items() if key not in PLACES and _is_plain(value)}
    deciding = {key: config[key] for key in SECTIONS if key in config}
    return {**plain, **_flat(deciding)}


def differences(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Tell settings that differ.

    A key that one of both does not know is an option that came or went, not a setting; nor is the module that a class
    is imported from.
    """
    return [
        f"{key} was {recorded[key]!r}, now {now[key]!r}"
        for key in recorded.keys() & now.keys()
        if _told(key, recorded[key]) != _told(key, now[key])
    ]


class MadeWith:
    """The record of a cell, ``made_with.json``: the settings of each of its stages and whether it is finished.

    Args:
        folder: folder of the cell.
        label: the cell in messages.
    """

    def __init__(self, folder: Path, label: str) -> None:
        self.path = folder / MADE_WITH
        self.label = label

    def stage(self, name: str) -> dict[str, Any] | None:
        """Record of a stage: "settings" and "finished"; None where it was never begun."""
        return self._read().get(name)

    def check(self, name: str, settings: Mapping[str, Any]) -> None:
        """Refuse to go on with what was made with other settings.

        Raises:
            BadInputError: naming what differs.
        """
        record = self.stage(name)
        told = sorted(differences(record["settings"], json.loads(json.dumps(settings)))) if record else []
        if told:
            raise BadInputError(
                f"The {name} of {self.label} was made with other settings: {'; '.join(told)}. Give the same ones, "
                f"choose another --output_dir, or remove {self.path.parent / name} and {self.path} to make it anew."
            )

    def note(self, name: str, settings: Mapping[str, Any], finished: bool, **more: Any) -> None:
        """Write down that a stage begins or is finished."""
        content = {**self._read(), name: {"finished": finished, "settings": settings, **more}}
        write_json(self.path, content)

    def _read(self) -> dict[str, Any]:
        if not self.path.exists():
            return {}
        return read_record(self.path, _STAGES, f"Remove the folder {self.path.parent} to make the cell again.")


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_plain(one) and not str(one).startswith(("$", "%")) for one in value)
    return value is None or isinstance(value, (bool, int, float, str))


def _told(key: str, value: Any) -> Any:
    return value.rpartition(".")[2] if key.endswith("_target_") and isinstance(value, str) else value


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    flat: dict[str, Any] = {}
    for key, one in value.items():
        flat |= _flat(one, f"{path}#{key}" if path else key)
    return flat
