"""What goes wrong with a PACS over DIMSE."""

from __future__ import annotations

import socket

import pytest

from scripts.pacs.errors import PacsError

pytest.importorskip("pynetdicom", reason="no pynetdicom: pip install -r requirements-clinic.txt")
pytest.importorskip("dicomweb_client", reason="no dicomweb_client: pip install -r requirements-clinic.txt")

from scripts.pacs.attempts import Attempts
from scripts.pacs.dimse import Dimse


def dimse(port, called="ORTHANC", calling="FUSIONINN", timeout=5.0, attempts=1, **options):
    return Dimse("127.0.0.1", port, called, calling, timeout, Attempts(attempts, 0.01), **options)


def test_a_server_that_is_down_is_told(orthanc, cut):
    port = cut(orthanc.dicom, 0)
    with pytest.raises(PacsError, match="cannot be reached or broke off") as told:
        dimse(port).find_studies(patient_id="Secret-0815")
    assert told.value.temporary and "Secret" not in str(told.value)


def test_a_wrong_title_is_refused(orthanc):
    with pytest.raises(PacsError, match=r"NOBODY@127\.0\.0\.1:\d+ refuses the association .*title") as told:
        dimse(orthanc.dicom, called="NOBODY", attempts=3).find_studies(study_uid="1.2.3")
    assert not told.value.temporary


def test_a_title_that_the_server_does_not_know_is_refused(orthanc, study):
    with pytest.raises(PacsError, match="STRANGER"):
        dimse(orthanc.dicom, calling="STRANGER").find_studies(study_uid=study[0])


def test_a_silent_server_is_not_waited_for():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(PacsError, match="cannot be reached or broke off"):
            dimse(silent.getsockname()[1], timeout=0.5).find_studies(study_uid="1.2.3")


@pytest.mark.parametrize("after", [5000, 20000])
def test_a_server_that_dies_while_it_sends_leaves_nothing(orthanc, study, cut, tmp_path, after, caplog):
    pacs = dimse(cut(orthanc.dicom, after), attempts=2)
    with pytest.raises(PacsError, match="cannot be reached or broke off|broke off, or did not answer"):
        pacs.fetch_study(study[0], tmp_path / "fetched")
    assert "Trying again" in caplog.text
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_server_that_dies_while_it_takes_is_told_and_a_second_try_mends_it(orthanc, study, derive, cut, tmp_path):
    derive(study[1] / "09_t1gd", tmp_path / "derived")
    with pytest.raises(PacsError, match="cannot be reached or broke off|broke off, or did not answer"):
        dimse(cut(orthanc.dicom, 1 << 30, upwards=5000)).send(tmp_path / "derived")
    assert dimse(orthanc.dicom).send(tmp_path / "derived") == 5


def test_a_move_to_a_port_that_is_taken_is_told(orthanc, study, tmp_path):
    with socket.create_server(("", 0)) as taken:
        pacs = dimse(orthanc.dicom, receive_port=taken.getsockname()[1])
        with pytest.raises(PacsError, match="Nothing can be received at port"):
            pacs.fetch_study(study[0], tmp_path)


def test_a_move_to_a_port_that_the_server_does_not_know_is_told(orthanc, study, tmp_path):
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    with pytest.raises(PacsError, match="--pacs_receive_port"):
        dimse(orthanc.dicom, receive_port=port, timeout=10).fetch_study(study[0], tmp_path)
    assert not list(tmp_path.rglob("*.dcm"))
