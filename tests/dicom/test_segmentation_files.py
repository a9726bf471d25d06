"""Segmentations of a study are found, and chosen as the user names them."""

from __future__ import annotations

import logging

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from phantom_studies.study import write_study  # noqa: E402
from scripts.data.errors import BadInputError  # noqa: E402
from scripts.data.hidden import short_uid  # noqa: E402
from scripts.dicom.find_studies import find_studies  # noqa: E402
from scripts.dicom.scan import scan_folder  # noqa: E402
from scripts.dicom.segmentation_files import choose_segmentations, find_segmentations  # noqa: E402
from segmentations import write_segmentation  # noqa: E402


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """Folder of two studies; the first has two segmentations, binary and as a label map."""
    folder = tmp_path_factory.mktemp("studies")
    volume = np.random.default_rng(0).integers(1, 900, (12, 14, 4))
    for patient in ("A", "B"):
        written = write_study(
            folder / patient, {source: (volume, np.eye(4)) for source in ("t1gd", "flair")}, patient_id=patient
        )
        mask = {"Edema": np.indices((12, 14, 4))[0] > 5}
        if patient == "A":
            for number, kind in ((21, "BINARY"), (20, "LABELMAP")):
                path = folder / f"Musterfrau_{number}.dcm"
                write_segmentation(path, written["flair"], mask, number=number, kind=kind)
    return folder


def test_segmentations_belong_to_their_study(studies):
    first, second = find_studies(studies)
    found = {len(record["segmentations"]): record for record in (first, second)}
    assert [one.facts.number for one in found[2]["segmentations"]] == [20, 21]
    assert found[0]["series"]["t1gd"].series.study_uid != found[2]["segmentations"][0].study_uid


def test_they_are_not_counted_among_what_was_left_out(studies, caplog):
    with caplog.at_level(logging.INFO):
        find_studies(studies)
    assert "left out" not in caplog.text
    assert len(scan_folder(studies).segmentations) == 2


def test_names_in_their_headers_are_hidden(studies, caplog):
    find_studies(studies)
    logging.getLogger("x").warning("drawn by Musterfrau_20.dcm")
    assert "Musterfrau" not in caplog.text


def test_they_are_chosen_by_number_uid_or_description(studies):
    found = find_segmentations(scan_folder(studies))
    first, second = found
    assert choose_segmentations(found) == choose_segmentations(found, "auto") == found
    assert choose_segmentations(found, "none") == choose_segmentations(found, False) == []
    for number in (0, 1):
        with pytest.raises(BadInputError, match=f'is "{number}"'):
            choose_segmentations(found, number)
    assert choose_segmentations(found, 21) == choose_segmentations(found, second.uid) == [second]
    assert choose_segmentations(found, [short_uid(first.uid), "21"]) == found


def test_what_is_not_there_is_refused_with_what_is(studies):
    with pytest.raises(BadInputError, match=r"no segmentation \(DICOM SEG\) of the study is \"99\"(.|\n)*- 20 "):
        choose_segmentations(find_segmentations(scan_folder(studies)), 99)


def test_a_file_that_ends_too_early_is_left_out_with_a_warning(studies, tmp_path, caplog):
    content = (studies / "Musterfrau_20.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(content)
    scan = scan_folder(tmp_path)
    (tmp_path / "a.dcm").write_bytes(content[:400])
    assert find_segmentations(scan) == []
    assert "left out the segmentation" in caplog.text
