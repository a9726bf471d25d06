"""Weights from a file into the network, or a clear word why not."""

from __future__ import annotations

import pickle

import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.networks import FusionINN, MeanFusion
from scripts.networks.weights import fingerprint, load_weights, read_checkpoint


@pytest.fixture
def network(perturbed):
    return perturbed(hidden_channels=4)


@pytest.fixture
def file(tmp_path, network):
    path = tmp_path / "model.pt"
    torch.save(network.state_dict(), path)
    return path


def test_weights_and_permutations_come_back(file, network):
    other = FusionINN(hidden_channels=4, seed=8)
    loaded = load_weights(other, file)
    assert loaded is other
    assert not loaded.training
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in network.state_dict().items())


def test_a_training_checkpoint_holds_weights_too(tmp_path, network):
    torch.save({"network": network.state_dict(), "epoch": 3}, tmp_path / "last.pt")
    other = load_weights(FusionINN(hidden_channels=4, seed=8), tmp_path / "last.pt")
    image = torch.rand(1, 2, 8, 8)
    assert torch.equal(other(image)[0], network.eval()(image)[0])


def test_a_missing_file_is_named_with_the_remedy(tmp_path):
    with pytest.raises(BadInputError, match=r"No checkpoint at .*none\.pt.*--ckpt_path"):
        read_checkpoint(tmp_path / "none.pt")


@pytest.mark.parametrize("length", [0, 10, 3000, -100])
def test_a_truncated_file_is_refused(file, length):
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(BadInputError, match=r"model\.pt cannot be read as a checkpoint: it is truncated, damaged"):
        read_checkpoint(file)


def test_a_single_changed_bit_is_refused(file, network):
    content = bytearray(file.read_bytes())
    weight = next(network.parameters()).detach().numpy().tobytes()
    content[content.index(weight) + 2] ^= 0x40
    file.write_bytes(content)
    with pytest.raises(BadInputError, match=r"model\.pt cannot be read as a checkpoint: .*the checksum of .* is wrong"):
        read_checkpoint(file)


def test_a_file_that_runs_code_is_refused(tmp_path):
    class Harmful:
        def __reduce__(self):
            return print, ("harm",)

    (tmp_path / "foreign.pt").write_bytes(pickle.dumps(Harmful(), protocol=2))
    with pytest.raises(BadInputError, match=r"foreign\.pt cannot be read as a checkpoint"):
        read_checkpoint(tmp_path / "foreign.pt")


def test_a_lone_tensor_is_no_checkpoint(tmp_path):
    torch.save(torch.zeros(3), tmp_path / "tensor.pt")
    with pytest.raises(BadInputError, match="holds a Tensor, expected a state dict of a network"):
        read_checkpoint(tmp_path / "tensor.pt")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"hidden_channels": 8}, "of another shape"),
        ({"hidden_channels": 4, "blocks": 8}, "missing"),
        ({"hidden_channels": 4, "blocks": 2}, "unknown"),
    ],
)
def test_weights_of_another_network_are_refused_and_none_is_loaded(file, settings, told):
    other = FusionINN(**settings)
    before = {name: value.clone() for name, value in other.state_dict().items()}
    with pytest.raises(BadInputError, match=rf"does not fit this FusionINN \(.*{told}"):
        load_weights(other, file)
    assert all(torch.equal(value, before[name]) for name, value in other.state_dict().items())


@pytest.mark.parametrize(("trained", "asked"), [(2, 4), (4, 2), (3, 4)])
def test_weights_of_another_number_of_sources_are_told_by_that(tmp_path, trained, asked):
    torch.save(FusionINN(in_channels=trained, hidden_channels=4).state_dict(), tmp_path / "model.pt")
    told = rf"model\.pt was trained on {trained} sources, this FusionINN fuses {asked}\. Name {trained} by --sources"
    with pytest.raises(BadInputError, match=told):
        load_weights(FusionINN(in_channels=asked, hidden_channels=4), tmp_path / "model.pt")


@pytest.mark.parametrize("settings", [{"margin": 0.01}, {"clamp": 2.0}])
def test_weights_trained_with_another_margin_or_clamp_are_refused(file, settings):
    with pytest.raises(BadInputError, match="was trained with margin and clamp of 0.05 and 1, this network_def has"):
        load_weights(FusionINN(hidden_channels=4, **settings), file)


def test_the_fingerprint_is_the_sha_256(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert fingerprint(tmp_path / "abc").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_a_network_names_the_configs_that_train_it():
    network = FusionINN(hidden_channels=4)
    with pytest.raises(BadInputError, match=r"none were given.*train them with configs/train\.json\."):
        load_weights(network, None)
    network.trained_with = "configs/train.json and mine.json"
    with pytest.raises(BadInputError, match=r"train them with configs/train\.json and mine\.json\."):
        load_weights(network, None)


def test_a_method_without_weights_needs_no_file():
    assert not load_weights(MeanFusion(), None).training
    assert fingerprint(None) is None


def test_a_file_for_a_method_without_weights_is_refused(file):
    with pytest.raises(BadInputError, match="MeanFusion has no weights"):
        load_weights(MeanFusion(), file)
