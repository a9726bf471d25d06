"""Following a real Orthanc."""

from __future__ import annotations

import time

import pytest

from pacs_fixtures import PASSWORD, USER
from scripts.data.errors import BadInputError
from scripts.pacs.attempts import Attempts
from scripts.pacs.errors import PacsError

pytest.importorskip("dicomweb_client", reason="no dicomweb_client: pip install -r requirements-clinic.txt")
pytest.importorskip("pynetdicom", reason="no pynetdicom: pip install -r requirements-clinic.txt")

from scripts.watch.orthanc_changes import OrthancChanges


@pytest.fixture
def follow(store, orthanc):
    """Return a function that follows the test's Orthanc."""

    def make(url=None, user=USER, password=PASSWORD, **options):
        address = url or f"http://127.0.0.1:{orthanc.http}"
        return OrthancChanges(store, address, user, password, attempts=Attempts(2, 0.1), timeout=10, **options)

    return make


@pytest.fixture
def quiet(orthanc):
    """Wait until the studies of other tests are stable."""
    time.sleep(3)


def until_stable(changes, uid, seconds=30.0):
    """Follow until a study became stable."""
    deadline = time.monotonic() + seconds
    while changes.store.study(uid) is None and time.monotonic() < deadline:
        changes.follow()
        time.sleep(0.3)


def test_a_study_is_taken_once_it_is_stable(quiet, follow, store, orthanc, write_brain):
    changes = follow()
    assert changes.follow() == 0
    uid, files = write_brain(localizer=False)
    orthanc.connect("dicomweb").send([*files["t1gd"], *files["flair"]], new_study=True)
    until_stable(changes, uid)
    assert store.take().uid == uid
    assert store.take() is None
    assert changes.follow() == 0
    assert store.unsettled() == []


def test_what_happened_while_nobody_followed_is_not_lost(quiet, follow, store, orthanc, write_brain):
    follow().follow()
    uid, files = write_brain(localizer=False)
    orthanc.connect("dicomweb").send(files["t1gd"], new_study=True)
    time.sleep(3)
    changes = follow()
    until_stable(changes, uid)
    assert store.take().uid == uid


def test_studies_that_are_there_already_are_taken_on_request_only(quiet, follow, store, orthanc, write_brain):
    uid, files = write_brain(localizer=False)
    orthanc.connect("dicomweb").send(files["t1gd"], new_study=True)
    time.sleep(3)
    assert follow().follow() == 0
    store._connection.execute("DELETE FROM positions")
    assert follow(backlog=True).follow() >= 1
    assert uid in [study.uid for study in store.studies("waiting")]


def test_a_study_that_was_never_announced_as_stable_is_asked_for(quiet, follow, store, orthanc, write_brain):
    changes = follow(settle_seconds=0.5)
    changes.follow()
    uid, files = write_brain(localizer=False)
    orthanc.connect("dicomweb").send(files["t1gd"], new_study=True)
    time.sleep(3)
    # as if Orthanc had restarted before it could announce the study
    store.follow(changes.url, changes._number(changes._ask("changes?last"), "Last"), [], [uid])
    assert changes.follow() == 0
    time.sleep(0.6)
    assert changes.follow() == 1
    assert (store.take().uid, store.unsettled()) == (uid, [])


def test_a_new_database_is_followed_from_its_beginning(follow, store, orthanc, caplog):
    changes = follow()
    store.follow(changes.url, 10**9)
    changes.follow()
    assert "its database was replaced" in caplog.text
    assert store.position(changes.url) < 10**9


def test_the_sender_of_a_study_is_known(follow, orthanc, write_brain):
    changes = follow()
    web, files = write_brain(localizer=False)
    orthanc.connect("dicomweb").send(files["t1gd"], new_study=True)
    assert changes.titles(web) == []
    uid, files = write_brain(localizer=False)
    orthanc.connect("c-get").send(files["t1gd"], new_study=True)
    assert changes.titles(uid) == ["FUSIONINN"]


def test_a_wrong_password_and_a_wrong_address_are_told(follow, orthanc):
    with pytest.raises(PacsError, match=r"refuses the user or the password \(HTTP 401\)"):
        follow(password="wrong").follow()
    with pytest.raises(PacsError, match="--orthanc_url"):
        follow(f"http://127.0.0.1:{orthanc.http}/dicom-web").follow()
    with pytest.raises(PacsError, match="cannot be reached") as down:
        follow("http://127.0.0.1:9").follow()
    assert down.value.temporary


@pytest.mark.parametrize(
    "url", ["pacs.example", "dicom://A@b:1", "http://u:hunter2@pacs.example", "http://x/?hunter2", "http://[x"]
)
def test_an_address_that_is_none_or_holds_a_password_is_refused(store, url):
    with pytest.raises(BadInputError, match="--orthanc_url must be") as refused:
        OrthancChanges(store, url)
    assert "hunter2" not in str(refused.value)
