"""LossTerms: the mean of every loss term over an epoch."""

from __future__ import annotations

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from monai.utils.enums import CommonKeys

from scripts.losses import FusionLoss


class LossTerms:
    """Put the mean of every term of the loss into ``engine.state.metrics``, at the end of each epoch.

    In training the terms are those that the loss has just computed; in validation they are computed here. Means are
    over images, of all processes.

    Args:
        loss_function: the loss.
    """

    def __init__(self, loss_function: FusionLoss) -> None:
        self.loss_function = loss_function
        self._sums: dict[str, torch.Tensor] = {}
        self._count = 0

    def attach(self, engine: Engine) -> None:
        """Collect over the iterations of `engine`."""
        engine.add_event_handler(Events.EPOCH_STARTED, self.reset)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.update)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.compute)

    def reset(self) -> None:
        """Begin an epoch."""
        self._sums, self._count = {}, 0

    def update(self, engine: Engine) -> None:
        """Add a batch."""
        output = engine.state.output
        image = output[CommonKeys.IMAGE]
        if output.get(CommonKeys.LOSS) is not None:
            terms = self.loss_function.reported
        else:
            # the MMD draws its reference: the same one in every validation, so that epochs can be compared
            with torch.no_grad(), torch.random.fork_rng([image.device] if image.is_cuda else []):
                torch.manual_seed(self._count)
                terms = self.loss_function.terms(output[CommonKeys.PRED], image)
        for name, value in terms.items():
            self._sums[name] = self._sums.get(name, 0) + value.detach() * len(image)
        self._count += len(image)

    def compute(self, engine: Engine) -> None:
        """Set the means as metrics of the engine."""
        if self._count == 0:
            return
        names = sorted(self._sums)
        totals = torch.stack(
            [self._sums[name].float() for name in names] + [torch.tensor(float(self._count)).to(self._sums[names[0]])]
        )
        totals = idist.all_reduce(totals)
        for name, total in zip(names, totals[:-1], strict=True):
            engine.state.metrics[name] = (total / totals[-1]).item()
