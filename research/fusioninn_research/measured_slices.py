"""The slices that the commands measure, patient by patient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from tqdm import tqdm

from scripts.data.discovery import Patient
from scripts.data.errors import BadInputError
from scripts.data.slices import brain_mask
from scripts.evaluation.evaluate import slices_with_brain
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd


@dataclass(frozen=True)
class MeasuredSlices:
    """Slices of a patient, one after the other along the first spatial axis.

    Args:
        patient: name.
        sources: normalised sources, (S, N, H, W).
        brain: where there is brain, (S, 1, H, W).
        numbers: numbers of the slices in the volume.
        lesion: where there is lesion inside the brain, (S, 1, H, W); None unless it was asked for.
    """

    patient: str
    sources: torch.Tensor
    brain: torch.Tensor
    numbers: list[int]
    lesion: torch.Tensor | None = None


def measured_slices(
    patients: Sequence[Patient],
    sources: Sequence[str],
    slice_step: int = 1,
    min_brain_fraction: float = 0.1,
    normalisation: str = "slice",
    told: str = "Patients",
    centred: bool = False,
    with_lesion: bool = False,
) -> Iterator[MeasuredSlices]:
    """Read patients and take slices with brain, as `EvaluateVolume` does.

    Args:
        patients: records of `find_patients`.
        sources: names of the sources.
        slice_step: take every n-th slice with brain. Defaults to 1.
        min_brain_fraction: see `slices_with_brain`. Defaults to 0.1.
        normalisation: see `NormalizeSourcesd`. Defaults to "slice".
        told: what is done, before the bar of progress. Defaults to "Patients".
        centred: begin half a step from the first slice, and take the middle one at least: so wide steps show more than
            the lower end of the brain. Defaults to False, begin with the first.
        with_lesion: read the segmentation, too. Defaults to False.

    Raises:
        BadInputError: a patient cannot be read, has no such slice, or no segmentation though it is asked for.
    """
    load, normalize = LoadSourcesd(list(sources), with_seg=with_lesion), NormalizeSourcesd(normalisation)
    for patient in tqdm(patients, desc=told, unit="patient"):
        data = normalize(load(patient))
        axis = data["intensity_scale"]["slice_axis"]
        image = data["image"].as_tensor().float()
        brain = brain_mask(image)
        numbers = slices_with_brain(brain, axis, patient["patient"], min_brain_fraction)
        first = min(slice_step, len(numbers)) // 2 if centred else 0
        numbers = numbers[first::slice_step]
        volumes = [image, brain]
        if with_lesion:
            if "seg" not in data:
                raise BadInputError(
                    f"{patient['patient']} has no segmentation. Add its _seg file, or leave the patient out."
                )
            volumes.append((data["seg"].as_tensor() > 0) & brain)
        # the slices as a stack: their own axis comes first
        image, brain, *lesion = (volume.movedim(axis + 1, 0)[numbers].contiguous() for volume in volumes)
        yield MeasuredSlices(patient["patient"], image, brain, numbers.tolist(), *lesion)
