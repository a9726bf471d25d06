from __future__ import annotations

import pytest

from scripts.data.errors import BadInputError

pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from pydicom import Dataset

from scripts.pacs.query import answers, read_query, study_filters


def found(**values):
    dataset = Dataset()
    dataset.update(values)
    return dataset


def test_speaks_dicom():
    filters = study_filters(study_uid="1.2.3", patient_id=815, accession="A1", study_date="20240101-20240131")
    assert filters == {
        "StudyInstanceUID": "1.2.3",
        "PatientID": "815",
        "AccessionNumber": "A1",
        "StudyDate": "20240101-20240131",
    }


def test_leaves_out_what_is_not_asked_for():
    assert study_filters(study_uid=None, patient_id="P1", accession="") == {"PatientID": "P1"}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "No study is named"),
        ({"study_uid": None}, "No study is named"),
        ({"name": "Doe"}, "name: unknown"),
        ({"study_uid": "1.2/../3"}, "is not a UID"),
        ({"patient_id": "P*"}, "name one value exactly"),
        ({"patient_id": "P1\\P2"}, "name one value exactly"),
        ({"accession": 1e5}, "Quote it twice"),
        ({"study_date": "2024-01-31"}, "YYYYMMDD"),
        ({"study_date": "20240132"}, "YYYYMMDD"),
        ({"study_date": "20240131-20240101"}, "YYYYMMDD"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(query, message):
    with pytest.raises(BadInputError, match=message):
        study_filters(**query)


def test_an_archive_that_ignores_case_or_a_key_is_not_believed():
    filters = study_filters(patient_id="abc", accession="A1")
    assert answers(filters, found(PatientID="abc", AccessionNumber="A1"))
    assert not answers(filters, found(PatientID="ABC", AccessionNumber="A1"))
    assert not answers(filters, found(PatientID="abc"))


def test_a_range_holds_its_first_and_last_day():
    filters = study_filters(study_date="20240101-20240131")
    days = ["20231231", "20240101", "20240131", "20240201", ""]
    assert [answers(filters, found(StudyDate=day)) for day in days] == [False, True, True, False, False]


def test_a_file_keeps_identifiers_out_of_the_command(tmp_path):
    (tmp_path / "query.json").write_text('{"patient_id": "P1"}')
    assert read_query(tmp_path / "query.json") == {"patient_id": "P1"}
    assert read_query(None) == {}


@pytest.mark.parametrize("text", ["", "{", "[1]"])
def test_a_file_that_is_no_query_is_refused(tmp_path, text):
    (tmp_path / "query.json").write_text(text)
    with pytest.raises(BadInputError, match="query.json"):
        read_query(tmp_path / "query.json")
