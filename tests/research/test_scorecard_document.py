"""The document says what was measured, and what was not."""

from __future__ import annotations

import pytest

from fusioninn_research.scorecard_document import ranked_patients, scorecard_markdown
from fusioninn_research.scorecard_figures import Figures
from fusioninn_research.scorecard_goals import Goal

SOURCES = ["t1gd", "flair"]
ABOUT = {
    "data": "lgg",
    "checkpoint_sha256": "abc123",
    "slice_step": 4,
    "min_brain_fraction": 0.1,
    "normalisation": "slice",
    "latent": "zeros",
    "seed": 5,
    "draws": 10,
}
GOALS = [
    Goal("good", "≥ 1", "1.0", True),
    Goal("bad", "≥ 1", "0.9", False),
    Goal("unknown", "≥ 1", "–", None),
    Goal("alone", "above others", "0.9", None),
]


@pytest.fixture
def figures():
    return Figures(
        {
            "patient": name,
            "decomposed_t1gd_brain": score,
            "decomposed_flair_brain": score - 0.02,
            "gain_up_t1gd_brain": score - 0.0003,
        }
        for name, score in (("A", 0.95), ("B", 0.97), ("C", 0.91), ("A", 0.97))
    )


def written(figures, unseen=None, left_out=(), remarks=()):
    return scorecard_markdown(GOALS, figures, SOURCES, unseen or {}, {}, ABOUT, left_out, remarks)


def test_it_says_what_of_whom_and_how(figures):
    text = written(figures, left_out=["the ceiling"], remarks=["**Others.**"])
    assert text.startswith("# Scorecard\n\nFor research use only. Not for diagnosis")
    assert "SHA-256 `abc123`" in text
    assert "Data: lgg; 3 patient(s), 4 slice(s) (slice_step 4" in text
    assert "Seed of latents and noise: 5." in text
    assert "Left out: the ceiling." in text
    assert "**Others.**" in text
    assert "## Unseen pairs" not in text


def test_answers_are_yes_no_and_not_known(figures):
    text = written(figures)
    assert "**1 of 2 measured goals are met.**" in text
    assert "| good | ≥ 1 | 1.0 | yes |" in text
    assert "| bad | ≥ 1 | 0.9 | **no** |" in text
    assert "| unknown | ≥ 1 | – | not measured |" in text
    assert "| alone | above others | 0.9 | not judged |" in text


def test_disturbed_figures_come_with_their_difference(figures):
    assert "| gain of +2% | – | 0.9497 (−0.0003) |" in written(figures)


def test_patients_are_ranked_by_their_own_mean_over_sources(figures):
    ranked = ranked_patients(figures, SOURCES)
    assert [name for name, _ in ranked.values()] == ["C", "A", "B"]
    assert ranked["median"][1] == pytest.approx(0.95)
    assert "| worst | C | 1 | 0.9000 |" in written(figures)
    assert ranked_patients(Figures([]), SOURCES) == {}


def test_unseen_pairs_name_their_worst_case(figures):
    found = Figures(
        {"patient": name, "decomposed_first_brain": score, "decomposed_second_brain": score, "roundtrip_error": 2e-6}
        for name, score in (("7", 0.9), ("8", 0.8))
    )
    text = written(figures, {"DWI + ADC (synthetic)": found})
    assert "8 (0.8000) | 2.0e-06 |" in text
    assert "The diffusion pair is **synthetic**" in text
