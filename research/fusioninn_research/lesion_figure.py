"""Fused lesions, enlarged: is the hidden information visible?"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from monai.transforms import Compose
from torch import nn

from scripts.data.discovery import find_patients
from scripts.data.errors import BadInputError
from scripts.outputs.overview import DISPLAY_NAMES, FUSED_GROUP, SOURCE_GROUP
from scripts.outputs.panels import Panel, Row, draw_panels
from scripts.outputs.slice_choice import grey_window
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd

from .sample import Sample

GREYS = 128
NOTE = (
    "The largest lesion of each patient, about four times enlarged. Fused images as stored; all in one grey window for "
    "each patient, that of the plain mean. SSIM inside the brain of this slice: of a fused image with both sources, "
    "and of both estimates from it. None of these patients was trained on by the weights shown."
)


class LesionFigure:
    """Draw ``lesions.png``: one row for each patient, one column for each way to fuse.

    Args:
        dataset_dir: folder of patients with segmentations.
        output_dir: folder for the figure.
        sources: names of the sources.
        networks: networks by their heading.
        patients: whom to show, in order.
        side: rows and columns of the part that is shown. Defaults to 64.
        remark: who the patients are and where they come from. Defaults to "".
        dtype: how the fused image is stored. Defaults to "uint16".

    Raises:
        BadInputError: there is no folder, or a patient is not in it.
    """

    def __init__(
        self,
        dataset_dir: str | None,
        output_dir: str,
        sources: Sequence[str],
        networks: Mapping[str, nn.Module],
        patients: Sequence[str],
        side: int = 64,
        remark: str = "",
        dtype: str = "uint16",
    ) -> None:
        if dataset_dir is None:
            raise BadInputError("dataset_dir is missing. Give a folder of patients with segmentations.")
        self.known = {record["patient"]: record for record in find_patients(dataset_dir, sources)}
        missing = [name for name in patients if name not in self.known]
        if missing:
            raise BadInputError(f"There is no patient {missing[0]} in {dataset_dir}, with {', '.join(sources)}.")
        self.output_dir = Path(output_dir).expanduser()
        self.sources, self.networks, self.patients = sources, networks, patients
        self.side, self.remark, self.dtype = side, remark, dtype
        self.read = Compose([LoadSourcesd(sources), NormalizeSourcesd("slice")])
        self.logger = logging.getLogger(__name__)

    def __call__(self) -> None:
        """Draw the figure.

        Raises:
            BadInputError: a patient has no lesion, or nothing can be written.
        """
        path = self.output_dir / "lesions.png"
        names = [DISPLAY_NAMES.get(source, source) for source in self.sources]
        fused = ["plain mean", *self.networks]
        draw_panels(
            path,
            "Lesions of held-out patients, enlarged",
            [SOURCE_GROUP] * len(names) + [FUSED_GROUP] * len(fused),
            [*names, *fused],
            [self.row(name) for name in self.patients],
            f"{NOTE} {self.remark}".strip(),
            greys=GREYS,
        )
        self.logger.info(f"Written: {path}")

    def row(self, name: str) -> Row:
        """Fuse the slice of a patient with the largest lesion, and cut the lesion out."""
        data = self.read(self.known[name])
        if "seg" not in data or not np.asarray(data["seg"]).any():
            raise BadInputError(f"{name} has no lesion in its segmentation. Name another patient.")
        sample = Sample(data, zoom_size=(self.side, self.side))
        sources = sample.sources
        mean = sources.mean(axis=0)
        window = grey_window(mean)

        def panel(page: np.ndarray, window: tuple[float, float], caption: str = "") -> Panel:
            low, high = window
            return Panel(np.kron(np.clip((page[sample.zoom] - low) / (high - low), 0, 1), np.ones((4, 4))), caption)

        def ssim(pages: np.ndarray) -> str:
            return " / ".join(sample.brain_ssim(pages))

        panels = [panel(page, grey_window(page)) for page in sources]
        panels.append(panel(mean, window, f"fused {ssim(mean)}"))
        for network in self.networks.values():
            result = sample.apply(network, self.dtype)
            caption = f"fused {ssim(result.fused)}\nestimates {ssim(result.decomposed)}"
            panels.append(panel(result.fused, window, caption))
        label = name.replace("_", "\n")
        return Row(f"{label}\nslice {sample.number + 1}", panels)
