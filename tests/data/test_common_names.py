"""Names with the same distinguishing parts belong together."""

from __future__ import annotations

from scripts.data.common_names import CommonNames, pair_names


def test_what_all_names_of_a_folder_share_does_not_count():
    fused = CommonNames(["slice_01_v2_CDDFuse", "slice_02_v2_CDDFuse"])
    assert fused.matches("slice_02_v2_CDDFuse", CommonNames(["ct1", "ct2", "ct20"])) == ["ct2"]


def test_a_word_with_a_number_inside_is_one_word():
    assert CommonNames(["img1_U2Net"]).matches("img1_U2Net", CommonNames(["img1", "img2"])) == ["img1"]


def test_a_mask_is_not_the_partner_of_its_image():
    assert CommonNames(["1", "2"]).matches("1", CommonNames(["1_mask", "2"])) == []


def test_every_match_is_returned_where_there_are_several():
    assert CommonNames(["x1"]).matches("x1", CommonNames(["1", "01"])) == ["1", "01"]


def test_pairs_are_one_to_one():
    assert pair_names([["ct_1", "ct_2"], ["mr_02", "mr_1"]]) == [("ct_1", "mr_1"), ("ct_2", "mr_02")]
    assert pair_names([["a1", "a01"], ["b1"]]) == []
    assert pair_names([[], ["b1"]]) == []


def test_ten_thousand_names_are_matched_at_once():
    names = [f"img{number:05d}" for number in range(10_000)]
    assert len(pair_names([[f"{name}_fused" for name in names], names])) == 10_000
