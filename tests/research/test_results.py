"""Means and spreads over patients and seeds, with known answers."""

from __future__ import annotations

import pytest

from fusioninn_research.results import RowResult, read_patients


def test_patients_are_means_of_their_seeds():
    result = RowResult.of({0: {"A": {"Q": 1.0}, "B": {"Q": 3.0}}, 1: {"A": {"Q": 2.0}, "B": {"Q": 6.0}}})
    assert result.by_patient("Q").to_dict() == {"A": 1.5, "B": 4.5}
    spread = result.spread("Q")
    assert spread.mean == 3.0
    assert spread.patients == pytest.approx(3 / 2**0.5)
    assert spread.seeds == pytest.approx(2 / 2**0.5)


def test_one_seed_has_no_spread_over_seeds_and_one_patient_none_over_patients():
    spread = RowResult.of({0: {"A": {"Q": 1.0}}}).spread("Q")
    assert (spread.mean, spread.patients, spread.seeds) == (1.0, None, None)


def test_a_gap_has_no_figure():
    assert RowResult(gap="not run").spread("Q") is None
    assert RowResult.of({0: {"A": {"Q": 1.0}}}).spread("decomposed") is None


def test_empty_cells_are_no_figures(tmp_path):
    (tmp_path / "patients.csv").write_text("patient,slices,Q,lesion\nA,3,0.5,\nB,4,0.25,0.125\n")
    found = RowResult.of({0: read_patients(tmp_path)})
    assert found.by_patient("Q").to_dict() == {"A": 0.5, "B": 0.25}
    assert found.by_patient("lesion").to_dict() == {"B": 0.125}


def test_patients_whose_names_are_numbers_keep_their_zeros(tmp_path):
    (tmp_path / "patients.csv").write_text("patient,Q\n001,0.5\n")
    assert list(read_patients(tmp_path).index) == ["001"]


def test_a_share_is_of_the_same_patient():
    result = RowResult.of({0: {"A": {"Q": 1.0}, "B": {"Q": 3.0}, "C": {"Q": 1.0}}})
    of = RowResult.of({0: {"A": {"Q": 2.0}, "B": {"Q": 4.0}, "C": {"Q": 0.0}}}).by_patient("Q")
    assert result.with_share("Q", of).by_patient("Q_share").to_dict() == {"A": 0.5, "B": 0.75}
