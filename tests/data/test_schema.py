"""Messages about content that does not match its schema."""

from __future__ import annotations

import pytest

from scripts.data.errors import BadInputError
from scripts.data.schema import check_schema, read_record

SCHEMA = {
    "type": "object",
    "description": "an object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "format": "word", "description": "a name such as 't1gd'"},
        "file": {"type": "string", "format": "file-name", "description": "a file in the same folder"},
        "count": {"type": "integer", "minimum": 0, "description": "a whole number from 0 on"},
        "rows": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
    },
}


def test_what_fits_comes_back():
    content = {"name": "t1gd", "file": "a b.nii.gz", "count": 3, "rows": [[1, 2.5]], "more": None}
    assert check_schema(content, SCHEMA, "x") is content


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([], r"a\.json holds \[\], expected an object\. Repair"),
        ({}, r'a\.json has no key "name"\. Repair'),
        ({"name": "../x"}, r"a\.json: \"name\" is '\.\./x', expected a name such as 't1gd'"),
        ({"name": "a\n"}, "expected a name"),
        *(({"name": "a", "file": name}, "same folder") for name in ("../x", "a/b", "a\\b", "..", "", "a\0", "n" * 256)),
        ({"name": "a", "count": 2.0}, r'"count" is 2\.0, expected a whole number from 0 on'),
        ({"name": "a", "count": True}, '"count" is True, expected a whole number'),
        ({"name": "a", "count": -1}, '"count" is -1, expected a whole number'),
        ({"name": "a", "rows": [[1], [2, "3"]]}, r"\"rows\[1\]\[1\]\" is '3'"),
    ],
)
def test_what_does_not_fit_is_named(content, told):
    with pytest.raises(BadInputError, match=told):
        check_schema(content, SCHEMA, "a.json", "Repair it.")


def test_a_file_is_read_and_checked(tmp_path):
    (tmp_path / "a.json").write_text('{"name": 5}')
    with pytest.raises(BadInputError, match='a.json: "name" is 5'):
        read_record(tmp_path / "a.json", SCHEMA)
