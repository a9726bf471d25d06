"""Check that options are known to the layered configs and have an effect."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from pydoc import locate
from typing import Any

from monai.bundle import ComponentLocator, ConfigParser, ReferenceResolver
from monai.bundle.utils import DEFAULT_EXP_MGMT_SETTINGS, ID_SEP_KEY, MERGE_KEY

from scripts import BUNDLE_ROOT

from .call import OWN_OPTIONS, Call
from .references import UsedIds

CONFIGS = Path(BUNDLE_ROOT) / "configs"
CONVENTIONAL = ("bundle_root",)
"""Options that tools pass to every bundle, even if the command does not use them."""
COMPONENT_KEYS = ("_target_", "_disabled_", "_mode_", "_desc_", "_requires_")
"""MONAI's own keys in the description of a component."""


SURELY_MEANT = 0.8
"""Similarity of two names, from 0 to 1, above which one counts as a typing error of the other."""
MOST_NAMED = 3
"""Largest number of configs named in a message."""
NO_CONFIGS = ("metadata.json", "commands.json")
"""Files in the folder of configs that are none."""


class KnownOptions:
    """Find problems of options from the configs alone.

    Args:
        call: the command.
        parser: its layered config files, without its options.
        used: the ids that the command uses, including its options.
    """

    def __init__(self, call: Call, parser: ConfigParser, used: UsedIds) -> None:
        self.call = call
        self.parser = parser
        self.used = used
        self.where = " + ".join(Path(file).name for file in call.config_files)

    def problem(self, option: str) -> str | None:
        """Return why an option is invalid, with the remedy, or None.

        Args:
            option: id as given, with "#" or "::" between the parts of a nested id.
        """
        if option.startswith(MERGE_KEY):
            return (
                f"--{option} does not merge: MONAI merges +{option[1:]} in config files only, and would replace the "
                "whole section here. Put it into a JSON file and name that last in --config_file."
            )
        if self._is_of_tracking(option):
            return None
        if option not in self.parser:
            section, _, name = ReferenceResolver.normalize_id(option).rpartition(ID_SEP_KEY)
            if not (section and self._takes(section, name)):
                return self._unknown(option, section, name)
        return None if option in self.used or option in CONVENTIONAL else self._without_effect(option)

    def problem_of_file(self, file: str, key: str) -> str | None:
        """Return why a key of the user's config is probably mistyped, or None.

        Args:
            file: the config.
            key: key at the top level.
        """
        key = ReferenceResolver.normalize_id(key.removeprefix(MERGE_KEY)).partition(ID_SEP_KEY)[0]
        if key in self.used or _names_with(key, CONFIGS):
            return None
        nearest = get_close_matches(key, self._options(), 1, SURELY_MEANT)
        return f"{file} sets '{key}', which is not used. Did you mean '{nearest[0]}'?" if nearest else None

    def _unknown(self, option: str, section: str, name: str) -> str:
        sentences = [f"--{option} is not an option of {self.where}."]
        elsewhere = self._configs_with(option)[:MOST_NAMED]
        if elsewhere:
            sentences.append(f"It is an option of {', '.join(elsewhere)}, which --config_file does not name.")
        if section:
            # If the section itself is unknown, MONAI has already raised an error.
            matches = get_close_matches(name, [*self._entries(section)], 1)
            nearest = [option.removesuffix(name) + match for match in matches]
        else:
            nearest = get_close_matches(name, [*self._values(), *OWN_OPTIONS], 1)
        if nearest:
            sentences.append(f"Did you mean --{nearest[0]}?")
        elif not elsewhere:
            sentences.append("Options are the top-level keys of the configs.")
        return " ".join(sentences)

    def _configs_with(self, option: str) -> list[str]:
        """Return names of configs with a top-level option, in the bundle and next to the configs of the command."""
        folders = dict.fromkeys([CONFIGS, *filter(None, map(configs_folder, self.call.config_files))])
        return [name for folder in folders for name in _names_with(option, folder)]

    def _without_effect(self, option: str) -> str:
        return f"--{option} has no effect in {self.where}: this command does not use it. Leave it out."

    def _options(self) -> list[str]:
        return [key for key in self.parser.get() if key in self.used and key != ConfigParser.meta_key]

    def _values(self) -> list[str]:
        """Return the options without components, which are not usually replaced as a whole."""
        content = self.parser.get()
        return [key for key in self._options() if not (isinstance(content[key], dict) and "_target_" in content[key])]

    def _entries(self, section: str) -> Iterable[str]:
        content = self.parser[section]
        if not isinstance(content, dict):
            return [str(index) for index in range(len(content))] if isinstance(content, list) else []
        return [*content, *_arguments(content.get("_target_"))]

    def _takes(self, section: str, name: str) -> bool:
        """Whether a component accepts an argument that its section does not list."""
        content = self.parser.get(section)
        if not isinstance(content, dict) or "_target_" not in content:
            return False
        arguments = _arguments(content["_target_"])
        return name in (*COMPONENT_KEYS, *arguments) or "**" in arguments

    def _is_of_tracking(self, option: str) -> bool:
        tracking = self.call.monai_options.get("tracking")
        if tracking is None:
            return False
        settings = DEFAULT_EXP_MGMT_SETTINGS.get(tracking) if isinstance(tracking, str) else tracking
        settings = settings or ConfigParser.load_config_files(tracking)
        return option in settings["configs"]


def configs_folder(file: str) -> Path | None:
    """Return the nearest folder named `configs` above a file, or None."""
    return next((folder for folder in Path(file).resolve().parents if folder.name == CONFIGS.name), None)


def _arguments(target: Any) -> list[str]:
    """Return the names of a component's arguments; "**" if it accepts any."""
    if not isinstance(target, str) or target.startswith(("$", "@", "%")):
        return ["**"] if target else []
    if "." not in target:
        module = ComponentLocator().get_component_module_name(target)
        target = f"{module[0] if isinstance(module, list) else module}.{target}"
    try:
        parameters = inspect.signature(locate(target)).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ["**"]
    return [
        "**" if one.kind is one.VAR_KEYWORD else one.name for one in parameters if one.kind is not one.VAR_POSITIONAL
    ]


def _names_with(option: str, folder: Path) -> list[str]:
    """Return names of a folder's configs with a top-level option, with the folder if it is not the bundle's."""
    root = folder if folder == CONFIGS else folder.parent.parent
    return [
        path.relative_to(root).as_posix()
        for path in sorted(folder.rglob("*.json"))
        if path.name not in NO_CONFIGS and option in read_config(path)
    ]


def read_config(path: Path) -> Any:
    """Return the content of a config; empty for a file that is not a config."""
    try:
        return ConfigParser.load_config_file(str(path))
    except (OSError, ValueError):
        return {}
