"""The study: train segmenters patients apart, and judge each patient by the one that has not seen them."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from scripts import RESEARCH_NOTICE
from scripts.cases.fuse import check_settings
from scripts.data.discovery import Patient
from scripts.data.errors import BadInputError
from scripts.data.flags import is_true
from scripts.data.safe_names import file_name
from scripts.inferers.slicewise import sees_neighbours
from scripts.networks.weights import fingerprint, load_weights
from scripts.outputs.tables import write_csv, write_json, write_text
from scripts.outputs.writing import check_writable, result_file

from ..made_with import MadeWith
from ..measured_slices import measured_slices
from .folds import folds_of, judged_patients
from .segmenter import TrainingPlan, dice_of, segment, train_segmenter
from .segmenter_input import ESTIMATES, FUSED, MEAN, SOURCES, SegmenterInput, segmenter_input
from .study_table import ALL, BITS, HELD_OUT, figures, study_markdown

INPUTS = "inputs"
"""Folder, and stage of the record, of what the segmenters see."""

Dice = dict[str, dict[str, float]]
"""Dice by patient and by what was segmented."""


class SegmentationStudy:
    """Segment the lesion on sources, estimates, fused image and plain mean, and compare Dice patient by patient.

    Writes ``serve.md``, ``serve.json`` and ``serve.csv``.

    Cross-validation over persons: each fold is judged by segmenters that were trained on the other folds. Estimates are
    given to the segmenter that was trained on the sources. What the segmenters see is kept under ``inputs``, the
    segmenters under ``sources``, ``fused`` and ``mean``; with `resume` they are used again.

    Args:
        patients: records of `find_patients`.
        split_file: the patients in it are judged; those for training in it count as held out. None takes all.
        sources: names of the sources.
        network: the network that fuses and decomposes.
        ckpt_path: its weights.
        segmenter: makes a segmenter, given ``in_channels``.
        loss: of its logits and the lesion.
        training: how it is trained.
        output_dir: folder for the results.
        stores: how the fused image is stored; what is segmented is stored by the first way.
        size_multiple: the segmenter needs images with sides that are multiples of it. Defaults to 8.
        folds: parts of the cross-validation. Defaults to 3.
        downsampling: the segmenter sees means of so many pixels along both axes. Defaults to 2.
        slice_step: take every n-th slice. Defaults to 3.
        min_brain_fraction: see `slices_with_brain`. Defaults to 0.1.
        normalisation: see `NormalizeSourcesd`. Defaults to "slice".
        latent: distribution of the fresh latent. Defaults to "zeros".
        slices_at_once: slices in a batch of the network. Defaults to 2.
        seed: seed of folds, segmenters and intervals. Defaults to 0.
        resume: continue what was stopped. Defaults to False.
        device: where segmenters are trained. Defaults to "cpu".

    Raises:
        BadInputError: an option is invalid, patients are too few or without segmentation, or the network does not fit.
    """

    def __init__(
        self,
        patients: Sequence[Patient],
        split_file: str | None,
        sources: Sequence[str],
        network: nn.Module,
        ckpt_path: str,
        segmenter: Callable[..., nn.Module],
        loss: nn.Module,
        training: Mapping[str, Any],
        output_dir: str,
        stores: Sequence[str] = ("uint16", "uint8"),
        size_multiple: int = 8,
        folds: int = 3,
        downsampling: int = 2,
        slice_step: int = 3,
        min_brain_fraction: float = 0.1,
        normalisation: str = "slice",
        latent: str = "zeros",
        slices_at_once: int = 2,
        seed: int = 0,
        resume: bool | str = False,
        device: torch.device | str = "cpu",
    ) -> None:
        for name, value in (("downsampling", downsampling), ("slice_step", slice_step)):
            if not isinstance(value, int) or value < 1:
                raise BadInputError(f"{name} is {value!r}, expected a whole number from 1 on.")
        unknown = [store for store in stores if store not in BITS]
        if unknown or not stores:
            raise BadInputError(f"stores is {list(stores)}, expected one or more of {', '.join(BITS)}.")
        check_settings(stores[0], latent, seed, slices_at_once)
        if sees_neighbours(network) or not hasattr(network, "decompose"):
            raise BadInputError("this study is for networks that fuse and decompose slices. Give such a network.")
        self.training = _training_plan(training, size_multiple)
        self.sources, self.stores = list(sources), list(stores)
        self.network, self.segmenter, self.loss = network, segmenter, loss
        self.size_multiple, self.downsampling = size_multiple, downsampling
        self.slice_step, self.min_brain_fraction = slice_step, min_brain_fraction
        self.normalisation, self.latent, self.slices_at_once = normalisation, latent, slices_at_once
        self.seed, self.resume, self.device = seed, is_true(resume), device
        self.weights = str(fingerprint(ckpt_path))
        self.output_dir = Path(output_dir).expanduser()
        self.given = {
            SOURCES: [SOURCES, *(ESTIMATES.format(store) for store in self.stores)],
            FUSED: [FUSED],
            MEAN: [MEAN],
        }
        self.patients, self.held_out = judged_patients(patients, split_file)
        self.folds = folds_of(self.patients, folds, seed)

    def __call__(self) -> None:
        """Make what the segmenters see, train them, judge, and write the tables."""
        check_writable(self.output_dir)
        inputs = self._inputs()
        dice: Dice = {}
        bar = tqdm(total=len(self.given) * len(self.folds), desc="Segmenters", unit="segmenter")
        for trained_on, given in self.given.items():
            self._begin(trained_on, self._settings_of(trained_on))
            for number, fold in enumerate(self.folds):
                network = self._trained(trained_on, number, [p for p in inputs if p not in fold], inputs)
                for patient in fold:
                    scores = dice.setdefault(patient, {"fold": number})
                    scores |= {name: self._judge(network, inputs[patient], name) for name in given}
                bar.update()
        bar.close()
        self._write(dice, sum(len(one.lesion) for one in inputs.values()))

    def _inputs(self) -> dict[str, SegmenterInput]:
        folder = self.output_dir / INPUTS
        self._begin(INPUTS, self._settings_of_inputs())
        places = {patient["patient"]: folder / f"{file_name(patient['patient'])}.npz" for patient in self.patients}
        found = {name: SegmenterInput.load(path) for name, path in places.items()}
        left = [patient for patient in self.patients if found[patient["patient"]] is None]
        for slices in measured_slices(
            left,
            self.sources,
            self.slice_step,
            self.min_brain_fraction,
            self.normalisation,
            "Fusing and decomposing",
            with_lesion=True,
        ):
            made = segmenter_input(
                self.network, slices, self.stores, self.latent, self.seed, self.slices_at_once, self.downsampling
            )
            made.save(places[slices.patient])
            found[slices.patient] = made
        multiple = self.size_multiple
        sides = np.array([one.images[MEAN].shape[-2:] for one in found.values()]).max(axis=0)
        size = tuple(int(-(-side // multiple) * multiple) for side in sides)
        return {name: one.padded(size, self.downsampling) for name, one in found.items()}

    def _trained(
        self, trained_on: str, number: int, patients: Sequence[str], inputs: Mapping[str, SegmenterInput]
    ) -> nn.Module:
        """The segmenter of a fold, from its file or trained on the patients of the other folds."""
        path = self.output_dir / trained_on / f"fold-{number + 1}.pt"
        images = torch.cat([inputs[patient].images[trained_on] for patient in patients])
        if path.exists():
            try:
                return load_weights(self.segmenter(in_channels=images.shape[1]), path).to(self.device)
            except BadInputError:
                logging.getLogger(__name__).info(f"{path} is damaged: training again.")
        lesions = torch.cat([inputs[patient].lesion for patient in patients]).float()
        network = train_segmenter(
            lambda channels: self.segmenter(in_channels=channels),
            self.loss,
            images,
            functional.avg_pool2d(lesions, self.downsampling),
            self.training,
            self.seed + number,
            self.device,
        )
        with result_file(path, ".pt") as temporary:
            torch.save(network.state_dict(), temporary)
        return network

    def _judge(self, network: nn.Module, patient: SegmenterInput, name: str) -> float:
        return dice_of(segment(network, patient.images[name], self.downsampling, self.device), patient.lesion)

    def _begin(self, stage: str, settings: Mapping[str, Any]) -> None:
        """Check that what is there was made with these settings, or remove it."""
        record = MadeWith(self.output_dir, "the study")
        if self.resume:
            record.check(stage, settings)
        else:
            for old in (self.output_dir / stage).glob("*.*"):
                old.unlink()
        record.note(stage, settings, finished=False)

    def _settings_of_inputs(self) -> dict[str, Any]:
        return {"weights": self.weights, "stores": self.stores, "latent": self.latent, **self._settings_of_slices()}

    def _settings_of_slices(self) -> dict[str, Any]:
        names = ("sources", "normalisation", "seed", "min_brain_fraction", "slice_step", "downsampling")
        sizes = {
            patient["patient"]: [Path(patient[name]).stat().st_size for name in (*self.sources, "seg")]
            for patient in self.patients
        }
        return {**{name: getattr(self, name) for name in names}, "sizes_of_files": _digest(sizes)}

    def _settings_of(self, trained_on: str) -> dict[str, Any]:
        """What a segmenter depends on: of the weights only one that sees the fused image."""
        seen = self._settings_of_inputs() if trained_on == FUSED else self._settings_of_slices()
        return {
            **seen,
            "training": asdict(self.training),
            "segmenter": str(self.segmenter(in_channels=1)),
            "loss": type(self.loss).__name__,
            "patients_of_folds": _digest(self.folds),
        }

    def _write(self, dice: Dice, slices: int) -> None:
        table = pd.DataFrame.from_dict(dice, orient="index").sort_index()
        without = [str(name) for name in table.index[table.isna().any(axis=1)]]
        table = table.dropna()
        if table.empty:
            raise BadInputError("no patient has a lesion in the measured slices. Give patients with segmentations.")
        held_out = table.index.isin(self.held_out)
        groups = {ALL: table} if held_out.all() or not held_out.any() else {ALL: table, HELD_OUT: table[held_out]}
        content = {
            "ResearchUseOnly": RESEARCH_NOTICE,
            "checkpoint_sha256": self.weights,
            "stores": self.stores,
            "slices": slices,
            "folds": len(self.folds),
            "slice_step": self.slice_step,
            "downsampling": self.downsampling,
            "training": asdict(self.training),
            "seed": self.seed,
            "without_lesion": without,
            "groups": {name: figures(group, self.stores, self.seed) for name, group in groups.items()},
        }
        rows = [
            {"patient": name, "held_out": name in self.held_out, **row}
            for name, row in table.astype({"fold": int}).to_dict("index").items()
        ]
        write_csv(self.output_dir / "serve.csv", rows)
        write_json(self.output_dir / "serve.json", content)
        write_text(self.output_dir / "serve.md", study_markdown(content))
        logging.getLogger(__name__).info(f"The tables are {self.output_dir / 'serve.md'}, serve.json and serve.csv.")


def _training_plan(training: Mapping[str, Any], size_multiple: int) -> TrainingPlan:
    try:
        plan = TrainingPlan(**training)
    except TypeError as error:
        raise BadInputError(f"training has unknown or missing settings ({error}). See `TrainingPlan`.") from error
    whole = all(isinstance(count, int) and count > 0 for count in (plan.epochs, plan.batch_size))
    if not whole or plan.learning_rate <= 0 or not 0 <= plan.contrast < 1:
        raise BadInputError(
            f"training is {dict(training)}, expected whole numbers from 1 on for epochs and batch_size, a "
            "learning_rate above 0, and a contrast from 0 to below 1."
        )
    window = plan.window
    if window is not None and (len(window) != 2 or any(side < 1 or side % size_multiple for side in window)):
        raise BadInputError(
            f"window is {list(window)}, expected height and width, multiples of {size_multiple}, or null for whole "
            "slices."
        )
    return plan


def _digest(value: Any) -> str:
    """A short mark of lists and dictionaries, which would make messages too long."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]
