from __future__ import annotations

import logging

import pytest

from scripts.data.hidden import Identity, hide_in_messages, short_name, short_uid, shown_message


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Musterfrau is late", "[hidden] is late"),
        ("musterfrauerika.nii", "[hidden][hidden].nii"),
        ("series of Ann, see Annalen", "series of [hidden], see Annalen"),
        ("2 slices and H2 tubes", "2 slices and H2 tubes"),
    ],
)
def test_values_are_hidden_long_ones_within_words_as_well(text, shown):
    assert Identity(["Musterfrau", "Erika", "Ann", "H2"]).hide(text) == shown


def test_names_of_files_are_replaced_unless_every_word_in_them_is_known():
    identity = Identity(names=["Smith scan", "IM_0001.dcm", "x-ray77.dcm"], roots={"/a/Smith scan": "--dataset_dir"})
    text = "/a/Smith scan/IM_0001.dcm beside x-ray77.dcm."
    assert identity.hide(text) == f"--dataset_dir/IM_0001.dcm beside {short_name('x-ray77.dcm')}."


def test_uids_are_shortened_but_for_those_of_the_standard():
    text = "1.2.826.0.1.3680043.8.498.1 and 2.25.7777777 of class 1.2.840.10008.5.1.4.1.1.4"
    expected = f"{short_uid('1.2.826.0.1.3680043.8.498.1')} and {short_uid('2.25.7777777')} of class"
    assert Identity().hide(text) == f"{expected} 1.2.840.10008.5.1.4.1.1.4"


def test_every_logger_hides_even_in_tracebacks(caplog):
    hide_in_messages(Identity(["Musterfrau"]))
    try:
        raise ValueError("Musterfrau")
    except ValueError:
        logging.getLogger("other.library").exception("%s failed", "Musterfrau")
    assert (
        "Musterfrau" not in caplog.text and "[hidden] failed" in caplog.text and "ValueError: [hidden]" in caplog.text
    )
    assert shown_message("of Musterfrau") == "of [hidden]"
    hide_in_messages(Identity())
    assert shown_message("of Musterfrau") == "of Musterfrau"
