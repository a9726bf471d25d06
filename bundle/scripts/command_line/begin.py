"""What every command does first."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from monai.bundle import ConfigParser
from monai.bundle.utils import MERGE_KEY

from scripts.command_line.plain_errors import install_plain_errors
from scripts.data.errors import BadInputError

from .call import SECTIONS, Call, current_call
from .default_data import check_default_data
from .known_options import CONFIGS, KnownOptions
from .references import UsedIds, layered
from .typed import check_typed
from .values import check_needed, check_value


def begin() -> None:
    """Begin a command: errors in plain words, and no option that is unknown, without effect or impossible.

    To be the first expression of a section that a user runs, so that nothing was read or written before::

        "imports": ["$from scripts.command_line.begin import begin"],
        "run": ["$begin()", "$@evaluator.run()"]

    Raises:
        BadInputError: an option is invalid; the message names it and the remedy.
    """
    install_plain_errors()
    call = current_call()
    if call is not None:
        find_code_beside(call.config_files)
        check(call)


def find_code_beside(config_files: Sequence[str]) -> None:
    """Make the code of every config importable; MONAI does so for the first config only.

    Args:
        config_files: the configs; those in a folder `configs` have their code in the folder above.
    """
    for file in config_files:
        folder = Path(file).resolve().parent
        if folder.name == CONFIGS.name and str(folder.parent) not in sys.path:
            sys.path.append(str(folder.parent))


def check(call: Call) -> None:
    """Check the options of a command.

    Args:
        call: the command.

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
