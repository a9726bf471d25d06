"""One step of a study: a failed one is told at the end, and the other studies go on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any


def attempt(patient: str, task: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what `task` returns, or the "problem" that prevented it.

    Args:
        patient: name of the study in folders and logs.
        task: the step.
    """
    from scripts.workflows.plain_errors import plain_cause

    try:
        return {**task(), "patient": patient}
    except Exception as error:  # whatever it is, the other studies are finished
        problem = plain_cause(error)
        if problem is None:
            logging.getLogger(__name__).exception(f"{patient} failed")
            problem = f"unexpected {type(error).__name__}: {error}. The log above says where; please report it."
        return {"patient": patient, "problem": str(problem)}
