"""Fig. 6: pairs of modalities that the network was not trained on, fused and decomposed, the lesion outlined."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import nn

from scripts.cases.fuse import check_settings
from scripts.data.discovery import Patient, find_patients, usable
from scripts.data.errors import BadInputError
from scripts.outputs.overview import DISPLAY_NAMES, ESTIMATE_GROUP, FUSED_GROUP, SOURCE_GROUP
from scripts.outputs.panels import Panel, Row, draw_panels
from scripts.outputs.slice_choice import grey_window
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd

from .sample import Sample

GREYS = 96
NOTE = (
    "Red: border of the lesions in the segmentation. Green: the largest lesion, enlarged below. Estimated: computed "
    "from the fused image alone. A source and its estimate share one grey window. SSIM inside the brain in this slice; "
    "of the fused image with the first and the second source. The patient's right is on the left."
)


class OtherModalities:
    """Draw ``figure6.png``: one row for each pair of modalities, in the slice with the largest lesion.

    Args:
        dataset_dir: folder of patients, as for fusing.
        output_dir: folder for the figure.
        pairs: modalities of each row, in the order in which they are fused.
        network: a two-dimensional `FusionINN`.
        patients: whom each row shows. Defaults to None: patients with a segmentation, in turn.
        zoom_size: rows and columns of the enlarged part. Defaults to (40, 64).
        remark: who the patients are and where they come from, written below the figure. Defaults to "".
        normalisation: "slice" or "volume". Defaults to "slice".
        dtype: how the fused image is stored before it is decomposed. Defaults to "uint8".
        latent: distribution of the fresh latent. Defaults to "zeros".
        seed: seed of the latent. Defaults to 0.

    Raises:
        BadInputError: when a setting is none that is possible.
    """

    def __init__(
        self,
        dataset_dir: str | None,
        output_dir: str,
        pairs: Sequence[Sequence[str]],
        network: nn.Module,
        patients: Sequence[str] | None = None,
        zoom_size: Sequence[int] = (40, 64),
        remark: str = "",
        normalisation: str = "slice",
        dtype: str = "uint8",
        latent: str = "zeros",
        seed: int = 0,
    ) -> None:
        if dataset_dir is None:
            raise BadInputError("dataset_dir is missing. Give a folder of patients with segmentations.")
        if not pairs or any(isinstance(pair, str) or len(pair) != network.in_channels for pair in pairs):
            raise BadInputError(
                f"pairs is {pairs!r}, expected a list of {network.in_channels} modalities for each row, for instance "
                "[['t1gd','t2'],['t1','flair']]."
            )
        if patients is not None and len(patients) != len(pairs):
            raise BadInputError(f"patients names {len(patients)} for {len(pairs)} rows. Name one for each row.")
        check_settings(dtype, latent, seed, 1)
        self.dataset_dir, self.output_dir = dataset_dir, Path(output_dir).expanduser()
        self.pairs, self.patients, self.zoom_size = pairs, patients, zoom_size
        self.remark = remark
        self.network, self.dtype, self.latent, self.seed = network, dtype, latent, seed
        self.normalise = NormalizeSourcesd(normalisation)
        self.logger = logging.getLogger(__name__)

    def __call__(self) -> None:
        """Draw the figure.

        Raises:
            BadInputError: a patient is unknown or lacks a modality or a segmentation, or nothing can be written.
        """
        path = self.output_dir / "figure6.png"
        rows = [self.row(self._patient(i, pair), pair) for i, pair in enumerate(self.pairs)]
        draw_panels(
            path,
            "Pairs of modalities that the network was not trained on",
            [SOURCE_GROUP, SOURCE_GROUP, FUSED_GROUP, ESTIMATE_GROUP, ESTIMATE_GROUP],
            ["first", "second", f"stored as {self.dtype}", "first, estimated", "second, estimated"],
            rows,
            f"{NOTE} {self.remark}".strip(),
            greys=GREYS,
        )
        self.logger.info(f"Written: {path}")

    def row(self, patient: Patient, pair: Sequence[str]) -> Row:
        """Fuse and decompose one slice of a patient."""
        data = self.normalise(LoadSourcesd(pair)(patient))
        sample = Sample(data, zoom_size=self.zoom_size)
        result = sample.apply(self.network, self.dtype, self.latent, self.seed)
        lesion = sample.view.page(np.asarray(data["seg"])[0] > 0, sample.number)
        sources, frame = sample.sources, sample.frame
        fused, estimated = sample.brain_ssim(result.fused), sample.brain_ssim(result.decomposed)
        mean = sample.brain_ssim(sources.mean(axis=0))
        self.logger.info(
            f"{sample.patient}, {' + '.join(pair)}: SSIM {fused} fused, {mean} plain mean, {estimated} back."
        )

        def panel(page: np.ndarray, window: tuple[float, float], caption: str) -> Panel:
            low, high = window
            return Panel(np.clip((page[frame] - low) / (high - low), 0.0, 1.0), caption)

        windows = [grey_window(page) for page in sources]
        names = [DISPLAY_NAMES.get(source, source) for source in pair]
        panels = [
            *(panel(page, window, name) for page, window, name in zip(sources, windows, names, strict=True)),
            panel(
                result.fused,
                grey_window(result.fused),
                f"{' + '.join(names)}, SSIM {' · '.join(fused)}",
            ),
            *(
                panel(page, window, f"{name}, SSIM {value}")
                for page, window, name, value in zip(result.decomposed, windows, names, estimated, strict=True)
            ),
        ]
        place = f"{'xyz'[sample.view.through]} {sample.place:+.0f} mm".replace("-", "−")
        label = f"{sample.patient}\nslice {sample.number + 1}\n{place}"
        return Row(label, panels, lesion[frame], sample.box, sample.view.pixel_aspect)

    def _patient(self, i: int, pair: Sequence[str]) -> Patient:
        found = usable(find_patients(self.dataset_dir, pair))
        marked = [patient for patient in found if patient.get("seg")]
        if not marked:
            raise BadInputError(f"No patient with {' and '.join(pair)} in {self.dataset_dir} has a segmentation.")
        if self.patients is None:
            return marked[i % len(marked)]
        by_name = {patient["patient"]: patient for patient in marked}
        name = str(self.patients[i])
        if name not in by_name:
            raise BadInputError(
                f"There is no patient {name} with {' and '.join(pair)} and a segmentation. Known are "
                f"{', '.join([*by_name][:10])}."
            )
        return by_name[name]
