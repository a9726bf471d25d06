"""Weights from a file into the network, or a clear word why not."""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
import zlib
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


def read_checkpoint(path: str | os.PathLike[str]) -> dict:
    """Read a checkpoint, tensors and plain values only.

    Args:
        path: a file written by this bundle.

    Returns:
        its content.

    Raises:
        BadInputError: when the file is missing, truncated, or not such a file.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInputError(
            f"No checkpoint at {path}. Give the weights by --ckpt_path, or train them with configs/train.json."
        )
    try:
        _check_sums(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise BadInputError(
            f"{path} cannot be read as a checkpoint: it is truncated, damaged or of another kind ({reason}). "
            "Copy it again, or train the weights anew with configs/train.json."
        ) from error
    if not isinstance(content, dict):
        raise BadInputError(f"{path} holds a {type(content).__name__}, expected a state dict of FusionINN.")
    return content


def _check_sums(path: Path) -> None:
    """Compare the archive's checksums, which `torch.load` does not look at."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged:
            raise zipfile.BadZipFile(f"the checksum of {damaged} is wrong")


def load_weights(network: nn.Module, path: str | os.PathLike[str]) -> nn.Module:
    """Load weights and permutations into a network; all of them, or none.

    Args:
        network: the network, as `network_def` of the config describes it.
        path: a state dict, or a training checkpoint that holds one as "network".

    Returns:
        the network in evaluation mode.

    Raises:
        BadInputError: when the file cannot be read or does not fit the network.
    """
    content = read_checkpoint(path)
    state = content.get("network", content)
    own = network.state_dict()
    missing = sorted(own.keys() - state.keys())
    foreign = sorted(state.keys() - own.keys())
    resized = sorted(k for k in own.keys() & state.keys() if getattr(state[k], "shape", None) != own[k].shape)
    if missing or foreign or resized:
        parts = (("missing", missing), ("unknown", foreign), ("of another shape", resized))
        told = "; ".join(f"{len(keys)} {what}, e.g. {keys[0]}" for what, keys in parts if keys)
        raise BadInputError(
            f"{path} does not fit this network ({told}). Use weights of the same network_def (blocks, hidden_channels, "
            "in_channels, spatial_dims), or set those keys to what the weights were trained with."
        )
    if not torch.allclose(state["bounds"].to(own["bounds"]), own["bounds"]):
        asked, trained = (
            " and ".join(f"{value:.4g}" for value in bounds["bounds"].tolist()) for bounds in (own, state)
        )
        raise BadInputError(
            f"{path} was trained with margin and clamp of {trained}, this network_def has {asked}. Set "
            "network_def#margin and network_def#clamp to what the weights were trained with."
        )
    network.load_state_dict(state)
    return network.eval()


def fingerprint(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
