"""Writers of DICOM series: the fused image and the estimates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scripts.data.safe_names import check_word
from scripts.dicom.derived import check_compression, write_derived
from scripts.dicom.frames import plain_headers
from scripts.dicom.private_block import ESTIMATE, FUSED
from scripts.dicom.read_file import read_dataset
from scripts.dicom.volume import SeriesVolume

from .case import Case, DecomposedCase, FusedCase
from .study_record import check_storage


class DerivedSeries:
    """Write the fused series and the series of the estimates: ``fused/`` and ``<source>_estimated/``.

    They hold one instance for each slice, and are those to send to an archive.

    Args:
        compression: lossless: "none", "rle" or "jpeg2000". Defaults to "none".
        dtype: how the fused image is stored; a series has 16 bits. Defaults to "uint16".
        lossless: not possible: a series has no place for the latent. Defaults to False.
    """

    def __init__(self, compression: str = "none", dtype: str = "uint16", lossless: bool | str = False) -> None:
        check_storage(dtype, lossless)
        self.compression = check_compression(compression)

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
        )
        headers = [plain_headers(read_dataset(file, pixels=False))[0] for file in files]
        write_estimated_series(case, folder, replace(reference, headers=headers), self.compression)


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


def write_estimated_series(case: Case, folder: Path, fused: SeriesVolume, compression: str) -> None:
    """Write the estimate of each source as a series derived from the fused one.

    Args:
        case: the case.
        folder: where the folders of the series belong.
        fused: the fused series; its headers and affine count.
        compression: see `write_derived`.
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
        )
