"""Strict reading of JSON of unknown origin."""

from __future__ import annotations

import pytest

from scripts.data import strict_json
from scripts.data.errors import BadInputError
from scripts.data.strict_json import parse_json, read_json


def test_plain_json_is_read_as_it_is(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": [1, 2.5, -0.0, true, null, "ä"]}', encoding="utf-8")
    assert read_json(path) == {"a": [1, 2.5, 0.0, True, None, "ä"]}
    path.write_bytes(b"\xef\xbb\xbf[1]")  # as some editors save it
    assert read_json(path) == [1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "cannot be read as JSON"),
        ('{"a": 1', "cannot be read as JSON"),
        ('{"a": 1, "a": 2}', "the key 'a' occurs twice"),
        ('{"x": {"a": 1, "a": 1}}', "the key 'a' occurs twice"),
        ("[NaN]", "NaN is not a number"),
        ("[-Infinity]", "-Infinity is not a number"),
        ("[1e999]", "the number 1e999 is too large"),
        (f"[{'9' * 5000}]", "the number 9+… is too large"),
        ("[9223372036854775808]", "the number 9223372036854775808 is too large"),
        ("[" * 33 + "]" * 33, "nested too deeply"),
        ("[" * 100_000, "nested too deeply"),
        ('["\\ud800"]', "cannot be read as JSON"),
        (b"\xff\xfe[\x001\x00]\x00", "not UTF-8 text"),
    ],
)
def test_what_is_not_a_record_is_refused(text, told):
    with pytest.raises(BadInputError, match=f"a.json .*{told}.* Try again."):
        parse_json(text, "a.json", "Try again.")


def test_a_missing_file_a_folder_and_a_huge_file_are_refused(tmp_path, monkeypatch):
    with pytest.raises(BadInputError, match="does not exist"):
        read_json(tmp_path / "none.json")
    with pytest.raises(BadInputError, match="cannot be read .File name too long"):
        read_json(tmp_path / ("n" * 300))
    with pytest.raises(BadInputError, match="is not a file"):
        read_json(tmp_path)
    (tmp_path / "a.json").write_text("[1, 2]")
    monkeypatch.setattr(strict_json, "SIZE_LIMIT", 5)
    with pytest.raises(BadInputError, match="has 6 bytes, more than the limit of 5 for a JSON file"):
        read_json(tmp_path / "a.json")
