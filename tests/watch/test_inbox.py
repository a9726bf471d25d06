from __future__ import annotations

import errno
import os

import pytest

from scripts.watch.inbox import Inbox, is_uid


@pytest.fixture
def inbox(tmp_path):
    return Inbox(tmp_path / "received")


def test_an_image_is_kept_whole_and_for_its_owner_only(inbox):
    assert inbox.keep("1.2", "1.2.3", b"image")
    file = inbox.folder_of("1.2") / "1.2.3.dcm"
    assert file.read_bytes() == b"image"
    assert file.stat().st_mode & 0o077 == 0
    assert (inbox.studies(), inbox.images("1.2")) == (["1.2"], {"1.2.3"})


def test_the_first_image_of_a_uid_is_kept(inbox):
    assert inbox.keep("1.2", "1.2.3", b"image")
    assert inbox.keep("1.2", "1.2.3", b"image")
    assert not inbox.keep("1.2", "1.2.3", b"other")
    assert (inbox.folder_of("1.2") / "1.2.3.dcm").read_bytes() == b"image"


def test_what_a_killed_process_left_in_part_is_removed(inbox):
    inbox.keep("1.2", "1.2.3", b"image")
    (inbox.folder_of("1.2") / "1.2.4-1.part").write_bytes(b"im")
    again = Inbox(inbox.folder)
    assert [path.name for path in again.folder_of("1.2").iterdir()] == ["1.2.3.dcm"]


def test_a_full_disk_leaves_nothing_of_an_image(inbox, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        inbox.keep("1.2", "1.2.3", b"image")
    assert list(inbox.folder.rglob("*.*")) in ([], [inbox.folder_of("1.2")])
    assert inbox.images("1.2") == set()


def test_images_are_removed_after_some_hours_and_what_was_removed_is_known(inbox):
    inbox.keep("1.2", "1.2.3", b"image")
    inbox.keep("1.2", "1.2.4", b"image")
    assert not inbox.purge("1.2", 1)
    for file in inbox.folder_of("1.2").iterdir():
        os.utime(file, (0, 0))
    assert inbox.purge("1.2", 1)
    assert (inbox.images("1.2"), inbox.removed("1.2")) == (set(), {"1.2.3", "1.2.4"})
    assert not inbox.purge("1.2", 1)
    inbox.keep("1.2", "1.2.4", b"image")
    assert inbox.removed("1.2") == {"1.2.3"}


@pytest.mark.parametrize("text", ["", "..", "1..2", "../1.2", "1.2/3", "1.2\n", "1." * 40 + "1", "a.b"])
def test_only_a_uid_names_a_file(text):
    assert not is_uid(text)
    assert is_uid("1.2.840.113619")
