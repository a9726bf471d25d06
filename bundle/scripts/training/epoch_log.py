"""EpochLog: one readable line in the log for every epoch of training."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

import ignite.distributed as idist
from ignite.engine import Engine, Events
from torch.optim import Optimizer

from .deciding_loss import DecidingLoss


class EpochLog:
    """Log the losses, the SSIM of every source, the learning rate and the remaining time.

    To be attached after the validation and the checkpoints.

    Args:
        deciding_loss: knows the evaluator, and whether there is one to speak of.
        optimizer: knows the learning rate.
        output_dir: folder of the results, logged at the start.
    """

    def __init__(self, deciding_loss: DecidingLoss, optimizer: Optimizer, output_dir: str) -> None:
        self.deciding_loss = deciding_loss
        self.optimizer = optimizer
        self.output_dir = output_dir
        self.logger = logging.getLogger(__name__)
        self._started = 0.0
        self._seconds: list[float] = []
        self._rate = 0.0

    def attach(self, engine: Engine) -> None:
        """Act at the start and at every epoch of `engine`, in the first process only."""
        if idist.get_rank() == 0:
            engine.add_event_handler(Events.STARTED, self.begin)
            engine.add_event_handler(Events.EPOCH_STARTED, self.begin_epoch)
            engine.add_event_handler(Events.EPOCH_COMPLETED, self.tell)

    def begin(self, engine: Engine) -> None:
        """Log the length of the training."""
        state = engine.state
        if state.epoch >= state.max_epochs:
            self.logger.info(f"All {state.max_epochs} epochs are done. Give more --epochs to continue.")
            return
        self.logger.info(
            f"Training on {len(engine.data_loader.dataset)} slices, {state.epoch_length} batches an epoch, "
            f"epochs {state.epoch + 1} to {state.max_epochs}, on {state.device}. Results: {self.output_dir}"
        )
        if not self.deciding_loss.validates:
            self.logger.warning(
                "NO VALIDATION: no patient is set aside, so the training loss decides which weights are best, and says "
                "nothing about unseen patients. Give two patients or more, and a validation_fraction above 0."
            )

    def begin_epoch(self, engine: Engine) -> None:
        """Start the clock."""
        self._started = time.perf_counter()
        self._rate = self.optimizer.param_groups[0]["lr"]

    def tell(self, engine: Engine) -> None:
        """Write the line."""
        state = engine.state
        self._seconds.append(time.perf_counter() - self._started)
        left = (state.max_epochs - state.epoch) * sum(self._seconds[-10:]) / len(self._seconds[-10:])
        deciding = self.deciding_loss(engine)
        metrics = state.metrics
        told = [f"epoch {state.epoch}/{state.max_epochs}", f"train {metrics['loss']:.4f}"]
        if deciding is not None:
            if self.deciding_loss.validates:
                metrics = self.deciding_loss.evaluator.state.metrics
                told.append(f"validation {deciding:.4f}")
            if state.best_metric_epoch == state.epoch:
                told.append("(best)")
        for kind in ("fused", "decomposed"):
            term = f"{kind}_ssim_"
            values = [f"{name[len(term) :]} {value:.3f}" for name, value in metrics.items() if name.startswith(term)]
            if values:
                told.append(f"{kind} SSIM {' / '.join(values)}")
        told += [f"lr {self._rate:.2e}", f"{self._seconds[-1]:.1f} s", f"left {timedelta(seconds=round(left))}"]
        self.logger.info("  ".join(told))
