"""The node as modalities meet it: real associations over the loopback."""

from __future__ import annotations

import threading
import time

import pytest

pytest.importorskip("pynetdicom", reason="no pynetdicom: pip install -r requirements-clinic.txt")

from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.sop_class import EncapsulatedPDFStorage, MRImageStorage, Verification

from scripts.data.errors import BadInputError
from scripts.pacs.connect import connect
from scripts.pacs.errors import PacsError
from scripts.pacs.tls import Tls
from scripts.watch.inbox import Inbox
from scripts.watch.receiver import NO_SPACE, NOT_UNDERSTOOD, SUCCESS, Receiver


@pytest.fixture
def listen(tmp_path, free_port):
    """Return a function that starts a node and returns it and the studies that it hands over."""
    started = []

    def start(**options):
        complete: list[str] = []
        inbox = Inbox(tmp_path / "received")
        started.append(
            Receiver(inbox, complete.append, free_port, "127.0.0.1", **{"quiet_seconds": 0.3, "free_mb": 1, **options})
        )
        started[-1].start()
        return started[-1], complete

    yield start
    for receiver in started:
        receiver.stop()


def associate(port, calling="SCANNER1", called="FUSIONINN", contexts=(MRImageStorage, Verification), **options):
    entity = AE(ae_title=calling)
    for context in contexts:
        entity.add_requested_context(context)
    return entity.associate("127.0.0.1", port, ae_title=called, **options)


def send(port, *datasets, **options):
    """Send instances as a scanner does; return the status of each."""
    association = associate(port, **options)
    assert association.is_established
    codes = [association.send_c_store(dataset).Status for dataset in datasets]
    association.release()
    return codes


def wait_for(complete, receiver, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not complete and time.monotonic() < deadline:
        time.sleep(0.05)
        receiver.hand_over()
    return complete


def test_an_echo_is_answered(listen, free_port):
    listen()
    association = associate(free_port)
    assert association.send_c_echo().Status == SUCCESS
    association.release()


def test_images_are_on_disk_when_the_sender_gets_its_answer(listen, free_port, write_brain):
    receiver, complete = listen()
    uid, files = write_brain()
    sent = [dcmread(file) for file in (*files["t1gd"], *files["flair"])]
    assert send(free_port, *sent) == [SUCCESS] * 12
    assert receiver.inbox.images(uid) == {one.SOPInstanceUID for one in sent}
    for one in sent:
        kept = dcmread(receiver.inbox.folder_of(uid) / f"{one.SOPInstanceUID}.dcm")
        assert kept == one and kept.file_meta.TransferSyntaxUID == one.file_meta.TransferSyntaxUID
    receiver.hand_over()
    assert complete == []
    assert wait_for(complete, receiver) == [uid]
    receiver.hand_over()
    assert complete == [uid]


def test_several_scanners_send_at_once(listen, free_port, write_brain):
    receiver, complete = listen()
    studies = [write_brain() for _ in range(4)]
    codes: list[int] = []

    def scanner(files):
        codes.extend(send(free_port, *(dcmread(file) for file in files)))

    threads = [threading.Thread(target=scanner, args=[files["flair"]]) for _, files in studies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [SUCCESS] * 24
    assert receiver.inbox.studies() == sorted(uid for uid, _ in studies)
    time.sleep(0.4)
    receiver.hand_over()
    assert sorted(complete) == sorted(uid for uid, _ in studies)


def test_what_is_no_image_and_what_we_made_is_taken_and_not_kept(listen, free_port, write_brain):
    receiver, _ = listen()
    _, files = write_brain()
    ours, report, other = (dcmread(files["flair"][0]) for _ in range(3))
    ours.Manufacturer = "FusionINN"
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = EncapsulatedPDFStorage
    other.Modality = "CT"
    contexts = (MRImageStorage, EncapsulatedPDFStorage)
    assert send(free_port, ours, report, other, contexts=contexts) == [SUCCESS] * 3
    assert receiver.inbox.studies() == []


def test_a_full_disk_is_told_to_the_sender(listen, free_port, write_brain, caplog):
    receiver, _ = listen(free_mb=1e12)
    _, files = write_brain()
    assert send(free_port, dcmread(files["flair"][0])) == [NO_SPACE]
    assert receiver.inbox.studies() == []
    assert "are free on the disk (--free_mb)" in caplog.text


def test_an_object_without_valid_uids_is_refused(listen, free_port, write_brain):
    receiver, _ = listen()
    _, files = write_brain()
    without, contradicting = dcmread(files["flair"][0]), dcmread(files["flair"][0])
    del without.StudyInstanceUID
    contradicting.StudyInstanceUID = "1.2.../../x"
    assert send(free_port, without) == [NOT_UNDERSTOOD]
    assert send(free_port, contradicting) == [NOT_UNDERSTOOD]
    assert receiver.inbox.studies() == []


def test_strangers_and_wrong_titles_are_refused_with_the_reason_in_the_log(listen, free_port, caplog):
    listen(from_titles=["SCANNER1"])
    assert associate(free_port, calling="STRANGER").is_rejected
    assert associate(free_port, called="NOBODY").is_rejected
    assert "STRANGER called FUSIONINN; we are FUSIONINN, and --from_titles names SCANNER1" in caplog.text
    association = associate(free_port)
    assert association.is_established
    association.release()


def test_a_port_that_is_taken_is_told(listen, tmp_path, free_port):
    listen()
    with pytest.raises(BadInputError, match="Nothing can be received at port .*--listen_port"):
        Receiver(Inbox(tmp_path / "other"), print, free_port, "127.0.0.1").start()


@pytest.mark.parametrize("port", [0, 70000, "11112"])
def test_a_port_that_is_none_is_refused(tmp_path, port):
    with pytest.raises(BadInputError, match="--listen_port"):
        Receiver(Inbox(tmp_path), print, port)


def test_both_sides_show_a_certificate(listen, free_port, certificates, write_brain):
    (certificate, key), (other, other_key) = certificates
    receiver, _ = listen(tls=Tls(ca_file=certificate, certificate=certificate, key=key, option="listen"))
    uid, files = write_brain()
    address = f"dicoms://FUSIONINN@127.0.0.1:{free_port}"
    ours = {"calling": "SCANNER1", "attempts": 1, "timeout": 5}
    connect(address, tls=Tls(ca_file=certificate, certificate=certificate, key=key), **ours).store(files["flair"])
    assert len(receiver.inbox.images(uid)) == 6
    refused = {
        "no certificate of ours": Tls(ca_file=certificate),
        "a certificate that the node does not know": Tls(ca_file=certificate, certificate=other, key=other_key),
        "a node that we do not know": Tls(ca_file=other, certificate=certificate, key=key),
        "the certificates of the system": Tls(certificate=certificate, key=key),
    }
    for tls in refused.values():
        with pytest.raises(PacsError, match="cannot be reached or broke off|broke off"):
            connect(address, tls=tls, **ours).store(files["t1gd"])
    with pytest.raises(PacsError):
        connect(address.replace("dicoms", "dicom"), **ours).store(files["t1gd"])
    assert len(receiver.inbox.images(uid)) == 6
    unchecked = Tls(certificate=certificate, key=key, check=False)
    connect(address, tls=unchecked, **ours).store(files["t1gd"])
    assert len(receiver.inbox.images(uid)) == 12
