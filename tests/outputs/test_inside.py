"""Results stay in the output folder."""

from __future__ import annotations

import pytest

from scripts.data.errors import BadInputError
from scripts.outputs.inside import folder_inside


def test_a_plain_name_is_a_folder_inside(tmp_path):
    assert folder_inside(tmp_path, "P1") == tmp_path / "P1"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/x", "../x", "a\0"])
def test_other_names_are_refused(tmp_path, name):
    with pytest.raises(BadInputError, match="would be outside"):
        folder_inside(tmp_path, name)


def test_a_link_may_lead_elsewhere_in_the_folder_only(tmp_path):
    out = tmp_path / "out"
    (out / "P1").mkdir(parents=True)
    (out / "same").symlink_to(out / "P1")
    assert folder_inside(out, "same") == out / "same"
    (out / "P2").symlink_to(tmp_path)
    with pytest.raises(BadInputError, match="is a link to"):
        folder_inside(out, "P2")
    # the output folder itself may be a link
    (tmp_path / "link").symlink_to(out)
    assert folder_inside(tmp_path / "link", "P1") == tmp_path / "link" / "P1"
