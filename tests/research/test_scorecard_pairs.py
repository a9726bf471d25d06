"""Unseen pairs of small patients and pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fusioninn_research.scorecard_pairs import SYNTHETIC, UnseenPairs
from scripts.data.errors import BadInputError
from scripts.networks import FusionINN

KINDS = {"CT-MRI": ["CT", "MRI"]}


@pytest.fixture
def network():
    return FusionINN(hidden_channels=4).eval()


@pytest.fixture
def patients(tmp_path, write_patient):
    """Two patients with four contrasts."""
    y, x, z = np.mgrid[:24, :26, :3] / 25
    inside = ((x - 0.5) ** 2 + (y - 0.45) ** 2 < 0.17) & (z >= 0)
    for name, shift in (("P1", 0), ("P2", 2)):
        contrasts = {
            key: inside * (300 + 100 * np.sin(turns * x + shift) * np.cos(5 * y))
            for key, turns in (("t1ce", 9), ("t1", 7), ("t2", 11), ("flair", 5))
        }
        write_patient(tmp_path / "open", name, **contrasts)
    return tmp_path / "open"


@pytest.fixture
def pictures(tmp_path):
    """One pair of pictures, one of them coloured."""
    grey = np.random.default_rng(0).integers(0, 255, (24, 20), dtype=np.uint8)
    for source, levels in (("MRI", grey), ("CT", np.stack([grey, grey // 2, grey // 4], axis=-1))):
        path = tmp_path / "harvard" / "CT-MRI" / source / "7.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(levels).save(path)
    return tmp_path / "harvard"


def test_all_kinds_are_measured_pictures_in_both_orders(network, patients, pictures):
    pairs = UnseenPairs(
        network, str(patients), [["t1gd", "t2"], ["t1", "flair"]], ["t2", "flair"], str(pictures), KINDS, slice_step=2
    )
    rows = pairs()
    counts = {}
    for row in rows:
        counts[row["kind"]] = counts.get(row["kind"], 0) + 1
    assert counts == {"T1-Gd + T2": 4, "T1 + FLAIR": 4, SYNTHETIC: 4, "CT + MRI": 1, "MRI + CT": 1}
    assert {row["patient"] for row in rows} == {"P1", "P2", "7"}
    assert pairs.left_out == []
    for row in rows:
        assert 0 < row["decomposed_first_slice"] <= 1
        assert row["roundtrip_error"] < 1e-4
        # an untrained network fuses to the mean
        assert row["fused_slice"] == pytest.approx(row["mean_slice"], abs=0.01)


def test_what_is_not_given_is_left_out_and_said(network, patients):
    nothing = UnseenPairs(network)
    assert nothing() == []
    assert len(nothing.left_out) == 2
    some = UnseenPairs(network, str(patients), [["t1", "t2"]])
    assert {case.kind for case in some.cases} == {"T1 + T2"}
    assert some.left_out == ["pictures of other machines, as no --pictures_dir was given"]


def test_what_is_missing_is_told_at_once(network, patients, pictures, tmp_path):
    with pytest.raises(BadInputError, match="does not exist"):
        UnseenPairs(network, str(tmp_path / "none"), [["t1", "t2"]])
    with pytest.warns(UserWarning, match="adc image is missing"), pytest.raises(BadInputError, match="can be used"):
        UnseenPairs(network, str(patients), [["t1", "adc"]])
    with pytest.raises(BadInputError, match="'t1' is no pair of contrasts"):
        UnseenPairs(network, str(patients), ["t1"])
    (pictures / "CT-MRI" / "CT" / "7.png").rename(pictures / "CT-MRI" / "CT" / "8.png")
    with pytest.raises(BadInputError):
        UnseenPairs(network, pictures_dir=str(pictures), kinds=KINDS)


def test_a_case_that_cannot_be_measured_is_named(network, pictures):
    pairs = UnseenPairs(network, pictures_dir=str(pictures), kinds=KINDS, min_brain_fraction=1.5)
    with pytest.raises(BadInputError, match=r"CT \+ MRI: 7 has no slice with brain"):
        pairs()
