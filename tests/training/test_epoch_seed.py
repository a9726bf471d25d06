"""Every epoch starts from its own seed."""

from __future__ import annotations

import pytest
import torch
from ignite.engine import Engine, Events
from monai.utils import set_determinism

from scripts.training.epoch_seed import EpochSeed


class Aware:
    """Remembers which epochs it was told."""

    def __init__(self):
        self.told = []

    def set_epoch(self, epoch):
        self.told.append(epoch)


@pytest.fixture(autouse=True)
def _undo_determinism():
    yield
    set_determinism(seed=None)


def drawn(seed: int, epochs: int, first: int = 0) -> list[float]:
    values = []
    engine = Engine(lambda *_: values.append(torch.rand(()).item()))
    EpochSeed(seed).attach(engine)
    engine.add_event_handler(Events.STARTED, lambda: setattr(engine.state, "epoch", first))
    engine.run([0, 1], max_epochs=epochs)
    return values


def test_samplers_and_datasets_are_told_each_epoch():
    aware = Aware()
    engine = Engine(lambda *_: None)
    EpochSeed(0, [aware]).attach(engine)
    engine.run([0], max_epochs=3)
    assert aware.told == [1, 2, 3]


def test_an_epoch_draws_the_same_whether_or_not_others_came_before():
    assert drawn(5, epochs=3)[4:] == drawn(5, epochs=3, first=2)


def test_epochs_and_seeds_draw_differently():
    values = drawn(5, epochs=2) + drawn(6, epochs=2)
    assert len(set(values)) == 8
