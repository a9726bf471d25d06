import pytest

pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from pydicom import Dataset

from scripts.dicom.mosaic import why_mosaic


def header(image_type=("ORIGINAL", "PRIMARY", "M", "ND"), rows=256, spacing=0.9):
    found = Dataset()
    found.ImageType = list(image_type)
    found.Rows = found.Columns = rows
    found.PixelSpacing = [spacing, spacing]
    return found


def test_a_plain_slice_is_no_mosaic():
    assert why_mosaic(header()) is None
    assert why_mosaic(header(rows=720, spacing=0.3)) is None


def test_the_image_type_says_so():
    assert why_mosaic(header(("ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"))).endswith("M/ND/MOSAIC")


def test_the_siemens_header_counts_its_slices():
    found = header()
    found.add_new(0x00190010, "LO", "SIEMENS MR HEADER")
    found.add_new(0x0019100A, "UN", b"36 ")
    assert why_mosaic(found) == "it holds 36 slices by its Siemens header"


def test_an_image_wider_than_a_scanner_is_one():
    assert why_mosaic(header(rows=720, spacing=1.8)) == "it would measure 1296 mm, more than fits into a scanner"
