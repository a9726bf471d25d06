"""OneCycleLR: the learning rate rises and falls once, in a run of any length."""

from __future__ import annotations

from typing import Any

from torch.optim import Optimizer, lr_scheduler

from scripts.data.errors import BadInputError


class OneCycleLR(lr_scheduler.OneCycleLR):
    """PyTorch's schedule (Smith and Topin 2019), for runs in which the rise takes exactly one step as well.

    PyTorch divides by the steps between the first one and the end of the rise, which would be 0. Such a run begins
    at the highest rate, as shorter ones do; the rates of all others are PyTorch's.

    Args:
        optimizer: its learning rate is set.
        max_lr: highest learning rate.
        total_steps: steps of the whole run.
        pct_start: share of them in which the rate rises. Defaults to 0.3.
        settings: further arguments of PyTorch's schedule.

    Raises:
        ValueError: when an argument is out of its range.
    """

    def __init__(
        self, optimizer: Optimizer, max_lr: float, total_steps: int, pct_start: float = 0.3, **settings: Any
    ) -> None:
        if pct_start * total_steps == 1:
            pct_start = 0.999 * pct_start
        super().__init__(optimizer, max_lr, total_steps, pct_start=pct_start, **settings)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue a schedule.

        Raises:
            BadInputError: when it is one of another length.
        """
        begun = state_dict["total_steps"]
        if begun != self.total_steps:
            raise BadInputError(
                f"This run began with a learning rate for {begun} steps and is to continue with one for "
                f"{self.total_steps}. A one-cycle schedule cannot change its length: give the --epochs (and --repeats, "
                "--batch_size, patients) it began with, or begin another from its weights by --start_from MODEL.PT."
            )
        super().load_state_dict(state_dict)
