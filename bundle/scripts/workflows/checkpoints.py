"""Checkpoints: the last and the best state of a training run, never half-written."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events

from scripts.data.atomic import written_whole
from scripts.data.errors import BadInputError

from .weights import read_checkpoint


def is_true(flag: bool | int | str) -> bool:
    """Read a yes or no as a command line gives it: true, True, 1, "yes" …

    Raises:
        BadInputError: when it is neither yes nor no.
    """
    text = str(flag).strip().lower()
    if text in ("true", "1", "yes", "on"):
        return True
    if text in ("false", "0", "no", "off", "none", ""):
        return False
    raise BadInputError(f"expected true or false, got '{flag}'.")


class Checkpoints:
    """Write `last.pt` after every epoch and `model.pt` whenever the validation loss is the lowest so far.

    `last.pt` holds network, optimizer, learning-rate scheduler, epoch and best loss: what it takes to go on. `model.pt`
    holds the weights alone. Each is written under another name and then renamed, so that a run killed at any moment
    leaves whole files.

    Args:
        folder: where to write.
        state: objects with `state_dict` and `load_state_dict`, by name; "network" must be one of them.
        seed: seed of the run, kept for the record and checked on resuming.
        evaluator: engine whose ``state.metrics[metric]`` decides what is best, or None: the trainer's own.
            Defaults to None.
        metric: name of the metric, the lower the better. Defaults to "loss".
        resume: go on from `last.pt` where it exists. Defaults to False.

    Raises:
        BadInputError: when `resume` is not set and the folder holds another run.
    """

    def __init__(
        self,
        folder: str,
        state: Mapping[str, Any],
        seed: int,
        evaluator: Engine | None = None,
        metric: str = "loss",
        resume: bool | str = False,
    ) -> None:
        self.folder = Path(folder)
        self.state = {name: value for name, value in state.items() if value is not None}
        self.seed = seed
        self.evaluator = evaluator
        self.metric = metric
        self.resume = is_true(resume)
        self.best = float("inf")
        self.logger = logging.getLogger(__name__)
        if not self.resume and self.last.exists():
            raise BadInputError(
                f"{self.last} belongs to an earlier run. Go on with it by --resume true, or choose another --output_dir."
            )

    @property
    def last(self) -> Path:
        """File of the last state."""
        return self.folder / "last.pt"

    def attach(self, engine: Engine) -> None:
        """Resume when `engine` starts, save when it completes an epoch."""
        engine.add_event_handler(Events.STARTED, self.restore)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)

    def restore(self, engine: Engine) -> None:
        """Bring network, optimizer, scheduler and epoch back from `last.pt`.

        Raises:
            BadInputError: when the file is damaged or of another configuration.
        """
        if not self.resume:
            return
        if not self.last.exists():
            self.logger.info(f"Nothing to resume in {self.folder}: starting at epoch 1.")
            return
        content = read_checkpoint(self.last)
        try:
            if content["seed"] != self.seed:
                raise BadInputError(f"{self.last} was trained with seed {content['seed']}, this run has {self.seed}.")
            for name, value in self.state.items():
                value.load_state_dict(content[name])
            self.best = content["best"]
            engine.state.epoch = content["epoch"]
            engine.state.iteration = content["iteration"]
        except (KeyError, RuntimeError, ValueError) as error:
            if isinstance(error, BadInputError):
                raise
            raise BadInputError(
                f"{self.last} does not fit this configuration ({str(error).splitlines()[0]}). Resume with the "
                "configuration that wrote it, or choose another --output_dir."
            ) from error
        self.logger.info(f"Resumed after epoch {engine.state.epoch} from {self.last}.")

    def save(self, engine: Engine) -> None:
        """Write the last state, and the weights where they are the best so far."""
        metrics = (self.evaluator or engine).state.metrics
        value = metrics.get(self.metric, float("nan"))
        better = value < self.best
        self.best = value if better else self.best
        if idist.get_rank() != 0:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        content: dict[str, Any] = {name: value.state_dict() for name, value in self.state.items()}
        if better:
            self._write(content["network"], self.folder / "model.pt")
        content |= {
            "epoch": engine.state.epoch,
            "iteration": engine.state.iteration,
            "best": self.best,
            "seed": self.seed,
        }
        self._write(content, self.last)

    @staticmethod
    def _write(content: Any, path: Path) -> None:
        with written_whole(path, suffix=".pt") as temporary:
            torch.save(content, temporary)
