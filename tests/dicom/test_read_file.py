import logging
import warnings
import zlib

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from pydicom.uid import DeflatedExplicitVRLittleEndian  # noqa: E402

from phantom_studies.study import write_series  # noqa: E402
from scripts.data.errors import BadInputError  # noqa: E402
from scripts.dicom import read_file  # noqa: E402
from scripts.dicom.read_file import NotDicomError, check_size, read_dataset, remarks  # noqa: E402

VOLUME = np.random.default_rng(0).integers(0, 900, (6, 8, 4))
AFFINE = np.diag([-1.0, -1.25, 4.0, 1.0])


def deflated(folder):
    return write_series(folder, VOLUME, AFFINE, transfer_syntax=DeflatedExplicitVRLittleEndian)[0]


def test_a_deflated_file_is_read(tmp_path):
    assert len(read_dataset(deflated(tmp_path), pixels=True).PixelData) == 6 * 8 * 2


def test_a_deflated_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = deflated(tmp_path)
    content = path.read_bytes()
    packing = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = b"".join(packing.compress(bytes(2**24)) for _ in range(20)) + packing.flush()
    start = content.index(b"UI\x16\x001.2.840.10008.1.2.1.99")
    length = int.from_bytes(content[140:144], "little")
    assert start < 144 + length
    path.write_bytes(content[: 144 + length] + bomb)
    with pytest.raises(BadInputError, match=r"bytes would unpack to 0.26\d* GiB or more, which no MR instance has"):
        read_dataset(path, pixels=False)


def test_a_deflated_file_that_was_cut_is_refused(tmp_path):
    path = deflated(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BadInputError, match="its deflated content ends too early"):
        read_dataset(path, pixels=False)


def test_sizes_that_images_have_are_accepted():
    check_size(2**28, 10)
    check_size(2 * 2**30, 2**28)
    with pytest.raises(BadInputError, match="which no MR instance has"):
        check_size(read_file.LARGEST + 1, read_file.LARGEST + 1)


def test_other_files_are_not_dicom(tmp_path):
    (tmp_path / "text").write_text("not an image")
    (tmp_path / "empty").touch()
    for name, reason in (("text", "no DICOM file"), ("empty", "an empty file")):
        with pytest.raises(NotDicomError, match=reason):
            read_dataset(tmp_path / name, pixels=False)


def test_the_class_of_a_file_whose_dataset_has_none_is_that_of_its_meta_information(tmp_path):
    path = write_series(tmp_path, VOLUME, AFFINE)[0]
    dataset = pydicom.dcmread(path)
    del dataset.SOPClassUID
    pydicom.dcmwrite(path, dataset)
    assert read_dataset(path, pixels=False).SOPClassUID.name == "MR Image Storage"


def test_remarks_are_collected_once_and_without_values(monkeypatch):
    monkeypatch.setattr(logging.getLogger("pydicom"), "level", logging.ERROR)  # as configs/logging.conf has it
    logging.getLogger("pydicom").manager._clear_cache()
    with remarks() as told:
        warnings.warn("Invalid value for VR LO: 'Erika Musterfrau'. Please see <…>", stacklevel=1)
        warnings.warn("Invalid value for VR LO: 'another'. Please see <…>", stacklevel=1)
        logging.getLogger("pydicom").warning("Unknown encoding 'x' - using default")
    assert sorted(told) == ["Invalid value for VR LO", "Unknown encoding"]
    assert logging.getLogger("pydicom").level == logging.ERROR
