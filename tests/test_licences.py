"""The document of licences is true, and nothing in it is under the GPL."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from licences import FILES, PLATFORM, installed, licence, requirements  # noqa: E402


@pytest.fixture(scope="module")
def listed() -> dict[str, str]:
    """Licence of each package in the document, by lower-case name."""
    text = (ROOT / "bundle" / "docs" / "licences.md").read_text(encoding="utf-8")
    return {
        name.lower(): words
        for name, words in re.findall(r"^\| (\S+) \| (.+?) \| (?:yes|through another) \|$", text, re.M)
    }


@pytest.mark.parametrize("file", FILES)
def test_everything_that_is_installed_is_listed_with_its_licence(listed, file):
    found = {name: licence(one) for name, one in installed(requirements(file)).items() if not name.startswith(PLATFORM)}
    assert set(map(str.lower, requirements(file))) <= set(listed)
    assert {name: words for name, words in found.items() if listed.get(name) != words} == {}


def test_none_is_under_the_gpl_and_the_lesser_ones_are_known(listed):
    copyleft = {name for name, words in listed.items() if re.search(r"GPL|General Public|Affero", words)}
    assert copyleft == {"connected-components-3d", "fastremap", "fill_voids"}
    assert all(listed[name].startswith("LGPL") for name in copyleft)
    assert not [name for name, words in listed.items() if words == "not stated"]


def test_the_bundle_names_the_decoder_under_the_gpl_as_a_choice_only():
    for file in (*FILES, "deploy/requirements.txt"):
        assert "pylibjpeg-libjpeg" not in (ROOT / file).read_text(encoding="utf-8")
