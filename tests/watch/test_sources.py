from __future__ import annotations

from pathlib import Path

import pytest

from scripts.command_line.begin import check
from scripts.command_line.call import Call
from scripts.data.errors import BadInputError
from scripts.watch.sources import check_origin

CONFIGS = Path(__file__).resolve().parents[2] / "bundle" / "configs"
WATCH = [str(CONFIGS / f"{name}.json") for name in ("inference", "study", "pacs", "watch")]


@pytest.mark.parametrize(("orthanc_url", "listen_port"), [(None, None), ("http://x:1", 11112)])
def test_studies_come_from_one_place(orthanc_url, listen_port):
    with pytest.raises(BadInputError, match="Say where studies come from: --orthanc_url .* or --listen_port"):
        check_origin(orthanc_url, listen_port)
    check_origin("http://x:1", None)
    check_origin(None, 11112)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"orthanc_url": "http://x:1", "listen_title": "OURS"}, "--listen_title has no effect without --listen_port"),
        ({"listen_port": 11112, "backlog": True}, "--backlog has no effect without --orthanc_url"),
        ({"orthanc_url": "http://x:1", "status_host": "0.0.0.0"}, "--status_host has no effect without --status_port"),
        ({"orthanc_url": "http://x:1", "dataset_dir": "DIR"}, "--dataset_dir has no effect"),
        ({"orthanc_url": "http://x:1", "study_uid": "1.2.3"}, "--study_uid has no effect"),
        ({"orthanc_url": "http://x:1", "output_dir": "OUT"}, "--output_dir has no effect"),
        ({"orthanc_url": "http://u:secret@x:1"}, "--orthanc_url contains a user or a password"),
    ],
)
def test_an_option_without_effect_is_refused(options, message):
    with pytest.raises(BadInputError, match=message) as refused:
        check(Call.of({"config_file": WATCH, "pacs_url": "https://pacs.example/rs", **options}))
    assert "secret" not in str(refused.value)


def test_the_options_of_both_places_are_known():
    here = {"config_file": WATCH, "pacs_url": "https://pacs.example/rs"}
    check(Call.of({**here, "orthanc_url": "http://x:1", "backlog": True, "poll_seconds": 1, "from_titles": ["A"]}))
    check(Call.of({**here, "listen_port": 11112, "listen_certificate": "a.pem", "keep_hours": 1, "flair": "9"}))
