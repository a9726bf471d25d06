from __future__ import annotations

import logging

import pytest

from scripts.data.errors import BadInputError

pytest.importorskip("dicomweb_client", reason="no dicomweb_client: pip install -r requirements-clinic.txt")

from scripts.pacs.connect import connect
from scripts.pacs.send_back import SendBack


@pytest.fixture
def write(study, derive, tmp_path):
    """Writes a derived series and a picture."""

    def files(data, results):
        derive(study[1] / "09_t1gd", tmp_path / "fused")
        (tmp_path / "overview.png").write_bytes(b"")
        return [str(path) for path in (*sorted((tmp_path / "fused").iterdir()), tmp_path / "overview.png")]

    return files


def test_what_is_dicom_is_sent_and_found(orthanc, study, write, caplog):
    pacs = orthanc.connect("dicomweb")
    (before,) = pacs.find_studies(study_uid=study[0])
    with caplog.at_level(logging.INFO):
        files = SendBack(write, pacs)({"patient": "study-1"}, {})
    (after,) = pacs.find_studies(study_uid=study[0])
    assert len(files) == 6
    assert (after.series, after.instances) == (before.series + 1, before.instances + 5)
    assert "study-1: 1 derived series (5 instances) sent" in caplog.text


def test_nothing_is_sent_unless_it_is_wanted(orthanc, study, write):
    pacs = orthanc.connect("dicomweb")
    before = pacs.find_studies(study_uid=study[0])
    assert len(SendBack(write, pacs, enabled=False)({"patient": "study-1"}, {})) == 6
    assert pacs.find_studies(study_uid=study[0]) == before


def test_what_was_written_stays_when_it_cannot_be_sent(write, tmp_path):
    down = connect("http://127.0.0.1:9/dicom-web", attempts=1)
    with pytest.raises(BadInputError, match="written, but not sent: .*cannot be reached.*'sending'"):
        SendBack(write, down)({"patient": "study-1"}, {})
    assert len(list((tmp_path / "fused").glob("*.dcm"))) == 5


def test_a_run_without_dicom_is_told():
    with pytest.raises(BadInputError, match="nothing to send"):
        SendBack(lambda data, results: [], connect("http://127.0.0.1:9/dicom-web"))({"patient": "study-1"}, {})
