"""EpochSeed: every epoch starts from its own seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ignite.distributed as idist
from ignite.engine import Engine, Events
from monai.utils import set_determinism


class EpochSeed:
    """Set the epoch of samplers and datasets, and seed all generators from (seed, epoch, rank).

    A run that is resumed after epoch e therefore continues exactly as if it had not been interrupted.

    Args:
        seed: seed of the run.
        epoch_aware: objects with a `set_epoch` method, such as samplers and an `AugmentedDataset`.
    """

    def __init__(self, seed: int, epoch_aware: Sequence[Any] = ()) -> None:
        self.seed = seed
        self.epoch_aware = tuple(epoch_aware)

    def attach(self, engine: Engine) -> None:
        """Act at the start of every epoch of `engine`."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        """Set epoch and seeds."""
        for aware in self.epoch_aware:
            aware.set_epoch(engine.state.epoch)
        set_determinism(seed=(self.seed * 100_003 + engine.state.epoch) * 1009 + idist.get_rank())
