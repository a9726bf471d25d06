# PYTHON_ARGCOMPLETE_OK
"""`fusioninn TASK …`, or `python -m fusioninn TASK …`: the short commands."""

from __future__ import annotations

import sys

from fusioninn import BUNDLE


def main() -> int:
    """Run the command of this process.

    Returns:
        the exit code.
    """
    # First: the folder that a command is run in may have a folder `scripts` of its own.
    sys.path.insert(0, str(BUNDLE))
    from scripts.commands.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
