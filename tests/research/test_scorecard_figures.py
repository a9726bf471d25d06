"""Means, spreads and bands of small tables."""

from __future__ import annotations

import pytest

from fusioninn_research.scorecard_figures import Figures
from scripts.data.errors import BadInputError
from scripts.outputs.tables import write_csv

ROWS = [
    {"patient": "01", "slice": 3, "q": 1.0, "lesion": None},
    {"patient": "01", "slice": 4, "q": 0.0, "lesion": 0.25},
    {"patient": "02", "slice": 3, "q": 0.8, "lesion": None},
]


def test_slices_and_patients_count_equally_each_in_their_own_mean():
    spread = Figures(ROWS).spread("q")
    assert spread.slices == pytest.approx(0.6)
    assert spread.patients == pytest.approx((0.5 + 0.8) / 2)
    assert spread.deviation == pytest.approx(0.3 / 2**0.5)


def test_what_is_not_known_counts_nowhere():
    figures = Figures(ROWS)
    assert figures.mean("lesion") == 0.25
    assert figures.by_patient("lesion") == {"01": 0.25}
    assert len(figures.known("lesion").rows) == 1
    assert figures.spread("nothing") == (None, None, None)
    assert figures.largest("nothing") is None
    assert figures.difference("q", "nothing") is None
    assert figures.difference("q", "lesion") == pytest.approx(0.35)


def test_a_written_table_is_read_as_it_was(tmp_path):
    write_csv(tmp_path / "slices.csv", ROWS)
    read = Figures.read(tmp_path / "slices.csv")
    assert read.rows == ROWS
    # a name is no number
    assert list(read.patients) == ["01", "02"]


def test_a_missing_table_is_told(tmp_path):
    with pytest.raises(BadInputError, match=r"slices\.csv is no table of figures by slice"):
        Figures.read(tmp_path / "slices.csv")


def test_bands_are_pooled_by_energy_and_brain_and_compared_with_the_larger_source():
    def row(patient, brain, fused, first, second):
        energies = {"fused": fused, "first": first, "second": second}
        return {
            "patient": patient,
            "brain_fraction": brain,
            **{f"{name}_haar_{band}": value for name, value in energies.items() for band in ("HL", "LH", "HH")},
        }

    figures = Figures([row("A", 0.1, 3.0, 1.0, 2.0), row("A", 0.3, 1.0, 1.0, 2.0), row("B", 0.2, 2.0, 4.0, 1.0)])
    pooled = ((0.1 * 9 + 0.3 * 1) / 0.4) ** 0.5
    assert figures.bands("fused")["HH"] == pytest.approx({"A": pooled, "B": 2.0})
    assert figures.band_ratios("fused", ["first", "second"])["LH"] == pytest.approx({"A": pooled / 2, "B": 0.5})


def test_sources_without_detail_give_no_ratio():
    bands = {f"{name}_haar_{band}": 0.0 for name in ("fused", "first") for band in ("HL", "LH", "HH")}
    figures = Figures([{"patient": "A", "brain_fraction": 0.1, **bands}])
    assert figures.bands("fused")["HL"] == {"A": 0.0}
    assert figures.band_ratios("fused", ["first"])["HL"] == {}
