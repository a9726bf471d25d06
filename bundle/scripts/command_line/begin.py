"""Begin a command: the first thing that every section does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from monai.bundle import ConfigParser
from monai.bundle.utils import MERGE_KEY

from scripts.command_line.plain_errors import install_plain_errors
from scripts.data.errors import BadInputError

from .booleans import type_booleans
from .call import SECTIONS, Call, current_call, current_parser
from .default_data import check_default_data
from .known_options import CONFIGS, KnownOptions, configs_folder
from .references import UsedIds, layered
from .typed import check_typed
from .values import check_needed, check_value


def begin() -> None:
    """Begin a command: install plain errors, check the options, and turn "true" and "false" into booleans.

    Must be the first expression of a section that a user runs, so that nothing has been read or written before::

        "imports": ["$from scripts.command_line.begin import begin"],
        "run": ["$begin()", "$@evaluator.run()"]

    Raises:
        BadInputError: an option is invalid; the message names it and the remedy.
    """
    install_plain_errors()
    call = current_call()
    options, defaults = None, None
    if call is not None:
        find_code_beside(call.config_files)
        options, defaults = call.options, check(call)
    parser = current_parser()
    if parser is not None:
        type_booleans(parser, options, defaults)


def find_code_beside(config_files: Sequence[str]) -> None:
    """Make the code of every config importable; MONAI does so for the first config only.

    Args:
        config_files: the configs; the code of those in a folder `configs`, or below it, is in the parent folder.
    """
    for folder in filter(None, map(configs_folder, config_files)):
        if str(folder.parent) not in sys.path:
            sys.path.append(str(folder.parent))


def check(call: Call) -> ConfigParser:
    """Check the options of a command.

    Args:
        call: the command.

    Returns:
        the config files of the command, without its options.

    Raises:
        BadInputError: an option is invalid; the message names it and the remedy.
    """
    parser = layered(call.config_files, {})
    check_typed(call, parser)
    overrides = {option: value for option, value in call.options.items() if not option.startswith(MERGE_KEY)}
    complete = layered(call.config_files, overrides)
    used = UsedIds(complete, (*call.sections, "imports"))
    for name in SECTIONS:
        section = call.monai_options.get(name)
        if section is not None and str(section) not in complete:
            raise BadInputError(
                f"there is no section '{section}' to run. An argument without a preceding option is read as a section: "
                "put "
                "several values into a list, as in --sources \"['t1gd','flair']\", and paths with * into quotes."
            )
    known = KnownOptions(call, parser, used)
    problems = [known.problem(option) for option in call.options]
    for file in call.config_files:
        if not Path(file).resolve().is_relative_to(CONFIGS):
            problems += [known.problem_of_file(file, key) for key in ConfigParser.load_config_file(file)]
    found = [problem for problem in problems if problem]
    if found:
        raise BadInputError("\n".join(found))
    for option, value in call.options.items():
        check_value(option, value, parser.get(option))
        check_needed(option, complete, used)
    check_default_data(call, parser, used)
    return parser
