"""TaskWorkflow: MONAI's workflow of a config, with the levels of the log and the last lines of a short command."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from monai.bundle import ConfigWorkflow

from scripts.data.progress import first_process
from scripts.data.waiting import Waiting, over_before

from .ending import last_lines
from .request import Request

LEVELS = {"quiet": logging.WARNING, "normal": logging.INFO, "verbose": logging.DEBUG}


class TaskWorkflow(ConfigWorkflow):
    """Run the configs of a short command.

    Attributes:
        request: the short command.
        program: how it was called.
        command: MONAI's command that does the same.
    """

    request: Request
    program: str
    command: str

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.started = time.time()
        self.results: list[Any] = []
        set_level(LEVELS[self.request.level])
        logging.getLogger("scripts").debug(f"runs: {self.command}")

    def run(self) -> Any:
        """Run the section, and keep what it returns."""
        silent = self.request.level == "quiet" or not first_process()
        with Waiting("Loading and searching", quiet=silent):
            for handler in logging.getLogger().handlers:
                handler.addFilter(over_before)
            self.results = super().run()
        return self.results

    def finalize(self) -> Any:
        """Say what was made, where, and which command is useful next."""
        done = super().finalize()
        if self.request.level != "quiet" and first_process():
            self._tell()
        return done

    def _tell(self) -> None:
        try:
            text = last_lines(self.request, self.program, self.parser, self.results, self.started)
        except Exception:  # the task itself is done, and its results are complete
            logging.getLogger("scripts").warning("what was made cannot be listed; the results are complete.")
            logging.getLogger("scripts").debug("the reason", exc_info=True)
            return
        if text:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()


def set_level(level: int) -> None:
    """Set how much of the bundle's messages is logged; of libraries, never less than their warnings.

    Args:
        level: of `logging`.
    """
    logging.getLogger("scripts").setLevel(level)
    for handler in logging.getLogger().handlers:
        handler.setLevel(level)
    if level > logging.INFO:
        logging.getLogger().setLevel(level)


def workflow_of(request: Request, program: str, command: str) -> type[TaskWorkflow]:
    """Return the workflow of one request. MONAI makes it and passes on nothing but ids of configs.

    Args:
        request: the short command.
        program: how it was called.
        command: MONAI's command that does the same.
    """
    return type("OneTask", (TaskWorkflow,), {"request": request, "program": program, "command": command})
