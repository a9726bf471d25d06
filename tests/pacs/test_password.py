from __future__ import annotations

import os
import sys

import pytest

from scripts.data.errors import BadInputError
from scripts.pacs.password import read_password


def test_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_TEST", "correct horse")
    assert read_password("SECRET_OF_THE_TEST", None) == "correct horse"


def test_comes_from_the_first_line_of_a_file_before_the_environment(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("SECRET_OF_THE_TEST", "other")
    file = tmp_path / "secret"
    file.write_text("correct horse\r\nsecond line\n")
    file.chmod(0o600)
    assert read_password("SECRET_OF_THE_TEST", file) == "correct horse"
    assert caplog.text == ""


@pytest.mark.skipif(sys.platform == "win32", reason="no such permissions")
def test_a_file_that_others_may_read_is_told_of(tmp_path, caplog):
    file = tmp_path / "secret"
    file.write_text("correct horse")
    file.chmod(0o644)
    read_password(None, file)
    assert "chmod 600" in caplog.text and "horse" not in caplog.text


def test_there_may_be_none(monkeypatch):
    monkeypatch.delenv("SECRET_OF_THE_TEST", raising=False)
    assert read_password("SECRET_OF_THE_TEST", None) is None
    assert read_password(None, None) is None


@pytest.mark.parametrize("content", [None, "", "\nbelow"])
def test_a_file_without_one_is_refused(tmp_path, content):
    file = tmp_path / "secret"
    if content is not None:
        file.write_text(content)
    with pytest.raises(BadInputError, match="--pacs_password_file|is empty"):
        read_password("PATH" if "PATH" in os.environ else None, file)
