"""DecidingLoss: the loss that decides which weights are best and when the learning rate falls."""

from __future__ import annotations

from ignite.engine import Engine
from monai.engines import Evaluator
from monai.handlers import LrScheduleHandler


class DecidingLoss:
    """The validation loss of validated epochs, or the training loss if there are no validation patients.

    Args:
        evaluator: engine of the validation.
        interval: epochs from one validation to the next. Defaults to 1.
        metric: name of the loss in ``state.metrics``. Defaults to "loss".
    """

    def __init__(self, evaluator: Evaluator, interval: int = 1, metric: str = "loss") -> None:
        self.evaluator = evaluator
        self.interval = interval
        self.metric = metric

    @property
    def validates(self) -> bool:
        """Whether there are validation patients."""
        return len(self.evaluator.data_loader) > 0

    def __call__(self, trainer: Engine) -> float | None:
        """Return the loss.

        Args:
            trainer: trainer at the end of an epoch, after the validation.

        Returns:
            the loss, or None in an epoch without validation.
        """
        if not self.validates:
            return trainer.state.metrics[self.metric]
        if trainer.state.epoch % self.interval:
            return None
        return self.evaluator.state.metrics[self.metric]


class DecidedLrScheduleHandler(LrScheduleHandler):
    """MONAI's `LrScheduleHandler`, which does nothing in epochs where `step_transform` gives None.

    With a validation every tenth epoch, a patience of 8 thus means 8 validations, not 8 epochs.
    """

    def __call__(self, engine: Engine) -> None:
        """Step the scheduler."""
        if self.step_transform(engine) is not None:
            super().__call__(engine)
