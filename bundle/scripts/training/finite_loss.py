"""FiniteLoss: stop before a loss that is not a number reaches the weights or a checkpoint."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from ignite.engine import Engine, Events
from monai.engines import Evaluator
from monai.engines.utils import IterationEvents
from monai.utils.enums import CommonKeys
from torch import nn

from scripts.data.errors import NonFiniteLossError


class FiniteLoss:
    """Raise as soon as a loss is NaN or infinite, before the weights are changed or saved.

    On a trainer it looks at the loss of every batch and at its gradient, on an evaluator at the mean loss.

    Args:
        checkpoint_dir: folder of the checkpoints, named in the message.
        network: network whose gradients are also checked. Defaults to None (only the loss).
        metric: name of an evaluator's mean loss. Defaults to "loss".
    """

    def __init__(self, checkpoint_dir: str, network: nn.Module | None = None, metric: str = "loss") -> None:
        self.checkpoint_dir = checkpoint_dir
        self.network = network
        self.metric = metric

    def attach(self, engine: Engine) -> None:
        """Check after every loss and backward pass of a trainer, at the end of every run of an evaluator."""
        if isinstance(engine, Evaluator):
            engine.add_event_handler(Events.EPOCH_COMPLETED, self.check_mean)
            return
        engine.add_event_handler(IterationEvents.LOSS_COMPLETED, self.check_loss)
        if self.network is not None:
            engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self.check_gradient)

    def check_loss(self, engine: Engine) -> None:
        """Check the loss of this batch.

        Raises:
            NonFiniteLossError: when it is NaN or infinite; the message names batch, patients and remedy.
        """
        loss = engine.state.output[CommonKeys.LOSS]
        if not torch.isfinite(loss).all():
            self._stop(engine, f"The loss is {loss.item()}")

    def check_gradient(self, engine: Engine) -> None:
        """Check the gradient of this batch. With mixed precision an infinite one is the scaler's business.

        Raises:
            NonFiniteLossError: when it is NaN or infinite.
        """
        if engine.scaler is not None:
            return
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if not torch.isfinite(norm):
            self._stop(engine, f"The loss is finite, but the norm of its gradient is {norm.item()}")

    def check_mean(self, engine: Engine) -> None:
        """Check the mean loss of a validation.

        Raises:
            NonFiniteLossError: when it is NaN or infinite.
        """
        mean = engine.state.metrics.get(self.metric, 0.0)
        if not math.isfinite(mean):
            raise NonFiniteLossError(
                f"The validation loss is {mean} after epoch {engine.state.epoch}: training has diverged. "
                f"{self._last_good()} Lower the learning rate, then continue with --resume true."
            )

    def _stop(self, engine: Engine, what: str) -> None:
        batch = engine.state.batch
        items = list(zip(batch.get("patient", []), batch.get("slice", []), strict=False))
        shown = ", ".join(f"{patient} slice {int(number)}" for patient, number in items[:8])
        more = f" and {len(items) - 8} more" if len(items) > 8 else ""
        length = engine.state.epoch_length
        raise NonFiniteLossError(
            f"{what} at epoch {engine.state.epoch}, batch {(engine.state.iteration - 1) % length + 1} of {length}"
            f"{f' ({shown}{more})' if shown else ''}. The weights were not changed by this batch. {self._last_good()} "
            "Lower the learning rate or look at these images, then continue with --resume true."
        )

    def _last_good(self) -> str:
        last = Path(self.checkpoint_dir) / "last.pt"
        return f"The last good checkpoint is {last}." if last.exists() else "No checkpoint had been written yet."
