"""Does more doubt mean more error? Two maps of doubt on patients that nothing was trained on."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from scripts import RESEARCH_NOTICE
from scripts.data.discovery import Patient, usable
from scripts.data.errors import BadInputError
from scripts.data.slices import brain_mask
from scripts.data.split import validation_patients
from scripts.inferers.maps import spread_volumes, uncertainty_volume
from scripts.inferers.slicewise import decompose_volume, fuse_volume
from scripts.metrics.reliability import (
    calibration_factor,
    coverage,
    ideal_rank_correlation,
    rank_correlation,
    reliability_curve,
)
from scripts.networks import FusionINN
from scripts.networks.uncertainty import UncertaintyHead
from scripts.outputs.levels import as_stored
from scripts.outputs.overview import DISPLAY_NAMES
from scripts.outputs.tables import markdown_table
from scripts.outputs.writing import result_file
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd

from .reliability_figure import draw_reliability

VALIDATION, OTHERS = "validation patients", "other patients"
HEAD = "learned head"
START, END = "<!-- measured by research/configs/reliability.json -->", "<!-- end of what was measured -->"
STORES = ("uint16", "uint8")
BITS = {"uint16": "16 bits", "uint8": "8 bits"}

Pixels = dict[tuple[str, str], np.ndarray]
"""Errors and σ of both sources, float32 [N, pixels], by storage and name; the errors are named "error"."""


class Reliability:
    """Measure the spread over latent draws and the learned head against the true errors inside the brain.

    Factors of the spread are measured on the validation patients and used on the others; the head is taken as it ships.

    Args:
        patients: records of `find_patients`.
        split_file: sets the validation patients aside; None takes all as such.
        sources: names of the sources.
        network: the network that fuses and decomposes.
        head: the head that belongs to it.
        output_dir: folder for ``reliability.json`` and ``reliability.png``.
        normalisation: see `NormalizeSourcesd`. Defaults to "slice".
        slice_step: take every n-th slice. Defaults to 8.
        draws: draws of the spread, ascending; the others get the first number only. Defaults to (8, 16).
        seed: seed of the draws. Defaults to 0.
        document: Markdown file whose measured part is replaced. Defaults to None.
        figure: where the figure goes. Defaults to None (``reliability.png`` in `output_dir`).
    """

    def __init__(
        self,
        patients: Sequence[Patient],
        split_file: str | None,
        sources: Sequence[str],
        network: FusionINN,
        head: UncertaintyHead,
        output_dir: str,
        normalisation: str = "slice",
        slice_step: int = 8,
        draws: Sequence[int] = (8, 16),
        seed: int = 0,
        document: str | None = None,
        figure: str | None = None,
    ) -> None:
        self.sources = list(sources)
        self.network, self.head = network, head
        self.output_dir = Path(output_dir).expanduser()
        self.load, self.normalize = LoadSourcesd(self.sources, with_seg=False), NormalizeSourcesd(normalisation)
        self.slice_step, self.draws, self.seed = slice_step, tuple(draws), seed
        self.document = document
        self.figure = figure or str(self.output_dir / "reliability.png")
        patients = usable(patients)
        aside = validation_patients(patients, split_file) if split_file else list(patients)
        named = {patient["patient"] for patient in aside}
        self.groups = {VALIDATION: aside, OTHERS: [p for p in patients if p["patient"] not in named]}

    def __call__(self) -> None:
        """Measure, and write what was found.

        Raises:
            BadInputError: a patient cannot be read, or a file cannot be written.
        """
        results: dict[str, Any] = {}
        factors: dict[str, list[float]] = {}
        for group, patients in self.groups.items():
            if not patients:
                continue
            draws = self.draws if group == VALIDATION else self.draws[:1]
            pixels, slices = self._collect(patients, draws, group)
            if not factors:
                factors = self._factors(pixels)
            results[group] = {
                "patients": len(patients),
                "slices": slices,
                "maps": self._measure(pixels, factors),
            }
        content = {
            "ResearchUseOnly": RESEARCH_NOTICE,
            "checkpoint_sha256": self.head.belongs_to,
            "sources": self.sources,
            "slice_step": self.slice_step,
            "groups": results,
        }
        path = self.output_dir / "reliability.json"
        with result_file(path, ".json") as temporary:
            Path(temporary).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        draw_reliability(content).save(self.figure)
        if self.document:
            replace_measured(self.document, measured_words(content))
        logging.getLogger(__name__).info(f"Reliability is in {path} and {self.figure}.")

    @torch.no_grad()
    def _collect(self, patients: Sequence[Patient], draws: Sequence[int], group: str) -> tuple[Pixels, int]:
        found: dict[tuple[str, str], list[np.ndarray]] = {}
        slices = 0
        for patient in tqdm(patients, desc=group, unit="patient"):
            data = self.normalize(self.load(patient))
            axis = data["intensity_scale"]["slice_axis"]
            image = data["image"].as_tensor()
            brain = brain_mask(image)
            # the middle of every step, for the first slices of a volume show little
            numbers = torch.arange(self.slice_step // 2, image.shape[axis + 1], self.slice_step)
            image, brain = (volume.index_select(axis + 1, numbers) for volume in (image, brain))
            slices += len(numbers)
            fused, _ = fuse_volume(self.network, image, axis, 2, keep_latent=False)
            for store in STORES:
                for name, volume in self._maps(as_stored(fused.clone(), store), image, axis, draws):
                    found.setdefault((store, name), []).append(volume[:, brain[0]].numpy())
        if not slices:
            raise BadInputError("no slice was measured. Give a smaller --slice_step.")
        return {key: np.concatenate(parts, axis=1) for key, parts in found.items()}, slices

    def _maps(
        self, stored: torch.Tensor, image: torch.Tensor, axis: int, draws: Sequence[int]
    ) -> Iterator[tuple[str, torch.Tensor]]:
        decomposed = decompose_volume(self.network, stored, axis, "zeros", self.seed, 2)
        yield "error", decomposed - image
        yield HEAD, uncertainty_volume(self.head, stored, decomposed, axis)
        spreads = spread_volumes(self.network, stored, axis, draws, self.seed)
        yield from ((f"spread of {n} draws", volume) for n, volume in zip(draws, spreads, strict=True))

    def _factors(self, pixels: Pixels) -> dict[str, list[float]]:
        """Factors of the spreads; the head has its own."""
        names = [name for store, name in pixels if store == STORES[0] and name != "error"]
        error = pixels[STORES[0], "error"]
        return {
            name: [1.0] * len(error)
            if name == HEAD
            else [calibration_factor(*pair) for pair in zip(error, pixels[STORES[0], name], strict=True)]
            for name in names
        }

    def _measure(self, pixels: Pixels, factors: Mapping[str, list[float]]) -> list[dict[str, Any]]:
        rows = []
        for (store, name), sigmas in pixels.items():
            if name == "error":
                continue
            for i, source in enumerate(self.sources):
                error, sigma = pixels[store, "error"][i], sigmas[i] * factors[name][i]
                curve = reliability_curve(error, sigma)
                rows.append(
                    {
                        "map": name,
                        "store": store,
                        "source": source,
                        "factor_used": round(factors[name][i], 4),
                        "rank_correlation": round(rank_correlation(error, sigma), 4),
                        "calibration_factor": round(calibration_factor(error, sigma), 4),
                        "curve_deviation": round(curve.deviation, 4),
                        "coverage": [round(share, 4) for share in coverage(error, sigma)],
                        "rms_error": round(float(np.sqrt(np.square(error, dtype=np.float64).mean())), 6),
                        "expected": [round(float(value), 6) for value in curve.expected],
                        "actual": [round(float(value), 6) for value in curve.actual],
                    }
                )
        return rows


def measured_words(content: Mapping[str, Any]) -> str:
    """The figures of a measurement in Markdown.

    Args:
        content: what ``reliability.json`` holds.
    """
    sources = content["sources"]
    together = " / ".join(DISPLAY_NAMES.get(source, source) for source in sources)
    lines = [
        f"Weights {content['checkpoint_sha256'][:12]}…; every {content['slice_step']}th slice. Figures: {together}."
    ]
    header = [
        "map of doubt",
        "stored as",
        "factor used",
        "rank correlation",
        "of an ideal map",
        "true / expected error",
        "distance of the curve",
        "within 1 σ",
        "within 2 σ",
    ]
    for group, result in content["groups"].items():
        kinds = dict.fromkeys((row["map"], row["store"]) for row in result["maps"])
        body = []
        for kind in kinds:
            rows = [row for row in result["maps"] if (row["map"], row["store"]) == kind]

            def told(values: Sequence[float], digits: int = 2) -> str:
                return " / ".join(f"{value:.{digits}f}" for value in values)

            body.append(
                [
                    kind[0],
                    BITS[kind[1]],
                    "–" if kind[0] == HEAD else told([row["factor_used"] for row in rows]),
                    told([row["rank_correlation"] for row in rows]),
                    told([ideal_rank_correlation(row["expected"]) for row in rows]),
                    told([row["calibration_factor"] for row in rows]),
                    told([row["curve_deviation"] for row in rows]),
                    told([row["coverage"][0] for row in rows]),
                    told([row["coverage"][1] for row in rows]),
                ]
            )
        errors = " / ".join(
            f"{row['rms_error']:.4f}" for row in result["maps"] if (row["map"], row["store"]) == next(iter(kinds))
        )
        lines += [
            "",
            f"**{group.capitalize()}**: {result['patients']} patients, {result['slices']} slices; root mean square of "
            f"the true error inside the brain {errors} of the range.",
            "",
            markdown_table(header, body).rstrip(),
        ]
    return "\n".join(lines)


def replace_measured(path: str | os.PathLike[str], text: str, start: str = START, end: str = END) -> None:
    """Replace a measured part of a document.

    Args:
        path: the document.
        text: the new part.
        start: line before it. Defaults to that of the reliability.
        end: line after it.

    Raises:
        BadInputError: when the file is missing or has no such part.
    """
    path = Path(path)
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, found, rest = old.partition(start)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise BadInputError(f"{path} has no part between '{start}' and '{end}'. Give the document that has it.")
    with result_file(path, ".md") as temporary:
        Path(temporary).write_text(f"{before}{start}\n{text}\n{end}{after}", encoding="utf-8")
