"""Curves: every loss term in TensorBoard, as in Fig. 3 of the paper."""

from __future__ import annotations

from ignite.engine import Engine, Events
from torch.optim import Optimizer
from torch.utils.tensorboard import SummaryWriter


class Curves:
    """Write every metric of an engine at the end of each epoch, as `<term>/<part>`.

    Training and validation of one term stand side by side that way.

    Args:
        writer: where the curves go; None (all processes but the first) writes nothing.
        part: "train" or "validation".
        optimizer: optimizer whose learning rate is also written. Defaults to None.
    """

    def __init__(self, writer: SummaryWriter | None, part: str, optimizer: Optimizer | None = None) -> None:
        self.writer = writer
        self.part = part
        self.optimizer = optimizer

    def attach(self, engine: Engine) -> None:
        """Act at the end of every epoch of `engine`."""
        if self.writer is not None:
            engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Write the metrics and flush, so that a killed run loses nothing."""
        for name, value in engine.state.metrics.items():
            self.writer.add_scalar(f"{name}/{self.part}", value, engine.state.epoch)
        if self.optimizer is not None:
            self.writer.add_scalar("learning_rate", self.optimizer.param_groups[0]["lr"], engine.state.epoch)
        self.writer.flush()
