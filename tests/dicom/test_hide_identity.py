"""What leaves DICOM names nobody."""

from __future__ import annotations

import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from scripts.dicom.hide_identity import hide_identity  # noqa: E402


@pytest.fixture
def header():
    header = pydicom.Dataset()
    header.PatientName = "Müller-Lüdenscheidt^Anna Maria"
    header.PatientID = "H.4711"
    header.PatientBirthDate = "19700102"
    return header


@pytest.mark.parametrize(
    "text",
    [
        "in/Müller-Lüdenscheidt^Anna Maria/1.dcm is damaged",
        "slices of MARIA are missing",
        "H.4711 has two series",
        "born_19700102_t1.dcm",
    ],
)
def test_name_number_and_birth_date_are_hidden(header, text):
    hidden = hide_identity(text, header)
    assert "[hidden]" in hidden
    assert not any(part in hidden.lower() for part in ("müller", "anna", "maria", "4711", "1970"))


def test_other_words_stay(header):
    text = "series 9: 2 slices are missing between 14711 mm and 31 mm, see Annalen"
    assert hide_identity(text, header) == text


def test_an_anonymous_header_hides_nothing():
    assert hide_identity("two slices are missing", pydicom.Dataset()) == "two slices are missing"
