"""Run one step of a study; a failure is reported at the end, and the other studies continue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def attempt(patient: str, task: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what `task` returns, or the "problem" that prevented it.

    Args:
        patient: name of the study in folders and logs.
        task: the step.
    """
    from scripts.cohort.patients import problem_of

    try:
        return {**task(), "patient": patient}
    except Exception as error:  # any error: the other studies must still be processed
        return {"patient": patient, "problem": problem_of(patient, error)}
