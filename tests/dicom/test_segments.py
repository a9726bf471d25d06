"""Segments are told apart by what they show, and their names hold nothing about the patient."""

from __future__ import annotations

import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from scripts.dicom.segments import Shows, name_of_segment, shows  # noqa: E402

ALTERED, TISSUE, ANATOMY = ("49755003", "Morphologically Altered"), ("85756007", "Tissue"), ("91723000", "Anatomy")


def segment(
    label: str, category: tuple[str, str] | None, kind: tuple[str, str] | None, **extra: str
) -> pydicom.Dataset:
    item = pydicom.Dataset()
    item.SegmentNumber, item.SegmentLabel = 3, label
    for name, code in (("Category", category), ("Type", kind)):
        if code is not None:
            coded = pydicom.Dataset()
            coded.CodeValue, coded.CodeMeaning = code
            setattr(item, f"SegmentedProperty{name}CodeSequence", [coded])
    return item


@pytest.mark.parametrize(
    ("label", "category", "kind", "expected"),
    [
        ("x", ALTERED, ("79654002", "Edema"), Shows.LESION),
        ("x", ("M-01000", "Morphologically Altered Structure"), ("M-80003", "Neoplasm, Primary"), Shows.LESION),
        ("x", TISSUE, ("C113842", "Enhancing Lesion"), Shows.LESION),
        ("Whole tumor", TISSUE, TISSUE, Shows.LESION),
        ("Ödem", None, None, Shows.LESION),
        ("ET", TISSUE, TISSUE, Shows.LESION),
        ("Segment_1", TISSUE, TISSUE, Shows.UNSPECIFIC),
        ("3", None, None, Shows.UNSPECIFIC),
        ("Brain", ANATOMY, ("12738006", "Brain"), Shows.OTHER),
        ("Segment_1", ANATOMY, ("12738006", "Brain"), Shows.OTHER),
        ("brain mask", TISSUE, TISSUE, Shows.OTHER),
        ("White matter", TISSUE, ("68523003", "White matter"), Shows.OTHER),
        ("Left hippocampus", TISSUE, TISSUE, Shows.OTHER),
        ("x", ALTERED, ("17621005", "Normal"), Shows.OTHER),
    ],
)
def test_lesions_are_known_by_code_or_word(label, category, kind, expected):
    assert shows(segment(label, category, kind)) is expected


@pytest.mark.parametrize(
    ("label", "kind", "expected"),
    [
        ("Enhancing tumor", ("108369006", "Neoplasm"), "Enhancing tumor"),
        ("Musterfrau Tumor", ("108369006", "Neoplasm"), "Neoplasm"),
        ("Musterfrau Tumor", ("1", "of Erika"), "… Tumor"),
        ("Musterfrau", None, "Segment 3"),
        ("Segment_1", TISSUE, "Segment 3"),
        ("", None, "Segment 3"),
    ],
)
def test_a_name_holds_known_words_only(label, kind, expected):
    assert name_of_segment(segment(label, TISSUE, kind)) == expected
