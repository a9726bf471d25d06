"""FiniteLoss: stop before a loss that is not a number reaches the weights."""

from __future__ import annotations

import torch
from ignite.engine import Engine
from monai.engines.utils import IterationEvents
from monai.utils.enums import CommonKeys


class NonFiniteLossError(RuntimeError):
    """The loss became NaN or infinite."""


class FiniteLoss:
    """Raise as soon as the loss of a batch is NaN or infinite, before the weights are changed.

    Args:
        checkpoint_dir: folder of the checkpoints, named in the message.
    """

    def __init__(self, checkpoint_dir: str) -> None:
        self.checkpoint_dir = checkpoint_dir

    def attach(self, engine: Engine) -> None:
        """Check after every loss of `engine`."""
        engine.add_event_handler(IterationEvents.LOSS_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Check the loss of this iteration.

        Raises:
            NonFiniteLossError: when it is NaN or infinite; the message tells batch, patients and remedy.
        """
        loss = engine.state.output[CommonKeys.LOSS]
        if torch.isfinite(loss).all():
            return
        batch = engine.state.batch
        items = zip(batch.get("patient", []), batch.get("slice", []), strict=False)
        shown = ", ".join(f"{patient} slice {int(number)}" for patient, number in list(items)[:8])
        raise NonFiniteLossError(
            f"The loss is {loss.item()} at epoch {engine.state.epoch}, iteration {engine.state.iteration}"
            f"{f' (batch: {shown} …)' if shown else ''}. The weights were not changed by this batch; the last good "
            f"checkpoint is in {self.checkpoint_dir}. Lower the learning rate or look at these images, then go on with "
            "--resume true."
        )
