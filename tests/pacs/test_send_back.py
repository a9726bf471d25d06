from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from scripts.data.errors import BadInputError

pytest.importorskip("dicomweb_client", reason="no dicomweb_client: pip install -r requirements-clinic.txt")

from scripts.pacs.connect import connect
from scripts.pacs.send_back import SendBack

CASE = SimpleNamespace(patient="study-1")


@pytest.fixture
def files(study, derive, tmp_path):
    """A derived series and a picture that were written."""
    derive(study[1] / "09_t1gd", tmp_path / "fused")
    (tmp_path / "overview.png").write_bytes(b"")
    return [str(path) for path in (*sorted((tmp_path / "fused").iterdir()), tmp_path / "overview.png")]


def test_what_is_dicom_is_sent_and_found(orthanc, study, files, caplog):
    pacs = orthanc.connect("dicomweb")
    (before,) = pacs.find_studies(study_uid=study[0])
    with caplog.at_level(logging.INFO):
        SendBack(pacs)(CASE, files)
    (after,) = pacs.find_studies(study_uid=study[0])
    assert (after.series, after.instances) == (before.series + 1, before.instances + 5)
    assert "study-1: 1 derived series (5 instances) sent" in caplog.text


def test_what_was_written_stays_when_it_cannot_be_sent(files, tmp_path):
    down = connect("http://127.0.0.1:9/dicom-web", attempts=1)
    with pytest.raises(BadInputError, match="written, but not sent: .*cannot be reached.*'sending'"):
        SendBack(down)(CASE, files)
    assert len(list((tmp_path / "fused").glob("*.dcm"))) == 5


def test_a_run_without_dicom_is_told():
    with pytest.raises(BadInputError, match="nothing to send"):
        SendBack(connect("http://127.0.0.1:9/dicom-web"))(CASE, [])


def test_nifti_files_in_bids_are_not_for_an_archive():
    with pytest.raises(BadInputError, match="an archive stores DICOM series. Leave out --layout bids"):
        SendBack(connect("http://127.0.0.1:9/dicom-web", attempts=1), layout="bids")
