from __future__ import annotations

import pytest

from scripts.phantom.tissues import TISSUES, flair_signal, t1gd_signal


def relative_to_white_matter(signal):
    return {name: signal(tissue) / signal(TISSUES["white_matter"]) for name, tissue in TISSUES.items()}


def test_every_tissue_has_a_number_of_its_own():
    assert sorted(tissue.label for tissue in TISSUES.values()) == list(range(1, len(TISSUES) + 1))


def test_t1gd_orders_the_tissues_as_a_radiologist_expects():
    t1gd = relative_to_white_matter(t1gd_signal)
    assert t1gd["csf"] < t1gd["necrosis"] < t1gd["grey_matter"] < 1.0 < t1gd["enhancing_tumour"] < t1gd["vessel"]
    assert t1gd["oedema"] < t1gd["grey_matter"]


def test_flair_orders_the_tissues_as_a_radiologist_expects():
    flair = relative_to_white_matter(flair_signal)
    assert flair["csf"] < 0.15
    assert flair["vessel"] < 0.3
    assert 1.1 < flair["grey_matter"] < 1.4
    assert flair["oedema"] > 1.1 * flair["grey_matter"]


def test_grey_to_white_contrast_is_that_of_3_tesla():
    assert relative_to_white_matter(t1gd_signal)["grey_matter"] == pytest.approx(0.74, abs=0.06)
