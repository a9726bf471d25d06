from __future__ import annotations

import logging
import stat
from pathlib import Path

import pytest

from scripts.data.errors import BadInputError
from scripts.pacs.errors import PacsError

pytest.importorskip("dicomweb_client", reason="no dicomweb_client: pip install -r requirements-clinic.txt")

from pydicom.uid import generate_uid

from scripts.pacs.fetched import FetchedStudies


def test_a_study_is_there_until_the_run_ends(orthanc, study, tmp_path, caplog):
    fetched = FetchedStudies(orthanc.connect("dicomweb"), {"study_uid": study[0]}, temporary_dir=str(tmp_path / "new"))
    with caplog.at_level(logging.INFO):
        folder = Path(fetched.folder())
    assert folder.parent == tmp_path / "new"
    assert len(list(folder.rglob("*.dcm"))) >= 13
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert fetched.folder() == str(folder)
    assert "Fetched 1 study(s)" in caplog.text and study[0] not in caplog.text
    fetched.close()
    assert list((tmp_path / "new").iterdir()) == []


def test_a_query_that_finds_nothing_is_told_without_its_values(orthanc, tmp_path):
    query = {"study_uid": None, "patient_id": "Nobody-1", "study_date": "20240102"}
    with pytest.raises(BadInputError, match="no study that matches --patient_id, --study_date") as told:
        FetchedStudies(orthanc.connect("dicomweb"), query).folder()
    assert "Nobody" not in str(told.value)


def test_several_studies_are_listed_or_taken(orthanc, write_small_study, tmp_path):
    pacs, patient = orthanc.connect("dicomweb"), f"Twice-{generate_uid()[-9:]}"
    uids = [write_small_study(tmp_path / str(n), patient, study_uid=generate_uid()) for n in range(2)]
    for n in range(2):
        pacs.send(tmp_path / str(n), new_study=True)
    with pytest.raises(BadInputError, match="2 studies that match --patient_id") as told:
        FetchedStudies(pacs, {"patient_id": patient}).folder()
    assert all(uid in str(told.value) for uid in uids) and patient not in str(told.value)
    both = FetchedStudies(pacs, {"patient_id": patient}, several=True)
    assert sorted(path.name for path in Path(both.folder()).iterdir()) == ["study-001", "study-002"]
    both.close()


def test_a_transfer_that_fails_leaves_nothing(orthanc, study, tmp_path):
    pacs = orthanc.connect("dicomweb", modalities=["CT"])
    with pytest.raises(PacsError, match="holds no CT series"):
        FetchedStudies(pacs, {"study_uid": study[0]}, temporary_dir=str(tmp_path)).folder()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(orthanc, study, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="is not writable"):
        FetchedStudies(
            orthanc.connect("dicomweb"), {"study_uid": study[0]}, temporary_dir=str(tmp_path / "file")
        ).folder()
