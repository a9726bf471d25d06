"""Convert the authors' published checkpoint to weights of `PublishedFusionINN`."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from scripts.data.errors import BadInputError
from scripts.data.inputs import check_apart
from scripts.outputs.writing import result_file

from .published import PublishedFusionINN

KEY = "model_state_dict"
"""Where the authors' file keeps the weights."""


def convert_published(freia_path: str | None, network: PublishedFusionINN, output_path: str) -> str:
    """Write weights for `research/configs/methods/published.json` from those of the authors' FrEIA graph.

    Args:
        freia_path: file that the authors' code saved: a dictionary with the state under "model_state_dict", or the
            state alone. Only tensors and plain values are read, no code.
        network: a network of the same width and number of blocks.
        output_path: file to write.

    Returns:
        `output_path`.

    Raises:
        BadInputError: when a file cannot be read or written, or the state is that of another graph.
    """
    check_apart(output_path, freia_path)
    state = _read(freia_path)
    try:
        network.load_freia(state)
    except (RuntimeError, KeyError, ValueError) as error:
        reason = "; ".join(line.strip() for line in str(error).splitlines()[1:3]) or str(error)
        raise BadInputError(
            f"{freia_path} does not hold the weights of the authors' graph with these settings ({reason}). Set "
            "--blocks and --network_def#hidden_channels to what it was trained with."
        ) from error
    with result_file(output_path, suffix=".pt") as temporary, open(temporary, "wb") as file:
        torch.save(network.state_dict(), file)
    logging.getLogger(__name__).info(f"{output_path} is written, for research/configs/methods/published.json.")
    return str(output_path)


def _read(path: str | None) -> Mapping[str, torch.Tensor]:
    if path is None or not Path(path).expanduser().is_file():
        raise BadInputError(f"freia_path is {path}, which is not a file. Give the authors' checkpoint by --freia_path.")
    try:
        content: Any = torch.load(Path(path).expanduser(), map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
        raise BadInputError(
            f"{path} cannot be read as a checkpoint of tensors and plain values "
            f"({str(error).splitlines()[0]}). In the authors' code, save model.state_dict() alone."
        ) from error
    state = content.get(KEY, content) if isinstance(content, Mapping) else None
    if not state or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise BadInputError(f'{path} holds no state dict, neither by itself nor under "{KEY}".')
    return state
