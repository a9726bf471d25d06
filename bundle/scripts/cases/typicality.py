"""Tell beside the fusion whether the sources are unlike the training data."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.data.errors import BadInputError
from scripts.data.flags import is_true
from scripts.networks.weights import fingerprint
from scripts.typicality.case_score import ScoreCase, warning
from scripts.typicality.reference import Reference


class WithTypicality:
    """Score the sources, warn of unusual ones, and go on with them as with any others.

    Args:
        apply: what is done with the patient, see `PatientStep`.
        path: file that says what is usual, see `Reference`. Where it does not belong to the weights, that is logged
            and nothing is scored.
        ckpt_path: the weights.
        enabled: whether to score at all. Defaults to True.
        slices_at_once: slices in a batch. Defaults to 2.
        pictures: see `ScoreCase`. Defaults to False.
    """

    def __init__(
        self,
        apply: Callable[[nn.Module, dict[str, Any]], dict[str, Any]],
        path: str,
        ckpt_path: str,
        enabled: bool | str = True,
        slices_at_once: int = 2,
        pictures: bool = False,
    ) -> None:
        self.apply = apply
        self.logger = logging.getLogger(__name__)
        self.score: ScoreCase | None = None
        if not is_true(enabled):
            return
        try:
            self.score = ScoreCase(Reference.load(path, fingerprint(ckpt_path)), slices_at_once, pictures)
        except BadInputError as error:
            self.logger.warning(f"Cases are not checked for being unusual (--typicality false silences this): {error}")

    def __call__(self, network: nn.Module, data: dict[str, Any]) -> dict[str, Any]:
        """Score, then apply.

        Args:
            network: the network.
            data: "patient", "image" (N, X, Y, Z) and its "intensity_scale".

        Returns:
            the results, with "typicality" for the sidecar where it can be told.
        """
        results = self.apply(network, data)
        if self.score is None:
            return results
        image = torch.as_tensor(np.asarray(data["image"]), dtype=torch.float32)
        try:
            report = self.score(network, image, data["intensity_scale"]["slice_axis"])
        except BadInputError as error:
            self.logger.warning(f"{data['patient']}: {error}")
            return results
        if report["Unusual"]:
            self.logger.warning(warning(data["patient"], report))
        return {**results, "typicality": report}
