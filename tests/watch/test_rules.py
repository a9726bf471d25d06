from __future__ import annotations

import pytest

from scripts.data.errors import BadInputError
from scripts.watch.rules import Rules


def test_without_rules_every_study_is_fused():
    assert Rules().refusal("MR head", []) is None


def test_a_description_must_match_one_pattern():
    rules = Rules(study_descriptions=["*brain*", "MR HEAD"])
    assert rules.refusal("mr head") is None
    assert rules.refusal("MR Brain with contrast") is None
    assert "matches none of --study_descriptions" in rules.refusal("MR knee")
    assert "matches none of --study_descriptions" in rules.refusal("")


def test_a_description_can_be_left_out():
    assert '"*follow*" of --leave_out_descriptions' in Rules(leave_out_descriptions=["*follow*"]).refusal("Follow-up")


def test_the_sender_counts_where_it_is_known():
    rules = Rules(from_titles=["SCANNER1"])
    assert rules.refusal("MR head", ["SCANNER1", "OTHER"]) is None
    assert rules.refusal("MR head", None) is None
    assert "came from OTHER, which --from_titles does not name" in rules.refusal("MR head", ["OTHER"])


def test_a_name_in_the_description_is_not_shown():
    assert "Miller" not in Rules(study_descriptions=["x"]).refusal("MR head Miller")


@pytest.mark.parametrize("value", ["*brain*", [""], [3]])
def test_a_rule_is_a_list_of_texts(value):
    with pytest.raises(BadInputError, match="--study_descriptions is"):
        Rules(study_descriptions=value)
