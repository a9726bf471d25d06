"""The MONAI call of a command: its config files, sections and options."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import monai.bundle
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.bundle.scripts import create_workflow, update_kwargs
from monai.bundle.utils import MERGE_KEY
from monai.utils import ensure_tuple

SECTIONS = {"run_id": "run", "init_id": "initialize", "final_id": "finalize"}
"""MONAI's arguments that name a section, and their default sections."""

OWN_OPTIONS = tuple(
    {
        name: None
        for function in (monai.bundle.run, create_workflow, ConfigWorkflow.__init__)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD and name != "self"
    }
)
"""MONAI's own options, such as ``config_file``; all others override ids of the configs."""


@dataclass(frozen=True)
class Call:
    """One command.

    Args:
        config_files: the configs, in layer order.
        options: values by id, which override the configs.
        sections: ids to run. Defaults to MONAI's; ids that the configs lack are omitted.
        monai_options: values of MONAI's own options.
        typed: arguments as typed on the command line, empty for a call from Python.
    """

    config_files: tuple[str, ...]
    options: Mapping[str, Any]
    sections: tuple[str, ...] = tuple(SECTIONS.values())
    monai_options: Mapping[str, Any] = field(default_factory=dict)
    typed: Sequence[str] = ()

    @classmethod
    def of(cls, arguments: Mapping[str, Any], typed: Sequence[str] = ()) -> Call:
        """Create a call from the arguments given to MONAI.

        Args:
            arguments: arguments by name, None if omitted; ``args_file`` has not been read yet.
            typed: arguments of the command line.
        """
        given = {name: value for name, value in arguments.items() if not name.startswith(MERGE_KEY)}
        given = update_kwargs(args=given.pop("args_file", None), **given)
        files = tuple(map(str, ensure_tuple(given.pop("config_file", None) or ())))
        own = {name: given.pop(name) for name in OWN_OPTIONS if name in given}
        options = given | {name: value for name, value in arguments.items() if name.startswith(MERGE_KEY)}
        sections = tuple(str(own.get(name, section)) for name, section in SECTIONS.items())
        return cls(files, options, sections, own, typed)


def current_call() -> Call | None:
    """Find the command of the calling code.

    MONAI does not pass information about the command to the expressions of a config: overrides are merged into the
    configs and then discarded. The call is therefore looked up on the stack.

    Returns:
        the call, or None if a workflow was run without ``monai.bundle.run`` or ``run_workflow``.
    """
    entries = {function.__code__ for function in (monai.bundle.run, monai.bundle.run_workflow)}
    frame: FrameType | None = inspect.currentframe()
    while frame is not None and frame.f_code not in entries:
        frame = frame.f_back
    if frame is None:
        return None
    names = inspect.getargs(frame.f_code)
    arguments = {name: frame.f_locals[name] for name in names.args} | frame.f_locals[names.varkw or ""]
    return Call.of(arguments, sys.argv[1:] if _from_command_line(frame) else ())


def current_parser() -> ConfigParser | None:
    """Find the configuration of the workflow that the caller runs in, looked up on the stack as `current_call` is.

    Returns:
        the configuration, or None outside a workflow.
    """
    frame: FrameType | None = inspect.currentframe()
    while frame is not None and frame.f_code is not ConfigWorkflow.run.__code__:
        frame = frame.f_back
    return None if frame is None else frame.f_locals["self"].parser


def _from_command_line(frame: FrameType) -> bool:
    """Whether the call came from python-fire, MONAI's command line parser."""
    caller = frame.f_back
    return caller is not None and caller.f_globals.get("__name__") == "fire.core"
