"""Writers of DICOM series: the fused image, the estimates and the maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from scripts.data.safe_names import check_word
from scripts.dicom.derived import check_compression, write_derived
from scripts.dicom.frames import plain_headers
from scripts.dicom.new_uids import NewUids, random_uids
from scripts.dicom.private_block import ESTIMATE, FUSED
from scripts.dicom.read_file import read_dataset
from scripts.dicom.series_words import MAP_KINDS
from scripts.dicom.volume import SeriesVolume
from scripts.outputs.map_files import UNCERTAINTY, map_folder

from .case import Case, DecomposedCase, FusedCase
from .study_record import check_storage


class DerivedSeries:
    """Write the fused series, the estimates and the maps: ``fused/``, ``<source>_estimated/``, ``<source>_<kind>/``.

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
        check_storage(dtype, lossless)
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
        fused = replace(reference, headers=headers)
        write_estimated_series(case, folder, fused, self.compression, self.uids)
        # a map is made of the sources as well, if of more than the fused image
        sources = {UNCERTAINTY: {FUSED: fused}}
        of_all = {FUSED: fused, **{source: case.series[source] for source in case.sources}}
        for kind in known_maps(case):
            write_map_series(case, folder, kind, fused, sources.get(kind, of_all), self.compression, self.uids)


class EstimatedSeries:
    """Write the estimates and maps of a fused series that was read back: ``<source>_estimated/``, ``<source>_<kind>/``.

    Args:
        compression: lossless: "none", "rle" or "jpeg2000". Defaults to "none".
    """

    def __init__(self, compression: str = "none") -> None:
        self.compression = check_compression(compression)

    def __call__(self, case: DecomposedCase, folder: Path) -> None:
        """Write the series of a case."""
        fused = case.series[FUSED]
        write_estimated_series(case, folder, fused, self.compression)
        for kind in known_maps(case):
            write_map_series(case, folder, kind, fused, {FUSED: fused}, self.compression)


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


def known_maps(case: Case) -> list[str]:
    """Return the kinds of maps that have a series; others are written as NIfTI only."""
    return [kind for kind in case.maps if kind in MAP_KINDS]


def write_map_series(
    case: Case,
    folder: Path,
    kind: str,
    fused: SeriesVolume,
    sources: Mapping[str, SeriesVolume],
    compression: str,
    uids: NewUids = random_uids,
) -> None:
    """Write the map of each source as a series in the frame of reference of the fused one.

    Args:
        case: the case.
        folder: where the folders of the series belong.
        kind: "uncertainty" or "contribution".
        fused: the fused series; its headers and affine count.
        sources: what the map was made of, by what it shows.
        compression: see `write_derived`.
        uids: see `write_derived`. Defaults to new ones each time.
    """
    for source, volume in case.map_by_source(kind).items():
        check_word(source, "a source's name", str(folder))
        write_derived(
            folder / map_folder(source, kind),
            kind=kind,
            source=source,
            volume=volume,
            reference=fused,
            sources=sources,
            sidecar=case.record,
            compression=compression,
            uids=uids,
        )
