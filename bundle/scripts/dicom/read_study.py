from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monai.transforms import Transform

from scripts.data.errors import BadInputError

if TYPE_CHECKING:
    from scripts.dicom.volume import SeriesVolume

logger = logging.getLogger(__name__)


class ReadStudy(Transform):
    """Read the chosen series of a study, each on its own grid.

    Args:
        sources: series to read, in the order of the channels. Defaults to ("t1gd", "flair").
    """

    def __init__(self, sources: Sequence[str] = ("t1gd", "flair")) -> None:
        self.sources = tuple(sources)

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Read one study.

        Args:
            data: record of `find_studies`: "patient", "series" ({source: Choice}), "segmentations" or "problem".

        Returns:
            "patient", "volumes" {source: MetaTensor [X, Y, Z] with affine}, "series" {source: SeriesVolume}, "reasons"
            {source: why it was chosen}, "segmentations", "warnings" and "files" {source: path of the first file}.

        Raises:
            BadInputError: the record has a "problem", or a series cannot be read as a volume of grey values.
        """
        from scripts.dicom.choose import ALTHOUGH
        from scripts.dicom.volume import read_series

        if "problem" in data:
            raise BadInputError(data["problem"])
        patient = data["patient"]
        series: dict[str, SeriesVolume] = {}
        warnings = list(data.get("warnings", ()))
        for source in self.sources:
            choice = data["series"][source]
            logger.info("%s: %s is series %s: %s", patient, source, choice.series.label, "; ".join(choice.reasons))
            label = f"{source} is series {choice.series.label}"
            warnings += [f"{label}, {reason}" for reason in choice.reasons if reason.startswith(ALTHOUGH)]
            try:
                series[source] = read_series(choice.series)
            except BadInputError as error:
                raise BadInputError(f"{patient}: {source}, series {choice.series.label}: {error}") from error
            _check_values(series[source], f"{patient}: {source}, series {choice.series.label}")
            warnings += [f"{source}: {note}" for note in series[source].warnings]
        for warning in warnings:
            logger.warning("%s: %s", patient, warning)
        return {
            "patient": patient,
            "volumes": {source: read.volume for source, read in series.items()},
            "series": series,
            "reasons": {source: list(data["series"][source].reasons) for source in self.sources},
            "segmentations": data.get("segmentations", ()),
            "warnings": warnings,
            "files": {source: str(min(read.series.files)) for source, read in series.items()},
        }


def _check_values(read: SeriesVolume, name: str) -> None:
    values = read.volume.as_tensor()
    if not values.isfinite().all():
        raise BadInputError(f"{name} holds values that are not finite after the rescale. Export the series again.")
    low, high = values.aminmax()
    if low == high:
        raise BadInputError(f"{name} is constant ({low.item():g} everywhere), so it holds no image.")
