"""Remake everything that depends on the shipped weights, and write it into the documents.

    python tools/release.py --data FOLDER             # all steps that are not up to date; continues a stopped release
    python tools/release.py --list                    # steps, what is out of date, and what a person has to read
    python tools/release.py --data FOLDER --dry_run   # what would run, why, and for how long
    python tools/release.py --data FOLDER --only validation held_out
    python tools/release.py --accept training.words   # a block written by hand was corrected
    python tools/release.py --version 0.5.0

FOLDER holds the data sets that `research/configs/release.json` names. That file also declares the steps, the patients
that the weights were trained on, and the documents.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bundle"), str(ROOT / "research")]

from fusioninn_research.release.marks import mark_of_picture  # noqa: E402
from fusioninn_research.release.plan import Plan, read_plan  # noqa: E402
from fusioninn_research.release.release import Release, duration, outdated  # noqa: E402
from fusioninn_research.release.updates import METADATA, metrics_mark, set_version  # noqa: E402
from scripts.data.errors import BadInputError  # noqa: E402

PLAN = ROOT / "research" / "configs" / "release.json"
FOLDER = ROOT / "bundle" / "output" / "release"


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with the data sets")
    parser.add_argument("--run", type=Path, help="folder with first_stage and second_stage of the training")
    parser.add_argument("--only", nargs="+", default=[], metavar="STEP", help="run these steps only")
    parser.add_argument("--again", nargs="+", default=[], metavar="STEP", help="run these steps even if up to date")
    parser.add_argument("--list", action="store_true", help="show steps, outdated blocks, and what to read")
    parser.add_argument("--dry_run", action="store_true", help="show what would run, and run nothing")
    parser.add_argument("--accept", nargs="+", default=[], metavar="BLOCK", help="mark blocks corrected by hand")
    parser.add_argument("--version", help="write a version into all files that hold it")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="folder for results (%(default)s)")
    parser.add_argument("--plan", type=Path, default=PLAN, help="the plan (%(default)s)")
    return parser.parse_args(arguments)


def show_steps(release: Release, only: Sequence[str]) -> None:
    """Print each step with its state and duration."""
    left = 0.0
    for step in release.plan.steps:
        if only and step.name not in only:
            continue
        reasons = release.reasons(step)
        seconds = release.estimate(step)
        known = "took" if release.state.seconds(step.name) is not None else "about"
        left += seconds if reasons else 0.0
        print(f"{step.name:20} {known} {duration(seconds):10} {'; '.join(reasons[:3]) or 'up to date'}")
        print(f"{'':20} {step.does}")
    print(f"To do: {duration(left)}")


def problems(plan: Plan, release: Release) -> list[str]:
    """Return what in the repository belongs to other weights."""
    found = outdated(plan, release.mark, release.blocks())
    for picture in plan.pictures:
        mark = mark_of_picture(plan.root / picture)
        if mark != release.mark:
            found.append(f"{picture} belongs to the weights {mark}")
    if METADATA in {name for step in plan.steps for name in step.updates}:
        mark = metrics_mark(plan.root)
        if mark != release.mark:
            found.append(f"{METADATA}: eval_metrics belong to the weights {mark}: --only validation")
    return found


def show_rest(plan: Plan, release: Release) -> int:
    """Print what is out of date and what a person has to read; return how much is out of date."""
    found = problems(plan, release)
    print(f"\nWeights {release.mark}. Belonging to other weights: {len(found) or 'nothing'}")
    for line in found:
        print(f"  {line}")
    print("To be read and corrected by a person after new weights:")
    for document, what in plan.read.items():
        print(f"  {document}: {what}")
    print("Tests that pin values of the shipped weights:")
    for test, what in plan.tests.items():
        print(f"  {test}: {what}")
    return len(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for.

    Returns:
        0, 1 if a step failed, 2 if the command was not understood.
    """
    options = parse(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a running command is ended with the release
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        plan = read_plan(options.plan, ROOT)
        if options.version:
            changed = set_version(ROOT, options.version)
            print(f"Version {options.version} in {', '.join(changed) or 'all files already'}. Write its changelog.")
            if not options.data:
                return 0
        given = {"RUN": str(options.run.resolve())} if options.run else {}
        release = Release(plan, options.data, options.folder, given)
        if options.accept:
            print(f"Accepted in {', '.join(release.accept(options.accept))}")
            return 0
        if options.list or options.dry_run:
            show_steps(release, [plan.step(name).name for name in options.only])
            show_rest(plan, release)
            return 0
        failed = release.run(options.only, options.again)
        show_rest(plan, release)
        for line in failed:
            print(f"Error: {line}", file=sys.stderr)
        return int(bool(failed))
    except BadInputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. The same command continues.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
