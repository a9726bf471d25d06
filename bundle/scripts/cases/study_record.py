"""What the sidecar of a fused study says."""

from __future__ import annotations

import logging
from typing import Any

from scripts.data.errors import BadInputError
from scripts.data.flags import is_true
from scripts.data.hidden import shown_message
from scripts.dicom.derived import fused_values, slice_digests
from scripts.dicom.hide_identity import hide_identity
from scripts.dicom.modules import inherited_faults
from scripts.dicom.series_record import DIGESTS
from scripts.dicom.series_words import MAP_KINDS
from scripts.dicom.source_pixels import describe_source, nifti_dtype, series_number
from scripts.outputs.identity import identity_keys
from scripts.outputs.map_files import map_keys, map_series_keys

from .case import FusedCase
from .volume_record import volume_record

logger = logging.getLogger(__name__)


def check_storage(dtype: str, lossless: bool | str) -> None:
    """Raise unless the results of a study are stored as a DICOM series holds them.

    Args:
        dtype: how the fused image is stored.
        lossless: whether the latent is kept.

    Raises:
        BadInputError: the fused image is not stored in 16 bits, or the latent is kept.
    """
    if is_true(lossless) or dtype != "uint16":
        raise BadInputError(
            "a DICOM series holds the fused image in 16 bits and not its latent: leave out --lossless and "
            "--fused_dtype. For exact sources fuse NIfTI files with fusioninn fuse --lossless."
        )


class StudyRecord:
    """Describe a fused study. Nothing in it names the patient, unless the study's folder does.

    Args:
        reference: the source whose grid the fused image lies on. Defaults to "t1gd"; the first source where there is
            none of that name.
        nifti: the maps are written as NIfTI, so name their files. Defaults to False.
        dtype: how the fused image is stored. Defaults to "uint16", the only possible type.
        lossless: whether the latent is kept. Defaults to False, the only possible value.

    Raises:
        BadInputError: another type, or the latent kept.
    """

    def __init__(
        self,
        reference: str = "t1gd",
        nifti: bool | str = False,
        dtype: str = "uint16",
        lossless: bool | str = False,
    ) -> None:
        check_storage(dtype, lossless)
        self.reference = reference
        self.nifti = is_true(nifti)

    def __call__(self, case: FusedCase) -> dict[str, Any]:
        """Describe a case.

        Args:
            case: the fused case with all its results.

        Returns:
            content of the sidecar.
        """
        reference = self.reference if self.reference in case.sources else case.sources[0]
        described = {source: describe_source(case.series[source]) for source in case.sources}
        header = case.series[reference].headers[0]
        extra: dict[str, Any] = {
            **identity_keys(case.patient, case.fused.shape[1:], case.affine),
            "SourceDtypes": [nifti_dtype(description) for description in described.values()],
            "SourceSeries": described,
            "Reference": reference,
            DIGESTS: slice_digests(fused_values(case.fused[0].numpy())),
            "SSIM": case.mean_ssim,
        }
        if "registration" in case.notes:
            extra["Registration"] = case.notes["registration"]
        if "segmentation" in case.notes:
            extra["Segmentation"] = case.notes["segmentation"]
        for key in ("preparation", "warnings"):
            if case.notes.get(key):
                extra[key.capitalize()] = [hide_identity(shown_message(str(line)), header) for line in case.notes[key]]
        faults = inherited_faults(header)
        for fault in faults:
            logger.warning(f"{case.patient}: the series of {reference}: {fault}; the derived series inherit it")
        if faults:
            extra["InheritedFaults"] = faults
        for kind in case.maps:
            extra |= map_series_keys(case.sources, kind) if kind in MAP_KINDS else {}
            extra |= map_keys(case.names, case.sources, kind) if self.nifti else {}
        # Names of files may hold the patient's; numbers of series do not.
        sources = {source: series_number(case.series[source]) for source in case.sources}
        return volume_record(case, sources, {**extra, **case.measured})
