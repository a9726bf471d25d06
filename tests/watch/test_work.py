"""The service at work, against a real Orthanc and with the shipped weights."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest
import requests

pytest.importorskip("dicomweb_client", reason="no dicomweb_client: pip install -r requirements-clinic.txt")
pytest.importorskip("pynetdicom", reason="no pynetdicom: pip install -r requirements-clinic.txt")

from pydicom import dcmread
from pydicom.uid import generate_uid

from pacs_fixtures import PASSWORD, USER
from scripts.data.errors import BadInputError
from scripts.watch.store import DONE, FAILED, LEFT_ALONE, SET_ASIDE, WAITING

pytestmark = pytest.mark.usefixtures("process_as_it_was")


@pytest.fixture
def pacs(orthanc):
    return orthanc.connect("dicomweb")


@pytest.fixture
def derived(orthanc):
    """Return a function that asks Orthanc itself for the derived series of a study: instances by description."""

    def ask(uid):
        base, login = f"http://127.0.0.1:{orthanc.http}", (USER, PASSWORD)
        found = requests.post(f"{base}/tools/lookup", data=uid, auth=login, timeout=10).json()
        (study,) = [one["ID"] for one in found if one["Type"] == "Study"]
        series = requests.get(f"{base}/studies/{study}/series", auth=login, timeout=10).json()
        ours = [one for one in series if one["MainDicomTags"].get("Manufacturer") == "FusionINN"]
        return sorted((one["MainDicomTags"]["SeriesDescription"].split(" (")[0], len(one["Instances"])) for one in ours)

    return ask


ONCE = [("ESTIMATED flair by FusionINN", 6), ("ESTIMATED t1gd by FusionINN", 6), ("FusionINN fused", 6)]


def work_off(service, *uids):
    """Take studies as arrived and work until nothing is left to do."""
    service.store.arrived(uids)
    while service.next_study():
        pass


def send(pacs, files, *sources):
    pacs.send([file for source in sources or files for file in files[source]], new_study=True)


def test_a_study_is_fused_once_and_its_own_series_start_nothing(build, pacs, derived, write_brain, caplog):
    service = build()
    uid, files = write_brain()
    send(pacs, files)
    work_off(service, uid)
    assert derived(uid) == ONCE
    study = service.store.study(uid)
    assert (study.state, study.attempts, study.plan) == (DONE, 0, None)
    assert study.seconds > 0
    results = Path(service.work.delivery.output_dir)
    assert [path.name[-11:] for path in results.rglob("*") if path.is_file()] == ["_fused.json"]

    caplog.clear()
    work_off(service, uid)  # Orthanc tells that our own series arrived
    assert derived(uid) == ONCE
    assert service.store.study(uid).seconds == study.seconds
    assert caplog.text == ""
    assert len(service.store.results(uid)) == 1


def test_messages_and_files_of_the_service_name_no_patient(build, pacs, write_brain, caplog, tmp_path):
    caplog.set_level("INFO")
    service = build()
    uid, files = write_brain()
    send(pacs, files)
    work_off(service, uid)
    assert "is done" in caplog.text
    assert "Secret" not in caplog.text and "Doe" not in caplog.text and PASSWORD not in caplog.text
    kept = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert kept and not any(b"Doe" in path.read_bytes() or b"Secret" in path.read_bytes() for path in kept)


def test_a_study_without_a_contrast_is_left_alone_until_it_arrives(build, pacs, derived, write_brain):
    service = build()
    uid, files = write_brain()
    send(pacs, files, "t1gd", "localizer")
    work_off(service, uid)
    study = service.store.study(uid)
    assert study.state == LEFT_ALONE and "no series was recognised as FLAIR" in study.reason
    send(pacs, files, "flair")
    work_off(service, uid)
    assert (service.store.study(uid).state, derived(uid)) == (DONE, ONCE)


def test_new_slices_lead_to_a_new_result_and_the_old_one_is_told(build, pacs, derived, write_brain, caplog):
    service = build()
    uid, files = write_brain(slices=5)
    send(pacs, files)
    work_off(service, uid)
    _, more = write_brain(uid=uid)
    send(pacs, more, "t1gd", "flair")
    work_off(service, uid)
    assert derived(uid) == sorted([*ONCE, *((name, 5) for name, _ in ONCE)])
    old, new = service.store.results(uid)
    assert (old.superseded_by, new.superseded_by) == (new.number, None)
    assert "new images led to a new result" in caplog.text


def test_a_note_rejects_the_earlier_result_on_request(build, orthanc, pacs, derived, write_brain, tmp_path):
    service = build(reject_superseded=True)
    uid, files = write_brain(slices=5)
    send(pacs, files)
    work_off(service, uid)
    _, more = write_brain(uid=uid)
    send(pacs, more, "t1gd", "flair")
    work_off(service, uid)
    work_off(service, uid)
    old, _ = service.store.results(uid)
    everything = orthanc.connect("dicomweb", modalities=["KO"])
    (series,) = [
        one for one in everything.search("SERIES", {"StudyInstanceUID": uid}, ["Modality"]) if one.Modality == "KO"
    ]
    (note,) = everything.client.retrieve_series(uid, series.SeriesInstanceUID)
    note.save_as(tmp_path / "note.dcm", enforce_file_format=True)

    # read by another package than the one that wrote it
    highdicom = pytest.importorskip("highdicom")
    read = highdicom.ko.KeyObjectSelectionDocument.from_dataset(dcmread(tmp_path / "note.dcm"))
    assert read.content.get_references and read.ConceptNameCodeSequence[0].CodeValue == "113001"
    evidence = read.CurrentRequestedProcedureEvidenceSequence[0]
    assert evidence.StudyInstanceUID == uid
    assert {one.SeriesInstanceUID for one in evidence.ReferencedSeriesSequence} == set(old.series.values())
    referenced = {
        item.ReferencedSOPInstanceUID for one in evidence.ReferencedSeriesSequence for item in one.ReferencedSOPSequence
    }
    assert len(referenced) == 15 and {read.resolve_reference(one)[1] for one in referenced} == set(old.series.values())
    if shutil.which("dciodvfy"):
        told = subprocess.run(["dciodvfy", str(tmp_path / "note.dcm")], capture_output=True, text=True).stderr
        assert [line for line in told.splitlines() if line.startswith("Error")] == []


def test_other_series_that_arrive_later_change_nothing(build, pacs, derived, write_brain):
    service = build()
    uid, files = write_brain()
    send(pacs, files, "t1gd", "flair")
    work_off(service, uid)
    send(pacs, files, "localizer")
    work_off(service, uid)
    assert derived(uid) == ONCE
    assert "does not belong to the series that are fused" in service.store.study(uid).reason


def test_dimse_serves_as_well_as_dicomweb(build, orthanc, pacs, derived, write_brain):
    service = build(pacs_url=orthanc.dimse_url)
    uid, files = write_brain()
    send(pacs, files)
    work_off(service, uid)
    work_off(service, uid)
    assert (service.store.study(uid).state, derived(uid)) == (DONE, ONCE)


def test_a_lost_state_doubles_nothing(build, pacs, derived, write_brain, tmp_path):
    uid, files = write_brain()
    send(pacs, files)
    work_off(build(), uid)
    shutil.rmtree(tmp_path / "state")
    service = build()
    work_off(service, uid)
    assert (service.store.study(uid).state, derived(uid)) == (DONE, ONCE)
    shutil.rmtree(tmp_path / "state")
    service = build(seed=7)  # other settings would give other series
    work_off(service, uid)
    assert (service.store.study(uid).state, derived(uid)) == (DONE, ONCE)
    assert "already holds a series that was fused from these images" in service.store.study(uid).reason


@pytest.mark.parametrize("upwards", [30_000, 120_000, 250_000])
def test_a_pacs_that_vanishes_while_it_is_sent_to_gets_the_rest_later(
    build, orthanc, pacs, cut, derived, write_brain, upwards
):
    uid, files = write_brain()
    send(pacs, files)
    service = build(pacs_url=f"http://127.0.0.1:{cut(orthanc.http, 1 << 30, upwards=upwards)}/dicom-web")
    service._hold = lambda trouble: service.stop()  # one attempt, without the pause
    service.store.arrived([uid])
    service.next_study()
    study = service.store.study(uid)
    assert (study.state, study.attempts) == (WAITING, 0)  # the study is not to blame
    assert "cannot be reached" in study.reason or "broke off" in study.reason
    service = build()
    work_off(service)
    assert (service.store.study(uid).state, derived(uid)) == (DONE, ONCE)


def test_a_process_that_ends_between_the_note_and_the_sending_sends_the_same_files(build, pacs, derived, write_brain):
    uid, files = write_brain()
    send(pacs, files)
    service = build()

    def killed(*_):
        raise SystemExit(137)

    service.work.delivery.pacs.store = killed
    service.store.arrived([uid])
    with pytest.raises(SystemExit):
        service.next_study()
    before = service.store.study(uid).plan
    assert before.instances == 18
    service = build()
    service.begin()
    work_off(service)
    assert (service.store.study(uid).state, derived(uid)) == (DONE, ONCE)
    assert service.store.results(uid)[0].series == before.series


def test_a_process_that_ends_after_the_sending_sends_nothing_twice(build, pacs, derived, write_brain):
    uid, files = write_brain()
    send(pacs, files)
    service = build()

    def killed(*_):
        raise SystemExit(137)

    service.store.delivered = killed
    service.store.arrived([uid])
    with pytest.raises(SystemExit):
        service.next_study()
    assert derived(uid) == ONCE
    service = build()
    service.begin()
    sent = []
    service.work.delivery.pacs.store = sent.extend
    work_off(service)
    assert (service.store.study(uid).state, derived(uid), sent) == (DONE, ONCE, [])


def test_a_study_that_fails_is_tried_again_and_then_set_aside_with_the_reason(build, pacs, derived, write_brain):
    uid, files = write_brain()
    for source in ("t1gd", "flair"):
        del files[source][2]  # a slice is missing
    send(pacs, files)
    service = build(retry_pauses=[0.05, 0.05])
    service.store.arrived([uid])
    states = []
    for _ in range(3):
        service.next_study()
        states.append((service.store.study(uid).state, service.store.study(uid).attempts))
        time.sleep(0.1)
    assert states == [(FAILED, 1), (FAILED, 2), (SET_ASIDE, 3)]
    assert "missing" in service.store.study(uid).reason
    work_off(service, uid)  # the same images again
    assert service.store.study(uid).state == SET_ASIDE
    _, whole = write_brain(uid=uid)
    send(pacs, whole)
    work_off(service, uid)
    assert (service.store.study(uid).state, derived(uid)) == (DONE, ONCE)


def test_a_pacs_that_refuses_everything_blames_no_study(build, pacs, write_brain, monkeypatch):
    uid, files = write_brain()
    send(pacs, files)
    monkeypatch.setenv("WRONG", "wrong")
    service = build(pacs_password_variable="WRONG")
    told = []
    service._hold = told.append
    service.store.arrived([uid])
    for _ in range(8):
        service.next_study()
    assert (service.store.study(uid).state, service.store.study(uid).attempts) == (WAITING, 0)
    assert "refuses the user or the password" in told[-1]


def test_an_association_that_is_refused_blames_no_study(build, orthanc, pacs, write_brain):
    uid, files = write_brain()
    send(pacs, files)
    service = build(pacs_url=f"dicom://NOBODY@127.0.0.1:{orthanc.dicom}")
    told = []
    service._hold = told.append
    service.store.arrived([uid])
    service.next_study()
    assert (service.store.study(uid).state, service.store.study(uid).attempts) == (WAITING, 0)
    assert "NOBODY@127.0.0.1" in told[0] and "refuses the association" in told[0]


def test_a_full_disk_is_told_and_begins_nothing(build, pacs, write_brain):
    uid, files = write_brain()
    send(pacs, files)
    service = build(free_mb=1e12)
    told = []
    service._hold = told.append
    service.store.arrived([uid])
    service.next_study()
    assert "is nearly full" in told[0] and "--free_mb" in told[0]
    assert service.store.study(uid).state == WAITING


@pytest.fixture
def tiny_disk(tmp_path):
    """A disk of three megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True).returncode:
        pytest.skip("this user may not mount a disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_fills_up_loses_nothing(build, pacs, derived, write_brain, tiny_disk):
    uid, files = write_brain()
    send(pacs, files)
    service = build(state_dir=str(tiny_disk / "state"), free_mb=0)
    told = []
    service._hold = told.append
    (tiny_disk / "other").write_bytes(b"x" * (shutil.disk_usage(tiny_disk).free - 300_000))
    service.store.arrived([uid])
    service.next_study()
    assert "No space left on device" in told[0]
    assert (service.store.study(uid).state, service.store.study(uid).attempts) == (WAITING, 0)
    (tiny_disk / "other").unlink()
    work_off(service)
    assert (service.store.study(uid).state, derived(uid)) == (DONE, ONCE)


def test_a_study_of_another_modality_is_left_alone(build, pacs, derived, write_brain):
    uid, files = write_brain(extra={"Modality": "CT"}, localizer=False)
    send(pacs, files)
    service = build()
    work_off(service, uid)
    assert service.store.study(uid).state == LEFT_ALONE
    assert "no images of the modalities" in service.store.study(uid).reason


def test_a_result_whose_files_were_removed_is_made_again(build, pacs, derived, write_brain, tmp_path):
    uid, files = write_brain()
    send(pacs, files)
    service = build(retry_pauses=[0])

    def refuse(*_):
        raise BadInputError("not today")

    service.work.delivery.pacs.store = refuse
    service.store.arrived([uid])
    service.next_study()
    assert service.store.study(uid).plan is not None
    shutil.rmtree(tmp_path / "state" / "results")
    service = build(retry_pauses=[0])
    work_off(service)
    assert (service.store.study(uid).state, derived(uid)) == (DONE, ONCE)


def test_rules_leave_studies_alone(build, pacs, derived, write_brain):
    uid, files = write_brain()
    send(pacs, files)
    service = build(study_descriptions=["*knee*"])
    work_off(service, uid)
    assert service.store.study(uid).state == LEFT_ALONE
    service = build(from_titles=["SCANNER1"])
    service.store.again([uid])
    work_off(service)
    assert "came from an unknown sender" in service.store.study(uid).reason
    assert derived(uid) == []


def test_what_modalities_send_is_fused_and_goes_to_the_pacs(build, pacs, derived, write_brain, free_port):
    from pynetdicom import AE
    from pynetdicom.sop_class import MRImageStorage

    service = build(listen_port=free_port, quiet_seconds=0.2, new_study=True)
    service.begin()
    uid, files = write_brain()
    scanner = AE(ae_title="SCANNER1")
    scanner.add_requested_context(MRImageStorage)
    association = scanner.associate("127.0.0.1", free_port, ae_title="FUSIONINN")
    for file in (*files["t1gd"], *files["flair"]):
        assert association.send_c_store(dcmread(file)).Status == 0
    association.release()
    # the process ends before the study was handed over
    service = build(listen_port=free_port, quiet_seconds=0.2, new_study=True)
    service.begin()
    time.sleep(0.3)
    service.receiver.hand_over()
    work_off(service)
    assert (service.store.study(uid).state, derived(uid)) == (DONE, ONCE)


def test_a_pacs_that_does_not_know_the_study_gets_nothing_unasked(build, write_brain, free_port):
    service = build(listen_port=free_port, retry_pauses=[60])
    uid, files = write_brain()
    for file in (*files["t1gd"], *files["flair"]):
        service.receiver.inbox.keep(uid, dcmread(file).SOPInstanceUID, file.read_bytes())
    work_off(service, uid)
    study = service.store.study(uid)
    assert study.state == FAILED and "has no study" in study.reason and "--new_study true" in study.reason


def test_images_that_were_removed_are_asked_for_before_anything_is_fused(build, write_brain, free_port):
    service = build(listen_port=free_port)
    uid, files = write_brain()
    inbox = service.receiver.inbox
    images = [(dcmread(file).SOPInstanceUID, file) for file in (*files["t1gd"], *files["flair"])]
    for name, file in images:
        inbox.keep(uid, name, file.read_bytes())
    inbox.purge(uid, 0)
    for name, file in images[:5] + images[6:11]:  # whole volumes, if one did not know
        inbox.keep(uid, name, file.read_bytes())
    work_off(service, uid)
    assert service.store.study(uid).state == LEFT_ALONE
    assert "2 of its images were removed after --keep_hours" in service.store.study(uid).reason


@pytest.mark.parametrize("options", [{"orthanc_url": None}, {"listen_port": 11112, "orthanc_url": "http://x:1"}])
def test_studies_come_from_one_place(build, options):
    with pytest.raises(Exception) as refused:
        build(**options)
    cause = refused.value
    while cause.__cause__ is not None:
        cause = cause.__cause__
    assert isinstance(cause, BadInputError) and "Say where studies come from" in str(cause)


def test_an_identical_result_gets_identical_uids(build):
    uids = build().work.uids
    uids.begin("key")
    first = [uids("fused"), uids("fused", None, 1), uids("estimate", "flair", 1)]
    uids.begin("another")
    assert uids("fused") not in first
    uids.begin("key")
    assert [uids("fused"), uids("fused", None, 1), uids("estimate", "flair", 1)] == first
    assert len({*first, generate_uid()}) == 4
