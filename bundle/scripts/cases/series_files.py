"""Writers of DICOM series: the fused image and the estimates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scripts.data.errors import BadInputError
from scripts.data.flags import is_true
from scripts.data.safe_names import check_word
from scripts.dicom.derived import check_compression, write_derived
from scripts.dicom.frames import plain_headers
from scripts.dicom.new_uids import NewUids, random_uids
from scripts.dicom.private_block import ESTIMATE, FUSED
from scripts.dicom.read_file import read_dataset
from scripts.dicom.volume import SeriesVolume

from .case import Case, DecomposedCase, FusedCase


class DerivedSeries:
    """Write the fused series and the series of the estimates: ``fused/`` and ``<source>_estimated/``.

    They hold one instance for each slice, and are those to send to an archive.

    Args:
        compression: lossless: "none", "rle" or "jpeg2000". Defaults to "none".
        dtype: how the fused image is stored; a series has 16 bits. Defaults to "uint16".
        lossless: not possible: a series has no place for the latent. Defaults to False.
        uids: give the UIDs of the series and their instances. Defaults to None (new ones each time).
    """

    def __init__(
        self,
        compression: str = "none",
        dtype: str = "uint16",
        lossless: bool | str = False,
        uids: NewUids | None = None,
    ) -> None:
        if is_true(lossless) or dtype != "uint16":
            raise BadInputError(
                "a DICOM series holds the fused image in 16 bits and not its latent: leave out --lossless and "
                "--fused_dtype. For exact sources fuse NIfTI files with configs/inference.json --lossless true."
            )
        self.compression = check_compression(compression)
        self.uids = uids or random_uids

    def __call__(self, case: FusedCase, folder: Path) -> None:
        """Write the series of a case."""
        reference = case.series[case.record["Reference"]]
        files = write_derived(
            folder / FUSED,
            volume=case.fused[0].numpy(),
            reference=reference,
            sources={source: case.series[source] for source in case.sources},
            sidecar=case.record,
            compression=self.compression,
            uids=self.uids,
        )
        headers = [plain_headers(read_dataset(file, pixels=False))[0] for file in files]
        write_estimated_series(case, folder, replace(reference, headers=headers), self.compression, self.uids)


class EstimatedSeries:
    """Write the series of the estimates of a fused series that was read back: ``<source>_estimated/``.

    Args:
        compression: lossless: "none", "rle" or "jpeg2000". Defaults to "none".
    """

    def __init__(self, compression: str = "none") -> None:
        self.compression = check_compression(compression)

    def __call__(self, case: DecomposedCase, folder: Path) -> None:
        """Write the series of a case."""
        write_estimated_series(case, folder, case.series[FUSED], self.compression)


def write_estimated_series(
    case: Case, folder: Path, fused: SeriesVolume, compression: str, uids: NewUids = random_uids
) -> None:
    """Write the estimate of each source as a series derived from the fused one.

    Args:
        case: the case.
        folder: where the folders of the series belong.
        fused: the fused series; its headers and affine count.
        compression: see `write_derived`.
        uids: see `write_derived`. Defaults to new ones each time.
    """
    for source, volume in case.estimates.items():
        check_word(source, "a source's name", str(folder))
        write_derived(
            folder / f"{source}_estimated",
            kind=ESTIMATE,
            source=source,
            volume=volume,
            reference=fused,
            sources={FUSED: fused},
            sidecar=case.record,
            compression=compression,
            uids=uids,
        )
