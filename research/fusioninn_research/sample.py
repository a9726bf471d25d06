"""The one slice that all methods of a figure are shown on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from monai.transforms import Compose
from scipy import ndimage
from torch import nn

from scripts.cases.fuse import check_sources, slice_ssim
from scripts.data.discovery import find_patients
from scripts.data.errors import BadInputError
from scripts.evaluation.regions import ssim_by_region
from scripts.inferers.slicewise import decompose_volume, fuse_volume
from scripts.outputs.levels import as_stored
from scripts.outputs.slice_choice import choose_slices, foreground
from scripts.outputs.view import View
from scripts.outputs.zoom import Box
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd
from scripts.transforms.slicing import to_slices


@dataclass(frozen=True)
class Result:
    """What a method makes of the sample.

    Args:
        fused: slice [H, W] as it lies on the page, in [0, 1].
        fused_ssim: SSIM of the fused slice with each source.
        decomposed: estimates [N, H, W], None of a method that cannot decompose.
        decomposed_ssim: SSIM of each estimate with its source, None likewise.
    """

    fused: np.ndarray
    fused_ssim: np.ndarray
    decomposed: np.ndarray | None = None
    decomposed_ssim: np.ndarray | None = None


class Sample:
    """One slice of one patient.

    Args:
        data: patient as read and normalised: "patient", "image" (N, X, Y, Z) with its affine, "intensity_scale", and
            "seg" (1, X, Y, Z) where there is one.
        number: the slice, from 0. Defaults to None: the one with the largest lesion, or the middle of the brain where
            no lesion is marked.
        zoom_size: rows and columns of the enlarged part. Defaults to (40, 64).
        zoom_centre: row and column of its middle in the picture. Defaults to None: the middle of the lesion's largest
            part, without which nothing is enlarged.

    Raises:
        BadInputError: when there is no such slice, or the enlarged part lies outside it.
    """

    def __init__(
        self,
        data: Mapping[str, Any],
        number: int | None = None,
        zoom_size: Sequence[int] = (40, 64),
        zoom_centre: Sequence[int] | None = None,
    ) -> None:
        self.patient: str = data["patient"]
        self.axis: int = data["intensity_scale"]["slice_axis"]
        image = torch.as_tensor(np.asarray(data["image"]), dtype=torch.float32)
        lesion = np.asarray(data["seg"])[0] > 0 if "seg" in data else np.zeros(image.shape[1:], dtype=bool)
        count = image.shape[self.axis + 1]
        if number is None:
            number = _most_telling(image[0].numpy(), lesion, self.axis)
        elif not (isinstance(number, int) and 0 <= number < count):
            raise BadInputError(f"slice is {number!r}, but {self.patient} has slices 0 to {count - 1}.")
        self.number = number
        self.image = to_slices(image, self.axis)[number].unsqueeze(self.axis + 1)
        """Sources (N, X, Y, Z), one slice thick."""
        self.view = View(np.asarray(data["image"].affine, dtype=np.float64), image.shape[1:], self.axis)
        self.place = self.view.millimetre(number)
        pages = self.pages(self.image)
        self.frame = self.view.frame([foreground(volume.numpy()) for volume in self.image], [0])
        marked = self.pages(torch.as_tensor(lesion).unsqueeze(0).narrow(self.axis + 1, number, 1))[0]
        self.zoom = _zoom(pages.shape[1:], marked, zoom_size, zoom_centre)

    def pages(self, volumes: torch.Tensor) -> np.ndarray:
        """Return volumes (N, X, Y, Z), one slice thick, as rows and columns of the page [N, H, W]."""
        return np.stack([self.view.page(volume.numpy(), 0) for volume in volumes])

    @property
    def sources(self) -> np.ndarray:
        """The sources on the page, [N, H, W]."""
        return self.pages(self.image)

    @property
    def box(self) -> Box | None:
        """Rows and columns of the enlarged part within the frame; None where nothing is enlarged."""
        if self.zoom is None:
            return None
        (top, left), (rows, columns) = (part.start for part in self.frame), self.zoom
        return slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)

    def brain_ssim(self, pages: np.ndarray) -> list[str]:
        """SSIM of pages [N, H, W], or one [H, W] for all, with the sources inside the brain, in three digits."""
        sources = self.sources
        brain = torch.as_tensor(sources.max(axis=0) > 0)[None, None]
        both = (sources, np.broadcast_to(pages, sources.shape))
        pair = (torch.from_numpy(np.ascontiguousarray(one))[None] for one in both)
        values = ssim_by_region(*pair, {"brain": brain})["brain"][0]
        return [f"{float(value):.3f}".replace("-", "−") for value in values]

    def apply(self, network: nn.Module, dtype: str = "uint8", latent: str = "zeros", seed: int = 0) -> Result:
        """Fuse, store, and decompose what was stored, as the evaluation does.

        Args:
            network: a method, which decomposes if it has an `inverse`.
            dtype: how the fused image is stored. Defaults to "uint8".
            latent: distribution of the fresh latent. Defaults to "zeros".
            seed: seed of the latent of the volume's first slice. Defaults to 0.

        Raises:
            BadInputError: when the method takes another number of sources.
        """
        check_sources(network, len(self.image))
        fused, _ = fuse_volume(network, self.image, self.axis, keep_latent=False)
        stored = as_stored(fused, dtype)
        page, ssim = self.pages(stored)[0], slice_ssim(self.image, stored.expand_as(self.image), self.axis)[0]
        if not hasattr(network, "inverse"):
            return Result(page, ssim)
        decomposed = decompose_volume(network, stored, self.axis, latent, seed + self.number)
        return Result(page, ssim, self.pages(decomposed), slice_ssim(self.image, decomposed, self.axis)[0])


def read_sample(
    picture_dir: str,
    sources: Sequence[str],
    normalisation: str = "slice",
    patient: str | None = None,
    number: int | None = None,
    zoom_size: Sequence[int] = (40, 64),
    zoom_centre: Sequence[int] | None = None,
) -> Sample:
    """Read the patient of a figure.

    Args:
        picture_dir: folder of patients, see `find_patients`.
        sources: names of the sources.
        normalisation: see `NormalizeSourcesd`. Defaults to "slice".
        patient: whom to show. Defaults to None, the first.
        number: see `Sample`.
        zoom_size: see `Sample`.
        zoom_centre: see `Sample`.

    Raises:
        BadInputError: no such patient or slice, or its files cannot be read.
    """
    records = {record["patient"]: record for record in find_patients(picture_dir, sources)}
    name = next(iter(records)) if patient is None else str(patient)
    if name not in records:
        known = ", ".join([*records][:10])
        raise BadInputError(
            f"There is no patient {name} in {picture_dir}. Give another --patient, for instance {known}."
        )
    read = Compose([LoadSourcesd(sources), NormalizeSourcesd(normalisation)])
    return Sample(read(records[name]), number, zoom_size, zoom_centre)


def _most_telling(volume: np.ndarray, lesion: np.ndarray, axis: int) -> int:
    area = lesion.sum(axis=tuple(other for other in range(3) if other != axis))
    if area.any():
        return int(area.argmax())
    chosen = choose_slices(volume, axis)
    return chosen[len(chosen) // 2]


def _zoom(shape: Sequence[int], lesion: np.ndarray, size: Sequence[int], centre: Sequence[int] | None) -> Box | None:
    """Rectangle around a centre, moved inside the picture."""
    if centre is None:
        if not lesion.any():
            return None
        centre = [round(float(where.mean())) for where in np.nonzero(_largest_part(lesion))]
    if len(centre) != 2 or not all(0 <= middle < length for middle, length in zip(centre, shape, strict=True)):
        raise BadInputError(f"zoom_centre is {list(centre)}, expected a row and a column within {tuple(shape)}.")
    sides = [min(int(side), length) for side, length in zip(size, shape, strict=True)]
    starts = [
        min(max(int(middle) - side // 2, 0), length - side)
        for middle, side, length in zip(centre, sides, shape, strict=True)
    ]
    rows, columns = (slice(start, start + side) for start, side in zip(starts, sides, strict=True))
    return rows, columns


def _largest_part(mask: np.ndarray) -> np.ndarray:
    parts, count = ndimage.label(mask)
    sizes = ndimage.sum_labels(mask, parts, range(1, count + 1))
    return parts == 1 + int(np.argmax(sizes))
