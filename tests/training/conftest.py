"""A network that is never trained, batches and engines small enough for a handler's test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from torch.utils.data import DataLoader

from scripts.inferers import BidirectionalInferer
from scripts.losses import FusionINNLoss
from scripts.networks import FusionINN
from scripts.training.batches import sources_as_target


def slices(count: int, value: float | None = None) -> list[dict[str, Any]]:
    generator = torch.Generator().manual_seed(3)
    images = [torch.rand(2, 16, 16, generator=generator) for _ in range(count)]
    return [
        {"image": image if value is None else torch.full_like(image, value), "patient": f"P{i}", "slice": 10 + i}
        for i, image in enumerate(images)
    ]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Images of 16 x 16 pixels gain nothing from a second one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def network() -> FusionINN:
    return FusionINN(hidden_channels=4)


@pytest.fixture
def loss() -> FusionINNLoss:
    return FusionINNLoss(range_weight=0.0)


@pytest.fixture
def make_trainer(network, loss) -> Callable[..., SupervisedTrainer]:
    """Return a function that makes a trainer of `count` slices, two a batch."""

    def make(handlers: list[Any], epochs: int = 1, count: int = 4, value: float | None = None, **settings: Any):
        return SupervisedTrainer(
            device=torch.device("cpu"),
            max_epochs=epochs,
            train_data_loader=DataLoader(slices(count, value), batch_size=2),
            network=network,
            optimizer=settings.pop("optimizer", None) or torch.optim.SGD(network.parameters(), lr=1e-3),
            loss_function=loss,
            inferer=BidirectionalInferer(),
            prepare_batch=sources_as_target,
            train_handlers=handlers,
            decollate=False,
            **settings,
        )

    return make


@pytest.fixture
def make_evaluator(network) -> Callable[..., SupervisedEvaluator]:
    """Return a function that makes an evaluator of `count` slices, two a batch."""

    def make(handlers: list[Any], count: int = 3, value: float | None = None):
        return SupervisedEvaluator(
            device=torch.device("cpu"),
            val_data_loader=DataLoader(slices(count, value), batch_size=2),
            network=network,
            inferer=BidirectionalInferer(),
            prepare_batch=sources_as_target,
            val_handlers=handlers,
            decollate=False,
        )

    return make
