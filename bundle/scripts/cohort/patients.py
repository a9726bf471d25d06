"""Patient by patient: one bad patient is reported and skipped, the others are finished."""

from __future__ import annotations

import atexit
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import ignite.distributed as idist
from ignite.engine import Engine, Events
from torch import nn
from tqdm import tqdm

from scripts import __version__
from scripts.command_line.plain_errors import plain_message
from scripts.data.errors import BadInputError
from scripts.data.hidden import shown_message
from scripts.data.inputs import files_of, protect_inputs
from scripts.data.progress import Pulse, bar_hidden
from scripts.data.waiting import over
from scripts.outputs.locked import check_folder, lock_folder, unlock_folder
from scripts.outputs.made import kind_of
from scripts.outputs.writing import check_writable

from .finished import Finished, FinishedPatients
from .processes import together
from .settings import settings_of

Record = Mapping[str, Any]

LONG = 120.0
"""Seconds after which a log says that a patient is still processed."""


class PatientStep:
    """The iteration of an engine whose batches are single patients: read, apply the network, add results, write.

    A part of any list is a callable, so a config can add one in a line, see `configs/inference.json`.

    Args:
        preprocessing: transforms that take a record of a patient, in turn, to what the network is applied to; they
            raise `BadInputError` for bad input.
        write: takes the patient's case to the files written, see `scripts.cases.folders`.
        inferer: takes the network and what was read to the case. Defaults to None (the case is what was read).
        results: take the network and the case, in turn, to a case with one more result. Defaults to none.
        delivery: take the case and the files written, in turn, for instance to send them. Defaults to none.
        finished: knows the patients of earlier runs. Defaults to None (all patients are processed).
    """

    def __init__(
        self,
        preprocessing: Sequence[Callable[[Any], Any]],
        write: Callable[[Any], Sequence[str]],
        inferer: Callable[[nn.Module, Any], Any] | None = None,
        results: Sequence[Callable[[nn.Module, Any], Any]] = (),
        delivery: Sequence[Callable[[Any, Sequence[str]], None]] = (),
        finished: Finished | None = None,
    ) -> None:
        self.preprocessing = list(preprocessing)
        self.write = write
        self.inferer = inferer
        self.results = list(results)
        self.delivery = list(delivery)
        self.finished = finished
        self._described = False
        self._expected = False

    def __call__(self, engine: Engine, batch: Sequence[Record]) -> dict[str, Any]:
        """Process the one patient of `batch`.

        Returns:
            "patient", and "files" that were written or "problem" that prevented it. If the run resumes, also "kept":
            whether the files are those of an earlier run.
        """
        (record,) = batch
        patient = record["patient"]
        self._expect(engine)
        kept = self._take_over(engine, record)
        outcome = {"patient": patient, **(self._process(engine.network, record) if kept is None else {"files": kept})}
        if self.finished is not None and self.finished.resume:
            outcome["kept"] = kept is not None
        return outcome

    def read(self, record: Any) -> Any:
        """Take a record through the transforms."""
        for transform in self.preprocessing:
            record = transform(record)
        return record

    def case(self, network: nn.Module, data: Any) -> Any:
        """Apply the network to what was read, and add the results."""
        if self.inferer is None:
            return data
        network.eval()
        case = self.inferer(network, data)
        for add in self.results:
            case = add(network, case)
        return case

    def _process(self, network: nn.Module, record: Record) -> dict[str, Any]:
        patient = record["patient"]
        try:
            case = self.case(network, self.read(record))
            files = list(self.write(case))
            for deliver in self.delivery:
                deliver(case, files)
            if self.finished is not None:
                self.finished.note(patient, files)
        except Exception as error:  # whatever it is, the other patients are finished
            return {"problem": problem_of(patient, error)}
        return {"files": files}

    def _expect(self, engine: Engine) -> None:
        """Tell what writes of all patients, once, if it asks for them (see `scripts.cases.folders`)."""
        expect = getattr(self.write, "expect", None)
        if expect is not None and not self._expected:
            expect(records_of(engine))
        self._expected = True

    def _take_over(self, engine: Engine, record: Record) -> list[str] | None:
        if self.finished is None:
            return None
        if not self._described:
            parts = {"version": __version__, "network": getattr(engine, "network", None)}
            names = ("preprocessing", "inferer", "results", "write", "delivery")
            self.finished.made_with(settings_of({**parts, **{name: getattr(self, name) for name in names}}))
            self._described = True
        return self.finished.take_over(record)


def records_of(engine: Engine) -> Sequence[Record]:
    """Return the records of all patients that an engine runs over."""
    return getattr(getattr(engine.state.dataloader, "dataset", None), "data", ())


def problem_of(patient: str, error: Exception) -> str:
    """Say what prevented a patient; what nobody expected is logged with its traceback.

    To be called where the error is handled.

    Args:
        patient: name of the patient, for the log; a message that begins with it loses it, for it is told beside it.
        error: the error that was raised.
    """
    # MONAI's transforms wrap the error that says what is wrong in others.
    message = plain_message(error)
    if message is not None:
        return shown_message(message.removeprefix(f"{patient}: "))
    logging.getLogger(__name__).exception(f"{patient} failed")
    return (
        f"unexpected {type(error).__name__}: {shown_message(str(error))}. The log above says where; please report it."
    )


class CohortReport:
    """A progress bar over the patients, and at the end what was written and what failed.

    Args:
        name: what is done, before the bar.
        output_dir: where the results are.
        unit: what is processed one by one. Defaults to "patient".
        finished: notes on the patients, which tell whether others in the folder were made with other settings. Defaults
            to None.
    """

    def __init__(
        self, name: str, output_dir: str, unit: str = "patient", finished: FinishedPatients | None = None
    ) -> None:
        self.name = name
        self.output_dir = Path(output_dir).expanduser()
        self.unit = unit
        self.finished = finished
        self.outcomes: list[tuple[str, str | None]] = []
        self.made: dict[str, int] = {}
        self._pulse: Pulse | None = None
        self.kept: list[str] | None = None
        self.logger = logging.getLogger(__name__)

    def attach(self, engine: Engine) -> None:
        """Follow the patients of `engine`."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.update)
        engine.add_event_handler(Events.COMPLETED, self.finish)

    def start(self, engine: Engine) -> None:
        """Lock the folder, let no result replace an input, and draw the bar.

        Raises:
            BadInputError: when nothing can be written to the folder, or another command works in it.
        """
        check_writable(self.output_dir)
        lock_folder(self.output_dir, self.name)
        protect_inputs(file for record in records_of(engine) for file in files_of(record).values())
        over()
        processes = idist.get_world_size()
        self.bar = tqdm(
            total=engine.state.epoch_length,
            desc=self.name if processes == 1 else f"{self.name}, 1 of {processes} shares",
            unit=self.unit,
            # not where the output is no terminal but a file, whose lines it would garble
            disable=True if idist.get_rank() > 0 else bar_hidden(),
        )
        atexit.register(self.bar.close)
        self._last = time.monotonic()
        self._pulse = Pulse(self._beat) if idist.get_rank() == 0 else None
        for handler in logging.getLogger().handlers:
            handler.addFilter(self._make_room)

    def update(self, engine: Engine) -> None:
        """Note how the patient went.

        Raises:
            BadInputError: when the output folder was removed meanwhile.
        """
        output = engine.state.output
        try:
            check_folder(self.output_dir)
        except BadInputError:
            self._close()
            raise
        self.bar.update()
        self._last = time.monotonic()
        if "kept" in output:
            self.kept = [*(self.kept or []), *([output["patient"]] if output["kept"] else [])]
        self.outcomes.append((output["patient"], output.get("problem")))
        for file in output.get("files", ()):
            kind = kind_of(file, self.output_dir, output["patient"], self.unit)
            self.made[kind] = self.made.get(kind, 0) + 1
        done = f"{len(self.outcomes)} of {engine.state.epoch_length}"
        if "problem" in output:
            if engine.state.epoch_length > 1:  # otherwise the end of the command says the same
                self.logger.warning(f"{self.name}: {output['patient']} is skipped ({done}): {output['problem']}")
        elif self.bar.disable:
            how = "is kept" if output.get("kept") else "is done"
            self.logger.info(f"{self.name}: {output['patient']} {how} ({done}).")

    @property
    def problems(self) -> dict[str, str]:
        """What prevented each patient that failed."""
        return {patient: problem for patient, problem in self.outcomes if problem is not None}

    @property
    def finished_patients(self) -> list[str]:
        """The patients that did not fail."""
        return [patient for patient, problem in self.outcomes if problem is None]

    def finish(self) -> None:
        """Wait for the other processes; the first of them tells the outcome of all."""
        self._close()
        atexit.unregister(self.bar.close)
        for handler in logging.getLogger().handlers:
            handler.removeFilter(self._make_room)
        try:
            kept = together(self.kept or [])
            self.outcomes, self.kept = together(self.outcomes), None if self.kept is None else kept
            made: dict[str, int] = {}
            for file, number in together(list(self.made.items())):
                made[file] = made.get(file, 0) + number
            self.made = made
            if idist.get_rank() == 0:
                self.tell()
        finally:
            unlock_folder(self.output_dir)
            protect_inputs(())

    def _close(self) -> None:
        if self._pulse is not None:
            self._pulse.stop()
        self.bar.close()

    def _beat(self) -> None:
        """Show that a patient who takes long is still processed: the bar's clock, or in a log a line now and then."""
        if not self.bar.disable:
            self.bar.refresh()
        elif time.monotonic() - self._last >= LONG:
            self._last = time.monotonic()
            number, total = len(self.outcomes) + 1, self.bar.total
            self.logger.info(f"{self.name}: still working on {self.unit} {number} of {total}.")

    def _make_room(self, _record: logging.LogRecord) -> bool:
        """Take the bar away before a line is logged; it is drawn again with the next patient."""
        self.bar.clear()
        return True

    def tell(self) -> None:
        """Tell the outcome.

        Raises:
            BadInputError: when a patient failed; the message names each.
        """
        done, problems = len(self.finished_patients), self.problems
        if done:
            kept = "" if self.kept is None else f" ({len(self.kept)} kept, {done - len(self.kept)} made anew)"
            self.logger.info(f"{done} {self.unit}(s) done{kept}; results are in {self.output_dir}")
        others = self.finished.others() if self.finished is not None else []
        if others:
            shown = ", ".join(others[:5]) + (", …" if len(others) > 5 else "")
            self.logger.warning(
                f"{self.output_dir} also holds {len(others)} {self.unit}(s) that were made with other settings: "
                f"{shown}. Make them again with the settings of this run, or remove them."
            )
        if problems:
            told = "\n".join(f"- {patient}: {problem}" for patient, problem in problems.items())
            raise BadInputError(f"{len(problems)} of {len(self.outcomes)} {self.unit}s could not be processed:\n{told}")
