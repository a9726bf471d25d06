"""The command that fits the distribution of usual pairs to a data set."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from scipy.stats import t as student
from torch import nn

from scripts.data.discovery import find_patients, usable
from scripts.data.errors import BadInputError
from scripts.data.inputs import check_apart, files_of
from scripts.data.progress import with_progress
from scripts.inferers.slices_at_once import AUTO
from scripts.inferers.slicewise import fuse_volume
from scripts.networks.weights import fingerprint
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd

from .case_score import CaseScore
from .chosen_slices import chosen_slices
from .fused_density import FusedDensity
from .mahalanobis import Mahalanobis
from .reference import Reference, rows_of
from .scanners import SCANNERS, Scanner, as_is
from .statistics import FLOW_STATISTICS, PICTURE_STATISTICS, case_statistics

LEAST_PATIENTS = 3
STACKED = 2
"""Slice axis of stacked slices."""
Cases = Mapping[str, Sequence[Mapping[str, np.ndarray]]]
"""Statistics of each patient, once per simulated scanner."""


class FitReference:
    """Fit the distribution of usual pairs, and the score above which to warn.

    Every patient is used unchanged and as other scanners would show it (`SCANNERS`), so that neither the bit depth nor
    the slice thickness counts as unusual. The threshold is a prediction bound: patients are left out one at a time and
    scored against the others, and a normal distribution of their log scores is assumed.

    Args:
        dataset_dir: folder of the patients that the weights were trained on.
        output: file to write.
        network: the network with its weights.
        ckpt_path: the weights' file.
        sources: names of the sources, in the network's order.
        statistics: names of the statistics to use.
        order_statistics: names of the statistics that depend on the order of the sources.
        slices: number of slices per case.
        false_alarm_rate: accepted share of usual cases with a warning, between 0 and 0.5.
        datalist: datalist JSON. Defaults to None.
        slices_at_once: slices in a batch, or "auto", see `batches`. Defaults to "auto".

    Raises:
        BadInputError: a setting is invalid.
    """

    def __init__(
        self,
        dataset_dir: str | None,
        output: str,
        network: nn.Module,
        ckpt_path: str,
        sources: Sequence[str],
        statistics: Sequence[str],
        order_statistics: Sequence[str],
        slices: int,
        false_alarm_rate: float,
        datalist: str | None = None,
        slices_at_once: int | str = AUTO,
    ) -> None:
        if dataset_dir is None:
            raise BadInputError(
                "dataset_dir is missing. Give the folder of the patients that the weights were trained on."
            )
        if len(sources) != 2:
            raise BadInputError(f"{len(sources)} sources are given, but typicality is defined for two sources only.")
        if not 0 < false_alarm_rate < 0.5:
            raise BadInputError(f"false_alarm_rate is {false_alarm_rate}, expected more than 0 and less than 0.5.")
        if not isinstance(slices, int) or slices < 1:
            raise BadInputError(f"slices is {slices!r}, expected a whole number from 1 on.")
        known = (*PICTURE_STATISTICS, *FLOW_STATISTICS)
        unknown = [name for name in (*statistics, *order_statistics) if name not in known]
        if unknown:
            raise BadInputError(f"unknown statistics: {', '.join(unknown)}. Known are {', '.join(known)}.")
        self.dataset_dir, self.datalist, self.output = dataset_dir, datalist, output
        self.network, self.ckpt_path = network, ckpt_path
        self.sources, self.statistics = tuple(sources), tuple(statistics)
        self.order_statistics = tuple(order_statistics)
        self.slices, self.false_alarm_rate, self.slices_at_once = slices, false_alarm_rate, slices_at_once
        self.logger = logging.getLogger(__name__)

    def __call__(self) -> Reference:
        """Fit and write the file.

        Raises:
            BadInputError: there are too few patients, or one cannot be read.
        """
        patients = usable(find_patients(self.dataset_dir, self.sources, self.datalist))
        if len(patients) < LEAST_PATIENTS:
            raise BadInputError(
                f"{len(patients)} patients are too few to fit a distribution; at least {LEAST_PATIENTS} are required."
            )
        read = (file for patient in patients for file in files_of(patient).values())
        check_apart(self.output, self.ckpt_path, self.datalist, *read)
        cases, density = self.measure_all(patients)
        reference = self.fit(cases, density)
        reference.save(self.output)
        self.logger.info(f"wrote {self.output}; cases with a score above {reference.threshold:.2f} are unusual.")
        return reference

    def measure_all(self, patients: Sequence[Mapping[str, Any]]) -> tuple[Cases, FusedDensity]:
        """Compute the statistics of patients for every scanner, and the density of their fused images."""
        stacks = {
            patient["patient"]: [self.stack(patient, self.sources, scanner) for scanner in SCANNERS.values()]
            for patient in with_progress(patients, "Reading")
        }
        density = self.fit_density([seen[0] for seen in stacks.values()])
        cases = {
            name: [self.measure(one, density) for one in seen]
            for name, seen in with_progress(list(stacks.items()), "Measuring")
        }
        return cases, density

    def stack(self, patient: Mapping[str, Any], sources: Sequence[str], scanner: Scanner = as_is) -> torch.Tensor:
        """Return the chosen slices of a patient, [N, H, W, S], as a scanner would show them."""
        data = NormalizeSourcesd("slice")(LoadSourcesd(sources, with_seg=False)(patient))
        axis = data["intensity_scale"]["slice_axis"]
        image = scanner(data["image"].as_tensor(), axis)
        numbers, _, _ = chosen_slices(image, axis, self.slices)
        return image.index_select(axis + 1, torch.tensor(numbers, dtype=torch.long)).movedim(axis + 1, 3).contiguous()

    def fit_density(self, seen: Sequence[torch.Tensor]) -> FusedDensity:
        """Fit the density of fused images to cases [N, H, W, S]."""
        pages = []
        for image in seen:
            _, cut, brain = chosen_slices(image, STACKED, self.slices)
            fused, _ = fuse_volume(self.network, cut.movedim(0, 3), STACKED, self.slices_at_once, keep_latent=False)
            pages.append((fused.movedim(3, 0), brain))
        return FusedDensity.fit(pages)

    def measure(self, image: torch.Tensor, density: FusedDensity) -> dict[str, np.ndarray]:
        """Compute the statistics of a case [N, H, W, S]."""
        return case_statistics(self.network, image, STACKED, density, self.slices, self.slices_at_once)[1]

    def fit(self, cases: Cases, density: FusedDensity, statistics: Sequence[str] | None = None) -> Reference:
        """Fit the distribution and the threshold to the statistics of patients, once per simulated scanner.

        Args:
            cases: statistics of the patients.
            density: density of fused images, for the record.
            statistics: names of the statistics to use. Defaults to None (those of the settings).
        """
        names = self.statistics if statistics is None else statistics
        left_out = [
            np.mean([np.log(CaseScore.of(self.distribution(cases, density, names, name), one).score) for one in seen])
            for name, seen in cases.items()
        ]
        count = len(left_out)
        reach = student.ppf(1 - self.false_alarm_rate, count - 1) * np.sqrt(1 + 1 / count)
        threshold = float(np.exp(np.mean(left_out) + reach * np.std(left_out, ddof=1)))
        fitted: dict[str, Any] = {
            "patients": list(cases),
            "scanners": list(SCANNERS),
            "scores_left_out": dict(zip(cases, np.exp(left_out).round(3).tolist(), strict=True)),
        }
        return self.distribution(cases, density, names, None, threshold, fitted)

    def distribution(
        self,
        cases: Cases,
        density: FusedDensity,
        statistics: Sequence[str],
        without: str | None,
        threshold: float = float("inf"),
        fitted: dict[str, Any] | None = None,
    ) -> Reference:
        """Fit the distribution to the patients, optionally without one of them."""
        kept = [seen for patient, seen in cases.items() if patient != without]

        def distribution(names: Sequence[str]) -> Mahalanobis:
            return Mahalanobis.fit(names, [np.concatenate([rows_of(one, names) for one in seen]) for seen in kept])

        return Reference(
            checkpoint_sha256=fingerprint(self.ckpt_path),
            sources=self.sources,
            slices=self.slices,
            density=density,
            usual=distribution(statistics),
            order=distribution(self.order_statistics),
            threshold=threshold,
            false_alarm_rate=self.false_alarm_rate,
            fitted=fitted or {},
        )
