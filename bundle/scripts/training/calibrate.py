"""Calibrate a trained uncertainty head and write its file."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import numpy as np
import torch

from scripts.inferers.error_scale import ErrorScaleInferer
from scripts.metrics.reliability import calibration_factor
from scripts.networks import FusionINN
from scripts.networks.uncertainty import UncertaintyHead
from scripts.outputs.writing import result_file


@torch.no_grad()
def calibrate(
    head: UncertaintyHead,
    flow: FusionINN,
    slices: Sequence[dict[str, Any]],
    step: int = 1,
    latent: str = "zeros",
    seed: int = 0,
    path: str | os.PathLike[str] | None = None,
) -> list[float]:
    """Compare σ with the errors inside the brain of whole slices, and store the factors in the head.

    Training sees crops, changed contrasts and some background; whole slices as they are may be easier.

    Args:
        head: the head.
        flow: the network whose errors it estimates.
        slices: items of a `SliceDataset`.
        step: take every n-th of them. Defaults to 1.
        latent: latent to decompose with. Defaults to "zeros".
        seed: seed of that latent. Defaults to 0.
        path: file to write the head to. Defaults to None (write nothing).

    Returns:
        factor of each source that σ was multiplied by.
    """
    head.eval()
    device = next(head.parameters()).device
    inferer = ErrorScaleInferer(flow, latent, seed)
    found: dict[str, list[np.ndarray]] = {"error": [], "sigma": []}
    for number in range(0, len(slices), step):
        item = slices[number]
        # twice, so that both storages count
        result = inferer(torch.as_tensor(item["image"]).expand(2, -1, -1, -1).to(device), head)
        inside = torch.as_tensor(item["brain"]).to(device)[0]
        for name, values in found.items():
            values.append(result[name].movedim(1, 0)[:, :, inside].flatten(1).cpu().numpy())
    error, sigma = (np.concatenate(values, axis=1) for values in found.values())
    factors = [calibration_factor(*pair) for pair in zip(error, sigma, strict=True)]
    head.calibrate(factors)
    if path is not None and idist.get_rank() == 0:
        with result_file(Path(path).expanduser(), suffix=".pt") as temporary, open(temporary, "wb") as file:
            torch.save({name: value.cpu() for name, value in head.state_dict().items()}, file)
        told = ", ".join(f"{factor:.3f}" for factor in factors)
        logging.getLogger(__name__).info(f"Calibrated by {told}; the head is in {path}.")
    return factors
