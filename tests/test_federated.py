"""Two hospitals train one network with MONAI's federated client, and no image leaves either of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from monai.fl.client import MonaiAlgo
from monai.fl.utils.constants import ExtraItems, FlStatistics, WeightType
from monai.fl.utils.exchange_object import ExchangeObject

BUNDLE = Path(__file__).resolve().parent.parent / "bundle"
SMALL = {
    "batch_size": 4,
    "image_size": [32, 32],
    "device": "$torch.device('cpu')",
    "validation_fraction": 0.5,
    "learning_rate": 0.002,
    "network_def#hidden_channels": 4,
    "network_def#blocks": 2,
}

pytestmark = [
    pytest.mark.usefixtures("process_as_it_was"),
    # What it warns of is that configs are programs: those here are the bundle's own.
    pytest.mark.filterwarnings("ignore:executing the bundle config"),
]


@pytest.fixture
def clients(tmp_path, write_patient) -> list[MonaiAlgo]:
    """Two clients with two patients each, one of which each sets aside for validation."""
    algorithms = []
    for site, shape in {"north": (32, 32, 6), "south": (36, 28, 6)}.items():
        for number in (1, 2):
            write_patient(tmp_path / site, f"{site}{number}", shape=shape)
        settings = SMALL | {"dataset_dir": str(tmp_path / site)}
        algorithms.append(
            MonaiAlgo(
                bundle_root=str(BUNDLE),
                config_evaluate_filename="configs/train.json",
                train_kwargs=settings | {"output_dir": str(tmp_path / f"{site}_run")},
                eval_kwargs=settings | {"output_dir": str(tmp_path / f"{site}_evaluation")},
            )
        )
        algorithms[-1].initialize({ExtraItems.CLIENT_NAME: site})
    return algorithms


def initial_weights(client: MonaiAlgo) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in client.trainer.network.state_dict().items()}


def mean_loss(clients: list[MonaiAlgo], weights: dict[str, torch.Tensor]) -> float:
    return sum(client.evaluate(ExchangeObject(weights=weights)).metrics["loss"] for client in clients) / len(clients)


def test_rounds_of_two_clients_lower_the_loss_of_both_and_average_their_weights(clients, tmp_path):
    weights = initial_weights(clients[0])
    losses = [mean_loss(clients, weights)]
    for epoch in (1, 2):
        changes = []
        for client in clients:
            client.train(ExchangeObject(weights=weights))
            sent = client.get_weights()
            assert sent.weight_type == WeightType.WEIGHT_DIFF
            assert sent.statistics[FlStatistics.NUM_EXECUTED_ITERATIONS] >= 1
            assert client.trainer.state.epoch == epoch
            changes.append(sent.weights)
        assert any(not torch.equal(changes[0][name], changes[1][name]) for name in weights)
        weights = {name: value + (changes[0][name] + changes[1][name]) / 2 for name, value in weights.items()}
        losses.append(mean_loss(clients, weights))
        own = [client.trainer.network.state_dict() for client in clients]
        for name, value in weights.items():
            torch.testing.assert_close(value, (own[0][name] + own[1][name]) / 2, atol=1e-6, rtol=1e-5)
    assert losses[0] > losses[1] > losses[2]
    for client in clients:
        client.finalize()

    splits = [json.loads((tmp_path / f"{site}_run" / "split.json").read_text()) for site in ("north", "south")]
    patients = [set(split["train"] + split["validation"]) for split in splits]
    assert patients == [{"north1", "north2"}, {"south1", "south2"}]


def test_only_weights_and_numbers_are_sent(clients):
    weights = initial_weights(clients[0])
    clients[0].train(ExchangeObject(weights=weights))
    sent = clients[0].get_weights()
    assert {name: value.shape for name, value in sent.weights.items()} == {
        name: value.shape for name, value in weights.items()
    }
    assert all(isinstance(value, (int, float, dict)) for value in sent.statistics.values())
