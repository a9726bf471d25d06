"""Run the steps of a release, and write what they measured into the documents."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from scripts.data.errors import BadInputError
from scripts.data.strict_json import read_json
from scripts.outputs.locked import lock_folder, unlock_folder
from scripts.outputs.tables import write_json
from scripts.outputs.writing import check_writable

from ..bundle_command import KEEP_MEMORY, last_words
from .blocks import find_blocks, write_blocks
from .fits import check_network
from .marks import mark_of, write_marked
from .patients import MEASURED, PICTURED, TRAINING, Patients, fingerprint_of
from .plan import Plan, Step
from .state import State, digest_of, digest_of_values
from .updates import UPDATES
from .views import VIEWS, Results

LOG, BEGUN = "log.txt", "inputs.json"
_WAIT_SECONDS = 20


class Release:
    """A release of the weights that lie in the repository.

    Results, logs and the state lie in ``<folder>/<mark>``; nothing of them is used for other weights.

    Args:
        plan: what is to be done.
        data: folder with the data sets; None if no step is to be run.
        folder: where results are kept.
        given: folders for places that the plan does not know. Defaults to none; steps that need one of them fail.
    """

    def __init__(self, plan: Plan, data: Path | None, folder: Path, given: Mapping[str, str] | None = None) -> None:
        self.plan, self.given = plan, dict(given or {})
        self.mark = mark_of(plan.root / plan.weights)
        self.folder = folder.resolve() / self.mark
        self.state = State(self.folder)
        self.patients = None if data is None else Patients(plan, data.expanduser().resolve(), self.folder / "patients")
        self.logger = logging.getLogger(__name__)

    def run(self, only: Sequence[str] = (), again: Sequence[str] = ()) -> list[str]:
        """Run the steps that are not up to date, and write their figures into the documents.

        A step that fails does not stop those that do not need it.

        Args:
            only: names of the steps to run. Defaults to all.
            again: names of steps to run even if they are up to date.

        Returns:
            one message for each step that failed or could not run.

        Raises:
            BadInputError: there is no such step, no data, the weights do not fit the configs, or the folder cannot be
                used.
        """
        steps = self._chosen([*only, *again])
        if self.patients is None:
            raise BadInputError("The steps need data: give the folder that holds the data sets by --data.")
        missing = self.patients.missing({place for step in steps for place in step.places})
        if missing:
            raise BadInputError(f"Missing data: {', '.join(missing)}. Give the folder that holds them by --data.")
        self.blocks()  # a misspelt comment is an error before hours go into measurements
        if self.plan.same_network:
            check_network(self.plan.root, self.plan.weights, self.plan.same_network)
        check_writable(self.folder)
        lock_folder(self.folder, "Releasing")
        try:
            self.patients.write()
            return self._run(steps, set(again))
        finally:
            unlock_folder(self.folder, os.getpid())

    def _run(self, steps: Sequence[Step], again: set[str]) -> list[str]:
        failed: dict[str, str] = {}
        left = {step.name: self.estimate(step) for step in steps if step.name in again or self.reasons(step)}
        for number, step in enumerate(steps, 1):
            here = f"[{number}/{len(steps)}] {step.name}"
            blocking = [name for name in step.needs if name in failed or self._unmet(name, steps)]
            reasons = ["asked for"] if step.name in again else self.reasons(step)
            if blocking:
                failed[step.name] = f"{step.name} was not run: it needs {', '.join(blocking)}."
                self.logger.error(f"{here}: {failed[step.name]}")
            elif reasons:
                rest = sum(left.get(one.name, 0.0) for one in steps[number - 1 :])
                self.logger.info(
                    f"{here}: {step.does} ({'; '.join(reasons[:3])}), about {duration(self.estimate(step))}; "
                    f"{duration(rest)} left in all"
                )
                problem = self._execute(step)
                if problem:
                    failed[step.name] = (
                        f"{step.name} failed: {problem.rstrip('.')}. Log: {self.folder / step.name / LOG}"
                    )
                    self.logger.error(f"{here}: {failed[step.name]}")
                    continue
                self.logger.info(f"{here}: done in {duration(self.state.steps[step.name]['seconds'])}")
            else:
                self.logger.info(f"{here}: up to date")
            if step.name not in failed:
                try:
                    self.write_step(step)
                except BadInputError as error:
                    failed[step.name] = f"{step.name} was measured, but not written: {error}"
                    self.logger.error(f"{here}: {failed[step.name]}")
        return list(failed.values())

    def _unmet(self, name: str, steps: Sequence[Step]) -> bool:
        """Whether a step that another one needs is not up to date and not to be run."""
        return name not in {step.name for step in steps} and bool(self.reasons(self.plan.step(name)))

    def estimate(self, step: Step) -> float:
        """Return the expected seconds of a step: those of the last time, or those of the plan."""
        known = self.state.seconds(step.name)
        return 60.0 * step.minutes if known is None else known

    def reasons(self, step: Step) -> list[str]:
        """Return why a step has to run; empty if it is up to date."""
        unmet = [name for name in step.needs if self.reasons(self.plan.step(name))]
        if unmet:
            return [f"{', '.join(unmet)} has to run"]
        reasons = self.state.reasons(step.name, self.inputs(step), self.plan.root)
        return reasons or ([] if (self.folder / step.name).is_dir() else ["its results are gone"])

    def inputs(self, step: Step) -> dict[str, str]:
        """Return digests of all that a step's results depend on."""
        found = {"the weights": self.mark, "the step": digest_of_values([*step.commands, *step.makes])}
        found["the network"] = self._network
        found |= {name: digest_of(self.plan.root / name) for name in step.files}
        found |= {f"the step {name}": self.state.digest(name) for name in step.needs}
        for place in sorted(step.places & self._folders.keys()):
            found[f"the data {place}"] = self._folders[place]
        for place in sorted(step.places & self.given.keys()):
            found[f"the folder {place}"] = fingerprint_of(Path(self.given[place]))
        return found

    @cached_property
    def _network(self) -> str:
        config = self.plan.root / "bundle" / "configs" / "inference.json"
        if not config.is_file():
            return "missing"
        return digest_of_values(json.loads(config.read_text(encoding="utf-8")).get("network_def"))

    @cached_property
    def _folders(self) -> dict[str, str]:
        """Digests of the data, by place; of patients that the plan chooses, of its choice and their data sets."""
        if self.patients is None:
            return {}
        places, plan = self.patients.places(), self.plan
        found = {name: fingerprint_of(Path(places[name])) for name in plan.data if Path(places[name]).is_dir()}
        left_out = [list(plan.left_out), dict(plan.same_people), list(plan.training)]
        measured = digest_of_values([left_out, found.get(plan.measured_on)])
        trained = digest_of_values([list(plan.training), [found.get(name) for name in plan.trained_on]])
        shown = digest_of_values([plan.pictured, trained])
        return {**dict.fromkeys(MEASURED, measured), TRAINING: trained, PICTURED: shown, **found}

    def _execute(self, step: Step) -> str | None:
        """Run the commands of a step, and record it.

        Returns:
            the last message of a command that failed, or None.
        """
        absent = [f"{what}" for name, what in self.plan.given.items() if name in step.places - self.given.keys()]
        if absent:
            return f"it needs {', '.join(absent)}."
        out = self.folder / step.name
        inputs, start = self.inputs(step), time.monotonic()
        self._begin(out, inputs)
        places = {**self.patients.places(), **self.given, "out": str(out), "patient": self.plan.pictured}
        for words in step.words(places):
            problem = self._command(words, out / LOG)
            if problem:
                return problem
        gone = [name for name in step.makes if not (self.plan.root / name).is_file()]
        if gone:
            return f"it did not write {', '.join(gone)}."
        made = {name: digest_of(self.plan.root / name) for name in step.makes}
        self.state.finish(step.name, inputs, made, time.monotonic() - start)
        return None

    def _begin(self, out: Path, inputs: Mapping[str, str]) -> None:
        """Keep what a killed run of the same inputs left behind, so that its commands continue; drop anything else."""
        begun = out / BEGUN
        if out.is_dir() and not (begun.is_file() and read_json(begun) == inputs):
            shutil.rmtree(out)
        check_writable(out)
        write_json(begun, inputs)

    def _command(self, words: Sequence[str], log: Path) -> str | None:
        command = [sys.executable if words[0] == "python" else words[0], *words[1:]]
        paths = [str(self.plan.root / folder) for folder in ("bundle", "research")]
        variables = {**KEEP_MEMORY, **os.environ}
        variables["PYTHONPATH"] = os.pathsep.join([*paths, *filter(None, [os.environ.get("PYTHONPATH")])])
        with log.open("ab") as file:
            begin = file.tell()
            file.write(f"$ {' '.join(words)}\n".encode())
            file.flush()
            try:
                process = subprocess.Popen(command, cwd=self.plan.root, stdout=file, stderr=file, env=variables)
            except OSError as error:
                return f"{words[0]} cannot be started ({error.strerror})."
            try:
                code = process.wait()
            except BaseException:
                _stop(process)
                raise
        return None if code == 0 else last_words(log, begin, code)

    def write_step(self, step: Step) -> None:
        """Write the figures and pictures of a finished step into the repository.

        Raises:
            BadInputError: its results cannot be read, or a file cannot be written.
        """
        results = Results(self.folder, self.plan)
        names = {name for name in VIEWS if name.partition(".")[0] == step.name}
        texts = {name: self._shown(name, results) for name in names & self._used}
        for document in self.plan.documents:
            written = write_blocks(self.plan.root / document, texts, self.mark)
            if written:
                self.logger.debug(f"{document}: {', '.join(written)}")
        for target, source in step.pictures.items():
            source = source.format(patient=self.plan.pictured)
            write_marked(self.folder / step.name / source, self.plan.root / target, self.mark)
        for name in step.updates:
            UPDATES[name](results, self.plan.root, self.mark)

    @property
    def _used(self) -> set[str]:
        return {block.name for blocks in self.blocks().values() for block in blocks}

    def _shown(self, name: str, results: Results) -> str:
        try:
            return VIEWS[name](results)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise BadInputError(f"{name} cannot be made of {results.folder}: {error!r}.") from error

    def accept(self, names: Iterable[str]) -> list[str]:
        """Mark blocks that are written by hand as belonging to the present weights.

        Args:
            names: names of such blocks.

        Returns:
            documents that were changed.

        Raises:
            BadInputError: a name is that of no block, or of one that is made by a step.
        """
        names = list(names)
        places = self.blocks()
        for name in names:
            if name in VIEWS:
                step = name.partition(".")[0]
                raise BadInputError(f"{name} is written by the step {step}: run it by --only {step}.")
            if name not in {block.name for blocks in places.values() for block in blocks}:
                by_hand = {block.name for blocks in places.values() for block in blocks} - VIEWS.keys()
                raise BadInputError(f"No document has a block {name}. By hand are {', '.join(sorted(by_hand))}.")
        changed = []
        for document, blocks in places.items():
            texts = {block.name: block.text for block in blocks if block.name in names}
            if texts:
                write_blocks(self.plan.root / document, texts, self.mark)
                changed.append(document)
        return changed

    def blocks(self) -> dict[str, list]:
        """Return all measured blocks by document."""
        return {
            document: find_blocks((self.plan.root / document).read_text(encoding="utf-8"), document)
            for document in self.plan.documents
        }

    def _chosen(self, only: Sequence[str]) -> list[Step]:
        wanted = {self.plan.step(name).name for name in only}
        return [step for step in self.plan.steps if not wanted or step.name in wanted]


def duration(seconds: float) -> str:
    """Return a duration in words: "40 s", "12 min", "2 h 5 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _stop(process: subprocess.Popen) -> None:
    """End a command that is not waited for any more; its own files are whole at any moment."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def outdated(plan: Plan, mark: str, blocks: Mapping[str, Sequence]) -> list[str]:
    """Return one line for each block of a document that belongs to other weights.

    Args:
        plan: the plan.
        mark: that of the weights in the repository.
        blocks: see `Release.blocks`.
    """
    found = []
    for document, there in blocks.items():
        for block in there:
            if block.weights == mark:
                continue
            known = {step.name for step in plan.steps}
            by_step = block.name in VIEWS and block.measurement in known
            remedy = f"--only {block.measurement}" if by_step else f"correct it by hand, then --accept {block.name}"
            found.append(f"{document}:{block.line}: {block.name} belongs to the weights {block.weights}: {remedy}")
    return found
