from __future__ import annotations

import pytest

from scripts.data.shown_words import is_harmless, shown_words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("t1_mprage_sag_p2_iso_KM", "t1_mprage_sag_p2_iso_KM"),
        ("T1 post MEIER FRANZ 3D", "T1 post … 3D"),
        ("Ax T2 FLAIR 19631224", "Ax T2 FLAIR …"),
        ("", ""),
    ],
)
def test_only_words_of_imaging_are_shown(text, shown):
    assert shown_words(text) == shown


def test_folders_and_files_that_this_bundle_writes_are_harmless():
    assert all(map(is_harmless, ["study-d2f304acdf", "study-d2f304acdf_fused.json", "flair_estimated", "results"]))
    assert not any(map(is_harmless, ["study-d2f304acdf_Smith", "study-Smith", "Smith_study-d2f304acdf"]))


def test_names_of_exports_are_harmless_and_those_of_people_are_not():
    assert all(map(is_harmless, ["IM_0001.dcm", "series-001", "0009-0001.dcm", "09_t1gd", "DICOM"]))
    assert not any(map(is_harmless, ["Smith", "IM_0001_Smith.dcm", "1963-12-24x123456", "1.2.840.113619.2"]))
