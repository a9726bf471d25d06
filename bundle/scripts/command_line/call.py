"""The call of MONAI that a command runs in: its config files, its sections and its options."""

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
"""Arguments of MONAI that name a section, and the sections that they stand for when they are left out."""

OWN_OPTIONS = tuple(
    {
        name: None
        for function in (monai.bundle.run, create_workflow, ConfigWorkflow.__init__)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD and name != "self"
    }
)
"""Options that MONAI itself takes, for instance ``config_file``; all others override ids of the configs."""


@dataclass(frozen=True)
class Call:
    """One command.

    Args:
        config_files: the configs, in the order of their layers.
        options: values by id, as they override the configs.
        sections: ids that are run. Defaults to MONAI's; those that the configs lack are left out.
        monai_options: values of MONAI's own options.
        typed: arguments of the command line as they were typed, empty where Python code called.
    """

    config_files: tuple[str, ...]
    options: Mapping[str, Any]
    sections: tuple[str, ...] = tuple(SECTIONS.values())
    monai_options: Mapping[str, Any] = field(default_factory=dict)
    typed: Sequence[str] = ()

    @classmethod
    def of(cls, arguments: Mapping[str, Any], typed: Sequence[str] = ()) -> Call:
        """Make a call of the arguments that MONAI was given.

        Args:
            arguments: by name, those of ``args_file`` not read yet; None for what was left out.
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
    """Find the command that the caller runs in.

    MONAI hands an expression of a config nothing about the command that evaluates it: overrides are merged into the
    configs, and what was given is forgotten. So its call is looked up on the stack.

    Returns:
        the call, or None where a workflow was made and run without ``monai.bundle.run`` or ``run_workflow``.
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
    """Whether python-fire called, which MONAI reads its command line with."""
    caller = frame.f_back
    return caller is not None and caller.f_globals.get("__name__") == "fire.core"
