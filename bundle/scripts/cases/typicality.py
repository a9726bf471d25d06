"""Compare the sources with the training data."""

from __future__ import annotations

import logging

from torch import nn

from scripts.data.errors import BadInputError
from scripts.inferers.slices_at_once import AUTO
from scripts.networks.weights import fingerprint
from scripts.typicality.case_score import ScoreCase, warning
from scripts.typicality.reference import Reference

from .case import FusedCase


class Typicality:
    """Score how far the sources are from the training data, and warn about unusual ones.

    Args:
        path: file of reference values, see `Reference`. Where it does not belong to the weights, a warning is logged
            and nothing is scored.
        ckpt_path: the weights.
        slices_at_once: slices in a batch, or "auto", see `batches`. Defaults to "auto".
        pictures: see `ScoreCase`. Defaults to False.
    """

    def __init__(self, path: str, ckpt_path: str, slices_at_once: int | str = AUTO, pictures: bool = False) -> None:
        self.logger = logging.getLogger(__name__)
        self.score: ScoreCase | None = None
        try:
            self.score = ScoreCase(Reference.load(path, fingerprint(ckpt_path)), slices_at_once, pictures)
        except BadInputError as error:
            self.logger.warning(f"Cases are not checked for being unusual (--typicality false silences this): {error}")

    def __call__(self, network: nn.Module, case: FusedCase) -> FusedCase:
        """Score the sources.

        Args:
            network: the network that fused.
            case: the fused case.

        Returns:
            the case with "Typicality" among its results, or unchanged where it cannot be computed.
        """
        if self.score is None:
            return case
        try:
            report = self.score(network, case.image, case.scale["slice_axis"])
        except BadInputError as error:
            self.logger.warning(f"{case.patient}: {error}")
            return case
        if report["Unusual"]:
            self.logger.warning(warning(case.patient, report))
        return case.with_measured(Typicality=report)
