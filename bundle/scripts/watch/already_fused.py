"""Find out whether a study already holds a fused series of the same images, whoever made it."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom import Dataset

from scripts.data.errors import BadInputError
from scripts.dicom.private_block import FUSED, read_block
from scripts.dicom.read_file import read_dataset
from scripts.dicom.series import Series


def fused_from(series: Iterable[Series], used: set[str]) -> str | None:
    """Return the SeriesInstanceUID of a fused series that was made of exactly these images, or None.

    Args:
        series: of the study.
        used: SOPInstanceUIDs.
    """
    for one in series:
        if one.facts.ours:
            try:
                headers = [read_dataset(file, pixels=False) for file in one.files]
                block = read_block(headers[0], one.files[0])
            except BadInputError:  # a damaged one is as good as none
                continue
            if block is not None and block.kind == FUSED and _sources(headers) == used:
                return one.uid
    return None


def used_images(series: Iterable[Series]) -> set[str]:
    """Return the SOPInstanceUIDs of series that were chosen as sources."""
    return {
        str(read_dataset(file, pixels=False, keywords=["SOPInstanceUID"]).SOPInstanceUID)
        for one in series
        for file in one.files
    }


def _sources(headers: Iterable[Dataset]) -> set[str]:
    return {
        str(item.ReferencedSOPInstanceUID)
        for header in headers
        for item in header.get("SourceImageSequence") or ()
        if "ReferencedSOPInstanceUID" in item
    }
