"""Checkpoints: save the last and the best state of a training run, each file whole."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events

from scripts.data.atomic import written_whole
from scripts.data.errors import BadInputError, NonFiniteLossError
from scripts.data.flags import is_true
from scripts.networks.weights import read_checkpoint
from scripts.outputs.locked import lock_folder, unlock_folder
from scripts.outputs.writing import check_writable, sweep

LAST = "last.pt"
MODEL = "model.pt"


def prepare_output(folder: str | os.PathLike[str], resume: bool | str) -> None:
    """Make the folder of a run before patients are read.

    Args:
        folder: where the run is to write.
        resume: whether to continue the run in it.

    Raises:
        BadInputError: when the folder holds another run and `resume` is not set, or cannot be written to.
    """
    folder = Path(folder)
    found = [folder / name for name in (LAST, MODEL) if (folder / name).exists()]
    if found and not is_true(resume):
        raise BadInputError(
            f"{found[0]} belongs to an earlier run. Continue it with --resume true, or choose another --output_dir."
        )
    check_writable(folder)


class Checkpoints:
    """Write `last.pt` after every epoch and `model.pt` whenever the deciding loss is the lowest so far.

    `last.pt` holds all that is needed to continue: network, optimizer, scheduler, epoch and best loss. `model.pt`
    holds the weights alone. Each is written under another name and then renamed, so that a run killed at any moment
    leaves whole files.

    Args:
        folder: where to write.
        state: objects with `state_dict` and `load_state_dict`, by name; "network" and "optimizer" must be among them.
        seed: seed of the run, kept for the record and checked on resuming.
        deciding_loss: takes the trainer and gives the loss that decides what is best, the lower the better, or None
            in epochs that decide nothing; see `DecidingLoss`.
        resume: continue from `last.pt` if it exists. Defaults to False.

    Raises:
        BadInputError: see `prepare_output`.
    """

    def __init__(
        self,
        folder: str,
        state: Mapping[str, Any],
        seed: int,
        deciding_loss: Callable[[Engine], float | None],
        resume: bool | str = False,
    ) -> None:
        self.folder = Path(folder)
        self.state = {name: value for name, value in state.items() if value is not None}
        self.seed = seed
        self.deciding_loss = deciding_loss
        self.resume = is_true(resume)
        self.last = self.folder / LAST
        self.model = self.folder / MODEL
        self.logger = logging.getLogger(__name__)
        prepare_output(self.folder, self.resume)

    def attach(self, engine: Engine) -> None:
        """Lock the folder and resume when `engine` starts, save when it completes an epoch."""
        engine.add_event_handler(Events.STARTED, self.restore)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.save)
        engine.add_event_handler(Events.COMPLETED, self.finish)

    def restore(self, engine: Engine) -> None:
        """Restore network, optimizer, scheduler and epoch from `last.pt`.

        Raises:
            BadInputError: when the file is damaged or of another configuration, or another command works in the folder.
        """
        lock_folder(self.folder, "Training")
        first = idist.get_rank() == 0
        if first:
            self._sweep()
        if not self.resume:
            return
        if not self.last.exists():
            self.logger.info(f"Nothing to resume in {self.folder}: starting at epoch 1.")
            return
        content = read_checkpoint(self.last)
        try:
            if content["seed"] != self.seed:
                raise BadInputError(
                    f"{self.last} was trained with seed {content['seed']}, this run has {self.seed}. "
                    f"Resume with --seed {content['seed']}, or choose another --output_dir."
                )
            for name, value in self.state.items():
                value.load_state_dict(content[name])
            self._scale_learning_rate(content.get("learning_rate", self._configured_rate()))
            engine.state.best_metric = content["best"]
            engine.state.best_metric_epoch = content.get("best_epoch", content["epoch"])
            engine.state.epoch = content["epoch"]
            engine.state.iteration = content["epoch"] * engine.state.epoch_length
        except (KeyError, TypeError, RuntimeError, ValueError) as error:
            if isinstance(error, BadInputError):
                raise
            raise BadInputError(
                f"{self.last} does not fit this configuration ({str(error).splitlines()[0]}). Resume with the "
                "configuration that wrote it, or choose another --output_dir."
            ) from error
        if first:
            self.logger.info(f"Resumed after epoch {engine.state.epoch} from {self.last}.")

    def save(self, engine: Engine) -> None:
        """Write the last state, and the weights where they are the best so far.

        Raises:
            NonFiniteLossError: when a weight is NaN or infinite; the files stay as they are.
        """
        state = engine.state
        value = self.deciding_loss(engine)
        better = value is not None and (state.best_metric_epoch < 1 or value < state.best_metric)
        if better:
            state.best_metric, state.best_metric_epoch = value, state.epoch
        if idist.get_rank() != 0:
            return
        content: dict[str, Any] = {name: part.state_dict() for name, part in self.state.items()}
        if not all(torch.isfinite(weight).all() for weight in content["network"].values()):
            raise NonFiniteLossError(
                f"The weights are no longer finite after epoch {engine.state.epoch} and were not saved. "
                "Lower the learning rate, then continue with --resume true."
            )
        if better:
            self._write(content["network"], self.model)
        content |= {
            "epoch": state.epoch,
            "best": state.best_metric,
            "best_epoch": state.best_metric_epoch,
            "learning_rate": self._configured_rate(),
            "seed": self.seed,
        }
        self._write(content, self.last)

    def finish(self, engine: Engine) -> None:
        """Save weights even if no epoch was decided on, and release the folder."""
        if idist.get_rank() == 0 and engine.state.best_metric_epoch < 1:
            self.logger.warning(f"No epoch was validated: {self.model.name} holds the last weights.")
            self._write(self.state["network"].state_dict(), self.model)
        unlock_folder(self.folder)

    def _configured_rate(self) -> float:
        return self.state["optimizer"].defaults["lr"]

    def _scale_learning_rate(self, before: float) -> None:
        """Use a learning rate that the user has changed, not the one in the restored states."""
        ratio = self._configured_rate() / before
        if ratio == 1:
            return
        for group in self.state["optimizer"].param_groups:
            for key in {"lr", "initial_lr", "max_lr", "min_lr"} & group.keys():
                group[key] *= ratio
        scheduler = self.state.get("lr_scheduler")
        if hasattr(scheduler, "base_lrs"):
            scheduler.base_lrs = [rate * ratio for rate in scheduler.base_lrs]
        self.logger.info(f"The learning rate is changed by a factor of {ratio:g}.")

    def _sweep(self) -> None:
        """Remove incomplete files of a killed run."""
        for path in (self.last, self.model):
            sweep(self.folder, f"{path.name}.")

    @staticmethod
    def _write(content: Any, path: Path) -> None:
        # through a file: torch would write the temporary name into the archive, and equal weights should be equal bytes
        with written_whole(path, suffix=".pt") as temporary, open(temporary, "wb") as file:
            torch.save(content, file)
