from __future__ import annotations

import pytest

from scripts.data.errors import BadInputError
from scripts.data.safe_names import check_word, file_name, is_word, name_of, safe_again, shown

ODD_NAMES = {
    ".hidden": "%2Ehidden",
    "..": "%2E%2E",
    "../../etc": "%2E.%2F..%2Fetc",
    "a/b": "a%2Fb",
    "a\\b": "a%5Cb",
    "\n": "%0A",
    " ": "%20",
    "CON": "%43ON",
    "nul.txt": "%6Eul.txt",
    "-rf": "%2Drf",
    "~root": "%7Eroot",
    "P1 ": "P1%20",
    "P1.": "P1%2E",
    "50%41": "50%2541",
    "a\x00b": "a%00b",
    "\ud800": "%ED%A0%80",
}


@pytest.mark.parametrize(("name", "safe"), ODD_NAMES.items())
def test_odd_name_becomes_a_safe_one_and_comes_back(name, safe):
    assert file_name(name) == safe
    assert name_of(safe) == name


@pytest.mark.parametrize("name", ["P1", "BraTS-GLI-00005-000", "sub-01_ses-02", "Müller 3", "100%", "a.b", "患者"])
def test_usual_name_stays_as_it_is(name):
    assert file_name(name) == name_of(name) == name


def test_different_names_never_meet():
    names = [*ODD_NAMES, *ODD_NAMES.values()]
    assert len({file_name(name) for name in names}) == len(set(names))


@pytest.mark.parametrize("name", ["", "x" * 151, "é" * 76])
def test_empty_and_overlong_names_raise(name):
    with pytest.raises(BadInputError):
        file_name(name)


@pytest.mark.parametrize("word", ["t1gd", "T2-FLAIR", "b.1000", "x", "t1_post", "a+b"])
def test_names_of_sources_are_words(word):
    assert is_word(word)
    assert check_word(word, "a source's name", "P_fused.json") == word


@pytest.mark.parametrize("word", ["", "../../x", "a/b", ".x", "-x", "x.", "a b", "a\n", "x" * 65, 3, None, ["t1"]])
def test_what_is_not_a_word_raises_and_names_the_place(word):
    with pytest.raises(BadInputError, match=r"P_fused\.json: a source's name is"):
        check_word(word, "a source's name", "P_fused.json")


def test_text_in_a_message_is_short_and_on_one_line():
    assert shown("a\nb") == "a?b"
    assert shown("x" * 100) == "x" * 60 + "…"


@pytest.mark.parametrize(
    ("name", "safe"),
    [("P1", "P1"), ("%2Ehidden", "%2Ehidden"), (".hidden", "%2Ehidden"), ("CON", "%43ON"), ("a%2Fb", "a%2Fb")],
)
def test_a_name_that_is_safe_already_stays(name, safe):
    assert safe_again(name) == safe
    assert safe_again(safe) == safe
