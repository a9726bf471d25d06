"""Which ids of a layered configuration a command uses, followed from the section that it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from monai.bundle import ConfigParser, ReferenceResolver
from monai.bundle.utils import ID_SEP_KEY, MACRO_KEY


def layered(config_file: str | Sequence[str], options: dict[str, Any]) -> ConfigParser:
    """Read config files in layers with options on top, as MONAI does; macros stay as they are written.

    Args:
        config_file: one file or several.
        options: values by id.
    """
    parser = ConfigParser()
    parser.read_config(config_file)
    parser.update(options)
    return parser


class UsedIds:
    """The ids that a command reads, directly or through others.

    A reference (``@id``, ``%id``) to a section uses everything in it, and a reference into a section uses that part only.

    Args:
        parser: the layered configuration, not parsed yet.
        sections: ids that the command begins with, for instance ``run``; absent ones are left out.
    """

    def __init__(self, parser: ConfigParser, sections: Iterable[str]) -> None:
        self.ids: set[str] = set()
        waiting = [section for section in sections if section in parser]
        while waiting:
            one = waiting.pop()
            if one not in self.ids and one in parser:
                self.ids.add(one)
                waiting += _references(one, parser[one])

    def __contains__(self, id: str) -> bool:
        id = ReferenceResolver.normalize_id(id)
        return any(_within(id, used) or _within(used, id) for used in self.ids)


def _within(id: str, section: str) -> bool:
    return id == section or id.startswith(section + ID_SEP_KEY)


def _references(id: str, value: Any) -> Iterator[str]:
    """Yield the ids that a value names, with those of everything in it."""
    if isinstance(value, (dict, list)):
        for _, sub_id, part in ReferenceResolver.iter_subconfigs(id, value):
            yield from _references(sub_id, part)
    elif isinstance(value, str):
        value = ConfigParser.resolve_relative_ids(id, value)
        if not value.startswith(MACRO_KEY):
            yield from ReferenceResolver.match_refs_pattern(value)
            return
        path, macro_id = ConfigParser.split_path_id(value[len(MACRO_KEY) :])
        if not path:
            yield macro_id
        else:
            yield from _references(id, layered(path, {})[macro_id])
