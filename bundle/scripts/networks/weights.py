"""Load weights from a file, or say why they do not fit."""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from scripts.data.errors import BadInputError

_UNREADABLE = (
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    zlib.error,
)


TRAINING = "configs/train.json"


def read_checkpoint(path: str | os.PathLike[str], training: str = TRAINING) -> dict:
    """Read a checkpoint, tensors and plain values only.

    Args:
        path: a file written by this bundle.
        training: the configs that make such a file, for the message. Defaults to "configs/train.json".

    Returns:
        its content.

    Raises:
        BadInputError: when the file is missing, truncated, or not such a file.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInputError(f"No checkpoint at {path}. Give the weights by --ckpt_path, or train them with {training}.")
    try:
        _check_sums(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise BadInputError(
            f"{path} cannot be read as a checkpoint: it is truncated, damaged or of another kind ({reason}). "
            f"Copy it again, or train the weights again with {training}."
        ) from error
    if not isinstance(content, dict):
        raise BadInputError(f"{path} holds a {type(content).__name__}, expected a state dict of a network.")
    return content


def _check_sums(path: Path) -> None:
    """Compare the archive's checksums, which `torch.load` does not look at."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged:
            raise zipfile.BadZipFile(f"the checksum of {damaged} is wrong")


def load_weights(network: nn.Module, path: str | os.PathLike[str] | None) -> nn.Module:
    """Load weights and whatever else a network keeps with them; all of it, or nothing.

    Args:
        network: the network, as `network_def` of the config describes it; an attribute `trained_with` names the configs
            that train it where that is not configs/train.json.
        path: a state dict, or a training checkpoint that holds one as "network"; None for a method that has nothing to
            learn.

    Returns:
        the network in evaluation mode.

    Raises:
        BadInputError: when the file cannot be read or does not fit the network, or when there is none and the network
            has weights.
    """
    own = network.state_dict()
    training = getattr(network, "trained_with", TRAINING)
    if path is None:
        if own:
            raise BadInputError(
                f"{type(network).__name__} has weights, and none were given. Give them by --ckpt_path, or train them "
                f"with {training}."
            )
        return network.eval()
    if not own:
        raise BadInputError(
            f"{type(network).__name__} has no weights, but {path} was given. Leave --ckpt_path out: the method's file "
            "in configs/methods sets it to null."
        )
    content = read_checkpoint(path, training)
    state = content.get("network", content)
    missing = sorted(own.keys() - state.keys())
    foreign = sorted(state.keys() - own.keys())
    resized = sorted(k for k in own.keys() & state.keys() if getattr(state[k], "shape", None) != own[k].shape)
    if missing or foreign or resized:
        here = getattr(network, "in_channels", None)
        there = None if here is None else _sources_of(state, own, here)
        if there is not None and here != there:
            raise BadInputError(
                f"{path} was trained on {there} sources, this {type(network).__name__} fuses {here}. Name {there} by "
                f"--sources, in the order of the training, or give weights of {here} sources by --ckpt_path."
            )
        parts = (("missing", missing), ("unknown", foreign), ("of another shape", resized))
        told = "; ".join(f"{len(keys)} {what}, e.g. {keys[0]}" for what, keys in parts if keys)
        raise BadInputError(
            f"{path} does not fit this {type(network).__name__} ({told}). Use weights of the same network_def (the "
            "same method, blocks or width, number of sources; for weights of version 0.5.0, "
            "--network_def#hidden_channels 32, of 0.4.0 and before, --network_def#blocks 6), set those keys to what "
            f"the weights were trained with, or train such weights with {training}."
        )
    if "bounds" in own and not torch.allclose(state["bounds"].to(own["bounds"]), own["bounds"]):
        asked, trained = (
            " and ".join(f"{value:.4g}" for value in bounds["bounds"].tolist()) for bounds in (own, state)
        )
        raise BadInputError(
            f"{path} was trained with margin and clamp of {trained}, this network_def has {asked}. Set "
            "network_def#margin and network_def#clamp to what the weights were trained with."
        )
    network.load_state_dict(state)
    return network.eval()


def _sources_of(state: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor], in_channels: int) -> int | None:
    """Number of sources of a state that differs in shapes only from one's own, of so many; None for another network."""
    channels, of_state = _first_coupling(own), _first_coupling(state)
    if own.keys() != state.keys() or channels is None or of_state is None:
        return None
    # Each source has as many channels there as the blocks of pixels have bands.
    sources, rest = divmod(of_state, channels // in_channels)
    return None if rest else sources


def _first_coupling(state: Mapping[str, torch.Tensor]) -> int | None:
    """Channels of a flow's first coupling; None for another network."""
    first = next((key for key in state if key.endswith("subnet_1.conv_0.weight")), None)
    second = state.get(first.replace("subnet_1", "subnet_2")) if first else None
    return None if second is None else state[first].shape[1] + second.shape[1]


def fingerprint(path: str | os.PathLike[str] | None) -> str | None:
    """SHA-256 of a file, in hexadecimal; None for no file."""
    return None if path is None else hashlib.sha256(Path(path).read_bytes()).hexdigest()
