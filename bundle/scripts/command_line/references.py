"""Find the ids of a layered configuration that a command uses, starting from its section."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from monai.bundle import ConfigParser, ReferenceResolver
from monai.bundle.utils import ID_SEP_KEY, MACRO_KEY


def layered(config_file: str | Sequence[str], options: Mapping[str, Any]) -> ConfigParser:
    """Read layered config files with options on top, as MONAI does; macros are not expanded.

    Args:
        config_file: one file or several.
        options: values by id.
    """
    parser = ConfigParser()
    parser.read_config(config_file)
    parser.update(dict(options))
    return parser


class UsedIds:
    """The ids that a command reads, directly or through others.

    A reference to a section (``@id``, ``%id``) uses all of it, a reference into a section only that part.

    Args:
        parser: the layered configuration, not parsed yet.
        sections: ids that the command starts from, such as ``run``; missing ones are ignored.
    """

    def __init__(self, parser: ConfigParser, sections: Iterable[str]) -> None:
        self.ids: set[str] = set()
        waiting = [ReferenceResolver.normalize_id(section) for section in sections]
        while waiting:
            one = waiting.pop()
            if one not in self.ids and one in parser:
                self.ids.add(one)
                waiting += _references(one, parser[one])

    def __contains__(self, item: str) -> bool:
        item = ReferenceResolver.normalize_id(item)
        return any(_within(item, used) or _within(used, item) for used in self.ids)


def _within(item: str, section: str) -> bool:
    return item == section or item.startswith(section + ID_SEP_KEY)


def _references(item: str, value: Any) -> Iterator[str]:
    """Yield the ids that a value and everything in it refer to."""
    if isinstance(value, (dict, list)):
        for _, part, content in ReferenceResolver.iter_subconfigs(item, value):
            yield from _references(part, content)
    elif isinstance(value, str):
        value = ConfigParser.resolve_relative_ids(item, value)
        if not value.startswith(MACRO_KEY):
            yield from ReferenceResolver.match_refs_pattern(value)
            return
        path, macro = ConfigParser.split_path_id(value[len(MACRO_KEY) :])
        if path:
            yield from _references(item, layered(path, {})[macro])
        else:
            yield macro
