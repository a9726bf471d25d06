"""Options that are true or false reach the configs as booleans, however they were typed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from monai.bundle import ConfigParser, ReferenceResolver
from monai.bundle.utils import ID_SEP_KEY

from scripts.data.flags import is_true

from .known_options import CONFIGS, read_config
from .typed import is_text

WORDS = ("true", "false")
"""Texts that mean a boolean in any option but one of text."""


def type_booleans(parser: ConfigParser, options: Mapping[str, Any] | None, defaults: ConfigParser | None) -> None:
    """Turn options such as ``--overview false`` into booleans, so that configs can use them as they are.

    python-fire passes ``false`` on as a text, which an expression takes for true. The configuration is changed in
    place, and whatever was resolved from it stays.

    Args:
        parser: the configuration of the command, with its options.
        options: values by id, as they were given. None: not known, as in a workflow made by Python code; then the keys
            that are booleans in a config of the bundle count, and texts that mean a boolean.
        defaults: the config files of the command without its options; None with `options`.

    Raises:
        BadInputError: when a value of a boolean option is neither true nor false.
    """
    given = parser.get() if options is None else options
    for option, value in list(given.items()):
        if isinstance(value, bool) or _is_expression(value):
            continue
        word = isinstance(value, str) and value.strip().lower() in WORDS
        if defaults is None:
            boolean = word or (isinstance(value, (str, int)) and option in _options_of_the_bundle())
        else:
            default = defaults.get(option)
            boolean = isinstance(default, bool) or (word and not is_text(default))
        if boolean:
            _set(parser, option, is_true(value))


@cache
def _options_of_the_bundle() -> frozenset[str]:
    """Return the top-level keys that are true or false in a config of the bundle."""
    configs = map(read_config, sorted(CONFIGS.rglob("*.json")))
    return frozenset(key for config in configs for key, value in config.items() if isinstance(value, bool))


def _is_expression(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("$", "@", "%"))


def _set(parser: ConfigParser, option: str, value: bool) -> None:
    """Set an id; unlike ``parser[option] = value``, keep everything that was resolved from the configuration."""
    option = ReferenceResolver.normalize_id(option)
    section, _, name = option.rpartition(ID_SEP_KEY)
    content = parser[section]
    content[int(name) if isinstance(content, list) else name] = value
    item = parser.ref_resolver.get_item(option)
    if item is not None:
        item.update_config(value)
        parser.ref_resolver.remove_resolved_content(option)
