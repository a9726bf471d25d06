from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from scripts.data.errors import BadInputError

if TYPE_CHECKING:
    from pydicom import Dataset

END_OF_JPEG = b"\xff\xd9"
REQUIREMENTS = "requirements-clinic.txt"
"""File of the repository that names the optional packages of the clinic's side."""

WHEELS = {"dicomweb_client": "dicomweb-client", "gdcm": "python-gdcm", "openjpeg": "pylibjpeg-openjpeg"}
"""What pip calls packages that are imported by another name."""


def require(*packages: str, purpose: str = "reading DICOM") -> None:
    """Check that optional packages can be imported.

    Args:
        packages: names as in an import statement.
        purpose: what they are needed for, begins the message. Defaults to "reading DICOM".

    Raises:
        BadInputError: one is missing; the message says how to install it.
    """
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        word = "package" if len(missing) == 1 else "packages"
        wheels = " ".join(WHEELS.get(package, package) for package in missing)
        raise BadInputError(
            f"{purpose} needs the {word} {', '.join(missing)}. Install the clinical requirements: "
            f"pip install -r {REQUIREMENTS}, or pip install {wheels}"
        )


def choose_decoder(dataset: Dataset) -> None:
    """Decompress images with a package that refuses truncated data; libjpeg fills the rest arbitrarily.

    Args:
        dataset: with pixels; the choice is noted in it.

    Raises:
        ValueError: the image ends early, and only libjpeg reads its compression.
    """
    from pydicom.encaps import generate_frames
    from pydicom.uid import JPEGExtended12Bit, JPEGLSTransferSyntaxes, JPEGTransferSyntaxes

    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax not in (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes):
        return
    if syntax != JPEGExtended12Bit or int(dataset.BitsStored) <= 8:
        dataset.pixel_array_options(decoding_plugin="gdcm")
        return
    frames = generate_frames(dataset.PixelData, number_of_frames=int(dataset.get("NumberOfFrames") or 1))
    if not all(frame.rstrip(b"\0").endswith(END_OF_JPEG) for frame in frames):
        raise ValueError("an image ends before its end marker")


def own_choice(path: str | os.PathLike[str]) -> str | None:
    """Say which package reads a file where only one under the GPL does, which is the user's own choice to install.

    Args:
        path: DICOM file whose pixels could not be read.

    Returns:
        what to add to a message, or None where that is not the reason.
    """
    from pydicom import dcmread
    from pydicom.uid import JPEGExtended12Bit

    try:
        header = dcmread(path, stop_before_pixels=True)
        is_extended = header.file_meta.TransferSyntaxUID == JPEGExtended12Bit and int(header.BitsStored) > 8
    except Exception:  # damaged files raise anything; the caller reports them
        return None
    if not is_extended or find_spec("libjpeg") is not None:
        return None
    return (
        "it is compressed as JPEG Extended with 12 bits, which only the package pylibjpeg-libjpeg reads. That is under "
        "the GPL v3, so it is your own choice: pip install pylibjpeg-libjpeg. Or export the series uncompressed."
    )
