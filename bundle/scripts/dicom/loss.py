"""Header values of lossy compression, taken from the transfer syntax if they are missing."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom import Dataset
from pydicom.uid import HTJ2K, JPEG2000, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless

METHODS = {
    JPEGBaseline8Bit: "ISO_10918_1",
    JPEGExtended12Bit: "ISO_10918_1",
    JPEGLSNearLossless: "ISO_14495_1",
    JPEG2000: "ISO_15444_1",
    HTJ2K: "ISO_15444_15",
}
"""Method by transfer syntax, of those that lose something."""
_EITHER = (JPEGLSNearLossless, JPEG2000, HTJ2K)
"""Transfer syntaxes in which an image without loss may be stored as well."""


def declare_loss(dataset: Dataset, headers: Iterable[Dataset]) -> None:
    """Set the attributes of lossy compression that the transfer syntax implies and the headers lack or deny.

    A header that denies a loss is believed where its transfer syntax allows for that.

    Args:
        dataset: with pixels, as it was read from a file.
        headers: of its frames, which are changed.
    """
    syntax, said = dataset.file_meta.TransferSyntaxUID, str(dataset.get("LossyImageCompression") or "")
    if syntax not in METHODS or said == "01" or (said == "00" and syntax in _EITHER):
        return
    pixels = dataset.Rows * dataset.Columns * int(dataset.get("NumberOfFrames") or 1)
    unpacked = pixels * int(dataset.get("SamplesPerPixel") or 1) * dataset.BitsAllocated / 8
    for header in headers:
        header.LossyImageCompression = "01"
        header.LossyImageCompressionRatio = f"{unpacked / len(dataset.PixelData):.4g}"
        header.LossyImageCompressionMethod = METHODS[syntax]
