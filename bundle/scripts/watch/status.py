"""What the service has done, does and will do, as a table, a page or JSON."""

from __future__ import annotations

import html
import json
import logging
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from scripts import RESEARCH_NOTICE
from scripts.data.errors import BadInputError
from scripts.data.flags import is_true
from scripts.data.hidden import short_uid
from scripts.data.owner import has_ended, read_owner
from scripts.dicom.stored import patient_of_study
from scripts.outputs.locked import LOCK

from .store import FAILED, LEFT_ALONE, RUNNING, SET_ASIDE, Store

HEALTH = "health"
"""Name of the fact that the running service refreshes."""
_STALE = 60.0
_SHOWN = 10
_MEANING = {
    "waiting": "to be fused, or looked at again",
    "running": "at this moment",
    "done": "the result is in the PACS",
    "failed": "will be tried again",
    "set_aside": "will not be tried again",
    "left_alone": "not to be fused",
}


def status(store: Store, show_uids: bool = False) -> dict[str, Any]:
    """Collect the status of a service.

    Args:
        store: its state.
        show_uids: name studies by their StudyInstanceUID. Defaults to False (by what logs call them).

    Returns:
        values that JSON can hold.
    """

    def name(uid: str) -> str:
        return uid if show_uids else patient_of_study(uid)

    now, seconds = time.time(), store.seconds()
    running = store.studies(RUNNING)
    troubles = [study for state in (FAILED, SET_ASIDE, LEFT_ALONE) for study in store.studies(state, _SHOWN)]
    alive, works, told = health(store)
    return {
        "alive": alive,
        "works": works,
        "told": told,
        "studies": store.counts(),
        "seconds_a_study": {
            "median": round(statistics.median(seconds), 2) if seconds else None,
            "longest": round(max(seconds), 2) if seconds else None,
            "of_the_last": len(seconds),
        },
        "running": [
            {"study": name(study.uid), "seconds": round(max(0.0, now - study.changed), 1)} for study in running
        ],
        "reasons": [
            {
                "study": name(study.uid),
                "state": study.state,
                "attempts": study.attempts,
                "reason": study.reason,
                "next_try_in_seconds": (
                    None if study.next_try is None else round(min(max(0.0, study.next_try - now), study.pause))
                ),
            }
            for study in troubles
        ],
        "replaced": [
            {"study": name(uid), "series": [one if show_uids else short_uid(one) for one in result.series.values()]}
            for uid, result in store.superseded(_SHOWN)
        ],
        "disk_free_mb": shutil.disk_usage(store.path.parent).free // 2**20,
    }


def health(store: Store) -> tuple[bool, bool, str]:
    """Tell how the service is.

    Returns:
        whether it runs and is not stuck, so that a restart would not help; whether everything works; and in words.
    """
    if not _is_running(store.path.parent):
        return False, False, "the service is not running"
    fact = store.fact(HEALTH) or {}
    age = abs(time.time() - fact.get("time", 0.0))
    if age > _STALE:
        return False, False, f"the service gave no sign of life for {age:.0f} s"
    return bool(fact.get("alive")), bool(fact.get("works")), str(fact.get("told", ""))


def as_text(found: dict[str, Any]) -> str:
    """Format a status as text."""
    word = "works" if found["works"] else "IN TROUBLE" if found["alive"] else "NOT ALIVE"
    lines = [f"{word}: {found['told']}", ""]
    for state, count in found["studies"].items():
        running = "".join(f", {one['study']} for {one['seconds']:.0f} s" for one in found["running"])
        lines.append(f"{state:<12}{count:>8}   {_MEANING[state]}{running if state == RUNNING else ''}")
    took = found["seconds_a_study"]
    if took["of_the_last"]:
        lines += [
            "",
            f"{took['median']:g} s a study (median of the last {took['of_the_last']}), at most {took['longest']:g} s",
        ]
    lines.append(f"{found['disk_free_mb']} MB free on the disk of the state")
    for one in found["reasons"]:
        again = "" if one["next_try_in_seconds"] is None else f" (again in {one['next_try_in_seconds']} s)"
        reason = one["reason"].splitlines()[0] if one["reason"] else ""
        lines.append(f"- {one['study']} {one['state']}{again}: {reason}")
    for one in found["replaced"]:
        lines.append(f"- {one['study']} has a newer result; the series before it are {', '.join(one['series'])}")
    return "\n".join([*lines, "", RESEARCH_NOTICE])


def as_page(found: dict[str, Any]) -> str:
    """Format a status as a page that refreshes itself."""
    return (
        '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="10">'
        '<meta name="viewport" content="width=device-width"><title>FusionINN watch</title>'
        "<style>body{font-family:system-ui;margin:2rem;color-scheme:light dark}pre{white-space:pre-wrap}</style>"
        f"<h1>FusionINN watch</h1><pre>{html.escape(as_text(found))}</pre></html>"
    )


def show_status(state_dir: str, show_uids: bool | str = False, as_json: bool | str = False) -> None:
    """Print the status of a service.

    Args:
        state_dir: folder of its state.
        show_uids: name studies by their StudyInstanceUID. Defaults to False.
        as_json: print JSON. Defaults to False.

    Raises:
        BadInputError: the service does not run or does not work, so that the exit code says it.
    """
    store = Store(state_dir, read_only=True)
    found = status(store, is_true(show_uids))
    store.close()
    sys.stdout.write((json.dumps(found, indent=2) if is_true(as_json) else as_text(found)) + "\n")
    sys.stdout.flush()
    if not found["works"]:
        raise BadInputError(f"{state_dir}: {found['told'].rstrip('.')}.")


def queue_again(state_dir: str, study: str | None = None) -> None:
    """Queue studies that were set aside or left alone once more; a running service takes them up.

    Args:
        state_dir: folder of the state of the service.
        study: StudyInstanceUID, or what the status calls it. Defaults to None (all of them).

    Raises:
        BadInputError: there is no such study.
    """
    Store(state_dir, read_only=True).close()
    store = Store(state_dir)
    stopped = [one.uid for state in (SET_ASIDE, LEFT_ALONE, FAILED) for one in store.studies(state)]
    uids = [uid for uid in stopped if study in (None, uid, patient_of_study(uid))]
    if study is not None and not uids:
        raise BadInputError(f"{study} is no study that failed, was set aside or left alone; the status names them.")
    store.again(uids)
    store.close()
    logging.getLogger(__name__).info(f"{len(uids)} study(s) queued again.")


def _is_running(folder: Path) -> bool:
    """Whether the process that holds the state still runs; on another machine, its sign of life decides."""
    owner = read_owner(folder / LOCK)
    return bool(owner) and has_ended(owner) is not True
