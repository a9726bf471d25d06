"""The last lines of a command: what it made, where, and the next useful command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from scripts.cohort.patients import CohortReport
from scripts.data.errors import BadInputError
from scripts.data.strict_json import read_json
from scripts.outputs.made import kind_of

from .options import options_of
from .request import Request
from .tasks import tasks

CARRIED = ("ckpt_path", "sources", "lossless", "datalist", "split_file")
"""Options that the next command needs as well, if they were given."""
CARRIED_CONFIGS = ("distributed", "four_contrasts", "methods/fusioninn_3d")
"""Further configs that belong to fusing and decomposing alike."""
TRAINED = {"paper": "paper", "four_contrasts": "four_contrasts", "volumes": "methods/fusioninn_3d", "uncertainty": None}
"""The config that the weights of a recipe are used with, where it is not the usual one. None: they do not fuse."""
RUNTIMES = {"all": "onnx", "torchscript": "torchscript", "pt2": "pt2", "onnx": "onnx"}
"""The runtime that uses an exported format."""
_ID = re.compile(r"\{(\w+)\}")
_CLOCK = 2
"""Seconds by which the clock of a network drive may differ."""


def last_lines(request: Request, program: str, parser: ConfigParser, results: Sequence[Any], started: float) -> str:
    """Return what a command made, where, and what is useful next.

    Args:
        request: the command.
        program: how it was called.
        parser: the configuration of the workflow that has run.
        results: what the section that ran returned.
        started: time at which it began, in seconds.
    """
    made = list(_made(request, parser, results, started))
    following = [(_filled(command, request, parser), does) for command, does in request.task.next.items()]
    commands = [(f"{program} {command}", does) for command, does in following if command]
    width = max((len(command) for command, _ in commands), default=0)
    return "\n".join(
        [
            *_headed("Made:", made),
            *_headed("Next:", [f"{command.ljust(width)}   # {does}" for command, does in commands]),
        ]
    )


def _headed(head: str, lines: Sequence[str]) -> list[str]:
    return [f"{head if number == 0 else '':<{len(head)}} {line}" for number, line in enumerate(lines)]


def _made(request: Request, parser: ConfigParser, results: Sequence[Any], started: float) -> Iterator[str]:
    folder = _value(parser, "output_dir")
    kinds: dict[str, int] = {}
    # resolved if the command used them
    for handler in parser.ref_resolver.resolved_content.get("handlers", ()):
        if isinstance(handler, CohortReport):
            kinds, done = handler.made, handler.finished_patients
            if len(done) == 1:
                kinds = {kind.replace(f"<{handler.unit}>", done[0]): number for kind, number in kinds.items()}
    declared = (Path(str(folder)).expanduser() / name for name in request.task.made)
    recent = (path for path in declared if path.is_file() and path.stat().st_mtime >= started - _CLOCK)
    kinds |= {kind_of(path, folder): 1 for path in (*_paths(results), *recent)}
    for kind, number in kinds.items():
        yield f"{kind}   ({number} files)" if number > 1 and re.search("[<*]", kind) else kind


def _paths(results: Any) -> Iterator[Path]:
    if isinstance(results, (list, tuple)):
        for one in results:
            yield from _paths(one)
    elif isinstance(results, (str, Path)) and Path(results).is_file():
        yield Path(results)


def _value(parser: ConfigParser, name: str) -> Any:
    return parser.get_parsed_content(name) if name in parser else None


def _filled(command: str, request: Request, parser: ConfigParser) -> str | None:
    """Return a command with values in place of ids and with the options that it needs as well, or None.

    Args:
        command: task and arguments. `{runtime}` is that of the exported format, any other id one of the configs.
        request: the command that has run.
        parser: its configuration.
    """
    values = {name: _value(parser, name) for name in _ID.findall(command)}
    if "runtime" in values:
        values["runtime"] = RUNTIMES.get(request.variant or request.task.values[0])
    with_config = TRAINED.get(request.variant or "", "")
    if None in [*values.values(), with_config] or (request.extra and "--config" in command):
        return None
    words = [_ID.sub(lambda found: str(values[found[1]]), word) for word in command.split()]
    if "--split_file" in words and _nobody_set_aside(words[words.index("--split_file") + 1]):
        return None
    task = tasks()[words[0]]
    known = options_of(task, *task.configs())
    for name, value in request.options.items():
        if ("#" in name or (name in CARRIED and name in known)) and f"--{name}" not in words:
            words += [f"--{name}", _typed(value)]
    configs = [config for config in request.extra if config.removesuffix(".json") in CARRIED_CONFIGS]
    for config in dict.fromkeys([*filter(None, [with_config]), *configs]):
        words += ["--config", config]
    return shlex.join(words)


def _nobody_set_aside(split_file: str) -> bool:
    """Whether a split has no patients for validation, so that nothing can be measured on them."""
    try:
        return not read_json(Path(split_file).expanduser())["validation"]
    except (BadInputError, KeyError, TypeError):
        return True


def _typed(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
