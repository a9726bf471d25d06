"""Compressed series are read with the packages that are required, voxel by voxel where nothing was lost."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")
pytest.importorskip("gdcm", reason="no gdcm: pip install -r requirements-clinic.txt")

from pydicom.encaps import encapsulate, generate_frames  # noqa: E402

from phantom_studies.study import write_series  # noqa: E402
from scripts.data.errors import BadInputError  # noqa: E402
from scripts.dicom.scan import scan_folder  # noqa: E402
from scripts.dicom.volume import read_series  # noqa: E402

ENCODERS = {
    "JPEG baseline": (["dcmcjpeg", "+eb", "+q", "98"], 12),
    "JPEG extended, 8 bits": (["dcmcjpeg", "+ee", "+q", "98"], 12),
    "JPEG lossless, process 14": (["dcmcjpeg", "+el", "+sv", "4"], 0),
    "JPEG lossless, SV1": (["dcmcjpeg", "+e1"], 0),
    "JPEG-LS": (["dcmcjpls", "+el"], 0),
    "JPEG-LS near-lossless": (["dcmcjpls", "+en", "+md", "2"], 2),
    "RLE": (["dcmcrle"], 0),
    "deflated": (["dcmconv", "+td"], 0),
    "big endian": (["dcmconv", "+tb"], 0),
}
"""Command of dcmtk, and the largest difference that its loss may make."""
BITS = [("int16", 12), ("uint16", 16)]
CASES = [
    *((name, "uint16", 8) for name in ENCODERS),
    *((name, dtype, bits) for name, (_, loss) in ENCODERS.items() if loss == 0 for dtype, bits in BITS),
]


def image(dtype: str, bits: int) -> np.ndarray:
    rows, columns = np.mgrid[:32, :24]
    wave = (np.sin(columns / 6) * np.cos(rows / 5) + 1) / 2 * (2**bits - 1)
    return np.rint(wave - (2 ** (bits - 1) if dtype == "int16" else 0)).T[..., None]


def compressed(folder: Path, command: list[str], dtype: str, bits: int) -> Path:
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]}: install dcmtk")
    (file,) = write_series(folder / "plain", image(dtype, bits), np.eye(4), dtype=dtype, bits_stored=bits)
    if bits == 8:
        small = pydicom.dcmread(file)
        small.PixelData = small.pixel_array.astype(np.uint8).tobytes()
        small["PixelData"].VR, small.BitsAllocated = "OB", 8
        small.save_as(file)
    (folder / "small").mkdir()
    subprocess.run([*command, str(file), str(folder / "small" / "a.dcm")], check=True, capture_output=True)
    return folder / "small"


def read(folder: Path) -> np.ndarray:
    (series,) = scan_folder(folder).series
    return np.asarray(read_series(series).volume)


@pytest.mark.parametrize(("name", "dtype", "bits"), CASES, ids=[f"{n}, {b} bits, {d}" for n, d, b in CASES])
def test_each_transfer_syntax_is_read(tmp_path, name, dtype, bits):
    command, loss = ENCODERS[name]
    volume = read(compressed(tmp_path, command, dtype, bits))
    assert np.abs(volume - image(dtype, bits)).max() <= loss


@pytest.mark.parametrize(
    ("name", "said", "told"),
    [
        ("JPEG baseline", None, "01"),
        ("JPEG baseline", "00", "01"),
        ("JPEG-LS near-lossless", None, "01"),
        ("JPEG-LS near-lossless", "00", "00"),
        ("JPEG-LS", None, None),
        ("RLE", None, None),
    ],
)
def test_the_transfer_syntax_tells_of_a_loss_that_the_header_does_not_name(tmp_path, name, said, told):
    (file,) = compressed(tmp_path, ENCODERS[name][0], "uint16", 8).iterdir()
    image = pydicom.dcmread(file)
    for keyword in ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        image.pop(keyword, None)
    if said:
        image.LossyImageCompression = said
    image.save_as(file)
    (series,) = scan_folder(file.parent).series
    volume = read_series(series)
    (header,) = volume.headers
    assert header.get("LossyImageCompression") == told
    assert ("its images were compressed with loss" in volume.warnings) == (told == "01")
    if told == "01":
        assert header.LossyImageCompressionMethod == {"JPEG baseline": "ISO_10918_1"}.get(name, "ISO_14495_1")
        assert header.LossyImageCompressionRatio == pytest.approx(32 * 24 / len(image.PixelData), rel=1e-3)


def test_jpeg_with_12_bits_and_loss_is_read_or_named_as_one_s_own_choice(tmp_path):
    folder = compressed(tmp_path, ["dcmcjpeg", "+ee", "+q", "98"], "uint16", 12)
    if find_spec("libjpeg") is not None:
        assert np.abs(read(folder) - image("uint16", 12)).max() <= 60
        return
    with pytest.raises(BadInputError, match=r"JPEG Extended with 12 bits.*GPL v3.*pip install pylibjpeg-libjpeg"):
        read(folder)


@pytest.mark.parametrize(
    "command", [["dcmcjpeg", "+e1"], ["dcmcjpeg", "+eb"], ["dcmcjpeg", "+ee"], ["dcmcjpls", "+el"]], ids=" ".join
)
def test_an_image_that_ends_early_inside_a_whole_file_is_refused_whatever_is_installed(tmp_path, command):
    folder = compressed(tmp_path, command, "uint16", 12)
    file = next(folder.iterdir())
    damaged = pydicom.dcmread(file)
    frame = next(generate_frames(damaged.PixelData, number_of_frames=1))
    damaged.PixelData = encapsulate([frame[: len(frame) * 3 // 4]])
    damaged.save_as(file)
    with pytest.raises(BadInputError, match=r"a\.dcm cannot be read"):
        read(folder)
