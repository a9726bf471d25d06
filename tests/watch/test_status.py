from __future__ import annotations

import json
import time
import urllib.error
import urllib.request

import pytest

from scripts.data.errors import BadInputError
from scripts.outputs.locked import lock_folder, unlock_folder
from scripts.watch.plan import Plan
from scripts.watch.status import HEALTH, as_page, as_text, queue_again, show_status, status
from scripts.watch.status_server import StatusServer
from scripts.watch.store import DONE, FAILED, SET_ASIDE, Store

UID = "1.2.840.99999999.1"


@pytest.fixture
def alive(store):
    """A state with studies, held by this process as if it were the service."""
    lock_folder(store.path.parent, "watch")
    store.note(HEALTH, {"time": time.time(), "alive": True, "works": True, "told": "everything works"})
    store.arrived([UID, "1.3", "1.4", "1.5"])
    store.conclude(store.take(), DONE, seconds=2.5)
    store.conclude(store.take(), FAILED, "the PACS <b>refuses</b>", attempts=2, pause=300)
    store.conclude(store.take(), SET_ASIDE, "slices are missing", attempts=5)
    yield store
    unlock_folder(store.path.parent)


def test_the_status_counts_what_is_there(alive):
    found = status(alive)
    assert found["alive"] and found["works"]
    assert found["studies"] == {"waiting": 1, "running": 0, "done": 1, "failed": 1, "set_aside": 1, "left_alone": 0}
    assert found["seconds_a_study"] == {"median": 2.5, "longest": 2.5, "of_the_last": 1}
    first, second = found["reasons"]
    assert (first["state"], first["attempts"], first["next_try_in_seconds"]) == ("failed", 2, 300)
    assert second["reason"] == "slices are missing"
    assert UID not in json.dumps(found)


def test_the_text_and_the_page_say_it(alive):
    text = as_text(status(alive))
    assert text.startswith("works: everything works")
    assert "2.5 s a study" in text and "slices are missing" in text and "Not for diagnosis" in text
    assert "the PACS &lt;b&gt;refuses" in as_page(status(alive))


def test_a_service_that_does_not_run_is_not_alive(alive, capsys):
    unlock_folder(alive.path.parent)
    with pytest.raises(BadInputError, match="the service is not running"):
        show_status(str(alive.path.parent))
    assert capsys.readouterr().out.startswith("NOT ALIVE: the service is not running")


def test_a_service_without_a_sign_of_life_is_not_alive(alive):
    alive.note(HEALTH, {"time": time.time() - 100, "alive": True, "works": True, "told": "everything works"})
    assert status(alive)["told"] == "the service gave no sign of life for 100 s"


def test_a_result_that_was_replaced_is_told(alive):
    alive.delivered(UID, Plan("study-1", "key", "used", {"fused": "1.2.3.4.5.6.7"}, 6))
    alive.delivered(UID, Plan("study-1", "key-2", "more", {"fused": "1.2.3.4.5.6.8"}, 6))
    assert status(alive, show_uids=True)["replaced"] == [{"study": UID, "series": ["1.2.3.4.5.6.7"]}]
    text = as_text(status(alive))
    assert "has a newer result; the series before it are uid-" in text and "1.2.3.4.5.6" not in text


def test_json_and_uids_on_request(alive, capsys):
    show_status(str(alive.path.parent), show_uids="true", as_json="true")
    found = json.loads(capsys.readouterr().out)
    assert {one["study"] for one in found["reasons"]} == {"1.3", "1.4"}


def test_a_supervisor_asks_over_http(alive, free_port):
    server = StatusServer(alive, free_port)
    server.start()

    def ask(path):
        with urllib.request.urlopen(f"http://127.0.0.1:{free_port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()

    try:
        assert ask("/health") == (200, "everything works\n")
        assert json.loads(ask("/status.json")[1])["studies"]["done"] == 1
        assert "FusionINN watch" in ask("/")[1]
        alive.note(HEALTH, {"time": time.time(), "alive": True, "works": False, "told": "the disk is full"})
        assert ask("/health") == (200, "the disk is full\n")  # a restart would not help
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask("/ready")
        assert (refused.value.code, refused.value.read()) == (503, b"the disk is full\n")
        with pytest.raises(BadInputError, match="--status_port"):
            StatusServer(alive, free_port)
    finally:
        server.stop()


def test_studies_are_queued_again(alive):
    folder = str(alive.path.parent)
    with pytest.raises(BadInputError, match="is no study that failed"):
        queue_again(folder, "1.5")
    queue_again(folder, "1.4")
    assert alive.study("1.4").state == "waiting"
    queue_again(folder)
    assert Store(folder, read_only=True).counts()["waiting"] == 3
