"""Grid: train and evaluate the cells of a table, one after the other, and keep what is finished."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from scripts.command_line.references import UsedIds
from scripts.data.discovery import find_patients, usable
from scripts.data.errors import BadInputError
from scripts.data.flags import is_true
from scripts.data.split import split_patients
from scripts.networks.weights import fingerprint, read_checkpoint
from scripts.training.checkpoints import LAST, MODEL

from .bundle_command import run_bundle
from .cells import Cell
from .config_paths import OURS, method_config
from .made_with import MadeWith, layered, settings_of

TRAINING = "training"
EVALUATION = "evaluation"


@dataclass(frozen=True)
class Budget:
    """How the cells are trained and measured.

    Args:
        setting: name of the budget, which is that of its folder, for instance "small".
        configs: config files above the method's, for training and evaluation, named as in `config_path`.
        evaluation: keys of the evaluation.
    """

    setting: str
    configs: tuple[str, ...] = ()
    evaluation: Mapping[str, Any] | None = None


def budget_of(settings: Mapping[str, Mapping[str, Any]], setting: str) -> Budget:
    """Choose a budget by its name.

    Args:
        settings: "configs" and "evaluation" of each budget by its name, see `Budget`.
        setting: name of the one that is wanted.

    Raises:
        BadInputError: when there is none of that name.
    """
    if setting not in settings:
        raise BadInputError(f"setting is '{setting}', expected one of {', '.join(settings)}.")
    chosen = settings[setting]
    return Budget(setting, tuple(chosen.get("configs", ())), dict(chosen.get("evaluation", {})))


class Grid:
    """Train and evaluate cells by the bundle's own commands, each in a process of its own.

    A cell lies in ``<output_dir>/<setting>/<cell>/seed<k>/``: ``training/`` and ``evaluation/``, the log of each beside
    it, and ``made_with.json``, the settings. What is finished is kept; a run that was killed goes on after its last
    epoch, or its last patient. A training that was made by hand in the cell's folder is taken over when its last
    checkpoint is of the last epoch.

    Args:
        dataset_dir: patients.
        output_dir: folder for all settings.
        budget: how the cells are trained and measured.
        split_file: split into training and validation patients. Defaults to None: one is made, the same for all cells.
        cache_dir: folder for read slices. Defaults to None, a folder in `output_dir`.
        device: device of the commands. Defaults to None, which leaves it to them.
        train: train cells that are not trained; otherwise they stay gaps. Defaults to True.
        evaluate: evaluate cells that are not evaluated; otherwise they stay gaps. Defaults to True.
        training_dir: patients that are trained on where they are others than those that are measured on; which of them
            are held back for validation is up to the configs of the budget. Defaults to None: the training patients of
            the split.

    Raises:
        BadInputError: without a dataset_dir.
    """

    def __init__(
        self,
        dataset_dir: str | None,
        output_dir: str,
        budget: Budget,
        split_file: str | None = None,
        cache_dir: str | None = None,
        device: str | None = None,
        train: bool | str = True,
        evaluate: bool | str = True,
        training_dir: str | None = None,
    ) -> None:
        if not dataset_dir:
            raise BadInputError("Give the folder of patients by --dataset_dir, and their split by --split_file.")
        self.dataset_dir = _absolute(dataset_dir)
        self.training_dir = _absolute(training_dir) if training_dir else None
        self.output_dir = _absolute(output_dir)
        self.folder = self.output_dir / budget.setting
        self.budget = budget
        self.split_file = _absolute(split_file) if split_file else self.output_dir / "split.json"
        self.cache_dir = _absolute(cache_dir) if cache_dir else self.output_dir / "cache"
        self.device = device
        self.train = is_true(train)
        self.evaluate = is_true(evaluate)
        self.logger = logging.getLogger(__name__)

    def run(self, cells: Iterable[Cell]) -> dict[Cell, str]:
        """Train and evaluate cells where that is needed.

        Args:
            cells: which, in this order.

        Returns:
            why a cell is not there, for those that failed; the others are finished all the same.

        Raises:
            BadInputError: when a cell was made with other settings, before anything is run.
        """
        cells = list(dict.fromkeys(cells))
        for cell in cells:
            self.check(cell)
        if self.train or self.evaluate:
            self._split()
        failed: dict[Cell, str] = {}
        begin = time.monotonic()
        for i, cell in enumerate(cells, start=1):
            self.logger.info(f"Cell {i} of {len(cells)}: {cell.label} (after {_clock(time.monotonic() - begin)}).")
            problem = self._training(cell) or self._evaluation(cell)
            if problem:
                failed[cell] = problem
                self.logger.error(f"{cell.label} failed: {problem}")
        return failed

    def check(self, cell: Cell) -> None:
        """Refuse a cell that was made with other settings than it would be made with now, or has unknown ones.

        Raises:
            BadInputError: naming what differs or is unknown.
        """
        used = [_used(self._evaluation_configs(cell), EVALUATION)]
        if cell.training is not None:
            used.append(_used(self._training_configs(cell), TRAINING))
        unknown = [key for key in cell.overrides if not any(key in ids for ids in used)]
        if unknown:
            raise BadInputError(f"{cell.label} sets {', '.join(unknown)}, which its configs do not use. Leave it out.")
        record = MadeWith(self.folder / cell.folder, cell.label)
        if cell.training is not None:
            record.check(TRAINING, self._settings(self._training_configs(cell), cell))
        weights = self.weights(cell)
        if weights is None or weights.is_file():
            record.check(EVALUATION, self._evaluation_settings(cell))

    def finished(self, cell: Cell) -> Path | None:
        """Folder of the evaluation of a cell, None where it is not finished."""
        stage = MadeWith(self.folder / cell.folder, cell.label).stage(EVALUATION)
        return self.folder / cell.folder / EVALUATION if stage and stage["finished"] else None

    def trained(self, cell: Cell) -> bool:
        """Whether the training of a cell came to its last epoch.

        Raises:
            BadInputError: when it was trained with another seed.
        """
        folder = self.folder / cell.folder / TRAINING
        if not (folder / MODEL).is_file() or not (folder / LAST).is_file():
            return False
        last = read_checkpoint(folder / LAST)
        if last.get("seed", cell.seed) != cell.seed:
            raise BadInputError(
                f"{folder / LAST} was trained with seed {last['seed']}, expected {cell.seed}. Move it to the folder of "
                "its own seed."
            )
        return last["epoch"] >= self.training_config(cell).get_parsed_content("epochs")

    def training_config(self, cell: Cell) -> Any:
        """The config that a cell is trained with."""
        return layered(self._training_configs(cell), {**cell.overrides, "seed": cell.seed})

    def evaluation_config(self, cell: Cell) -> Any:
        """The config that a cell is evaluated with."""
        return layered(self._evaluation_configs(cell), {**self._of_evaluation(cell), "seed": cell.seed})

    def weights(self, cell: Cell) -> Path | None:
        """Weights that a cell is evaluated with, None for a method that has none."""
        if cell.ckpt_path:
            return _absolute(cell.ckpt_path)
        return self.folder / cell.folder / TRAINING / MODEL if cell.training is not None else None

    def _training(self, cell: Cell) -> str | None:
        """Train a cell where that is needed; return what went wrong."""
        if cell.training is None:
            return None
        folder = self.folder / cell.folder
        record, settings = MadeWith(folder, cell.label), self._settings(self._training_configs(cell), cell)
        stage = record.stage(TRAINING)
        if self.trained(cell):
            if not (stage and stage["finished"]):
                self.logger.info(f"{cell.label}: a finished training is taken over.")
                record.note(TRAINING, settings, finished=True, taken_over=stage is None)
            return None
        if not self.train:
            return None
        record.note(TRAINING, settings, finished=False)
        keys = {"cache_dir": self.cache_dir, "resume": "true", "output_dir": folder / TRAINING}
        if self.training_dir:
            keys |= {"dataset_dir": self.training_dir, "split_file": None}
        problem = self._command(TRAINING, self._training_configs(cell), cell, keys, folder / f"{TRAINING}.log")
        if problem is None:
            record.note(TRAINING, settings, finished=True)
        return problem

    def _evaluation(self, cell: Cell) -> str | None:
        """Evaluate a cell where that is needed; return what went wrong."""
        if self.finished(cell) or not self.evaluate or (cell.training is not None and not self.trained(cell)):
            return None
        folder = self.folder / cell.folder
        record, settings = MadeWith(folder, cell.label), self._evaluation_settings(cell)
        record.note(EVALUATION, settings, finished=False)
        keys = {
            "output_dir": folder / EVALUATION,
            "ckpt_path": self.weights(cell),
            "resume": "true",
            **(self.budget.evaluation or {}),
        }
        log = folder / f"{EVALUATION}.log"
        problem = self._command(EVALUATION, self._evaluation_configs(cell), cell, keys, log)
        if problem is None:
            record.note(EVALUATION, settings, finished=True)
        return problem

    def _command(
        self, section: str, configs: Sequence[str], cell: Cell, keys: Mapping[str, Any], log: Path
    ) -> str | None:
        places = {"dataset_dir": self.dataset_dir, "split_file": self.split_file, "device": self.device}
        begin = time.monotonic()
        self.logger.info(f"{cell.label}: {section} begins, see {log}")
        # A method may not have what a row of its table sets, and a command refuses what has no effect.
        used = _used(configs, section)
        overrides = {key: value for key, value in cell.overrides.items() if key in used}
        problem = run_bundle(section, configs, {**overrides, "seed": cell.seed, **places, **keys}, log)
        took = _clock(time.monotonic() - begin)
        self.logger.info(f"{cell.label}: {section} {'done' if problem is None else 'failed'} in {took}.")
        return None if problem is None else f"{section} ended with: {problem} See {log}."

    def _training_configs(self, cell: Cell) -> list[str]:
        return [*(cell.training or ()), method_config(cell.method), *self.budget.configs]

    def _evaluation_configs(self, cell: Cell) -> list[str]:
        return ["evaluate.json", method_config(cell.method), *self._of_both()]

    def _of_evaluation(self, cell: Cell) -> dict[str, Any]:
        """Overrides without those of sections, as that of the optimizer, which only the training has."""
        sections = layered(self._evaluation_configs(cell), {}).get()
        return {key: value for key, value in cell.overrides.items() if "#" not in key or key.split("#")[0] in sections}

    def _of_both(self) -> list[str]:
        """Configs of the budget that change the network, and so the evaluation too."""
        return [name for name in self.budget.configs if name.startswith(OURS)]

    def _settings(self, configs: Sequence[str], cell: Cell, **more: Any) -> dict[str, Any]:
        overrides = self._of_evaluation(cell) if "evaluate.json" in configs else cell.overrides
        parser = layered(configs, {**overrides, "seed": cell.seed, **more})
        split = fingerprint(self.split_file) if self.split_file.is_file() else None
        patients = {"data set": self.dataset_dir.name, "trained on": (self.training_dir or self.dataset_dir).name}
        return {**settings_of(parser), **patients, **({"split": split} if split else {})}

    def _evaluation_settings(self, cell: Cell) -> dict[str, Any]:
        weights = self.weights(cell)
        settings = self._settings(self._evaluation_configs(cell), cell, **(self.budget.evaluation or {}))
        return {**settings, **({"weights": fingerprint(weights)} if weights else {})}

    def _split(self) -> None:
        """Make a split where none is given, once for all cells."""
        if not self.split_file.is_file():
            patients = usable(find_patients(str(self.dataset_dir)))
            split_patients(patients, save_to=self.split_file)


def _used(configs: Sequence[str], section: str) -> UsedIds:
    return UsedIds(layered(configs, {}), [section])


def _absolute(path: str | Path) -> Path:
    return Path(path).expanduser().absolute()


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
