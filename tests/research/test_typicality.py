"""The typicality report, of small patients and pictures."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from PIL import Image

from fusioninn_research.typicality import TypicalityReport
from fusioninn_research.unusual import UNUSUAL
from scripts.data.errors import BadInputError
from scripts.networks import FusionINN
from scripts.typicality.fit_reference import FitReference

STATISTICS = ["rank_correlation", "edges", "latent_energy"]


@pytest.fixture
def data(tmp_path, write_patient) -> Path:
    """Three patients to fit to, with T2, one unseen, and a pair of pictures."""
    for i, folder in enumerate(("fitted", "fitted", "fitted", "unseen")):
        generator = np.random.default_rng(i)
        record = write_patient(tmp_path / folder, f"P{i}")
        shown = {source: np.asarray(nib.load(record[source]).dataobj) for source in ("t1gd", "flair")}
        noisy = {
            key: shown[source] + generator.integers(0, 150, shown[source].shape) * (shown[source] > 0)
            for key, source in (("t1ce", "t1gd"), ("flair", "flair"), ("t2", "flair"))
        }
        write_patient(tmp_path / folder, f"P{i}", **noisy)
    for source in ("CT", "MRI"):
        path = tmp_path / "pictures" / "CT-MRI" / source / "1.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(np.random.default_rng(len(source)).integers(0, 255, (24, 20), dtype=np.uint8)).save(path)
    return tmp_path


@pytest.fixture
def settings(data) -> dict:
    torch.save(FusionINN(hidden_channels=4).state_dict(), data / "model.pt")
    common = {"network": FusionINN(hidden_channels=4).eval(), "ckpt_path": str(data / "model.pt")}
    fit = FitReference(
        dataset_dir=str(data / "fitted"),
        output=str(data / "typicality.json"),
        sources=["t1gd", "flair"],
        statistics=STATISTICS,
        order_statistics=["rim_1", "rim_2"],
        slices=1,
        false_alarm_rate=0.1,
        **common,
    )
    fit()
    return {
        "dataset_dir": str(data / "unseen"),
        "fitted_dir": str(data / "fitted"),
        "pictures_dir": str(data / "pictures"),
        "contrasts": [["t1gd", "t2"]],
        "kinds": {"CT-MRI": ["CT", "MRI"]},
        "every": 1,
        "candidates": {"edges": ["edges"]},
        "output_dir": str(data / "out"),
        "typicality_file": str(data / "typicality.json"),
        "fit": fit,
        **common,
    }


def test_every_kind_is_scored_by_every_candidate_and_not_measured_again(data, settings, monkeypatch):
    TypicalityReport(**settings)()
    content = json.loads((data / "out" / "typicality.json").read_text())
    kinds = {(row["group"], row["kind"]): row for row in content["kinds"]}
    assert {kind for group, kind in kinds if group == "unseen patients"} == {"usual", *UNUSUAL}
    assert kinds["patients of the fit, left out", "t1gd + t2"]["cases"] == 3
    assert kinds["pictures", "CT + MRI"]["cases"] == kinds["pictures", "MRI + CT"]["cases"] == 1
    assert set(kinds["unseen patients", "swapped"]["area"]) == {"-log p", "score in use", "edges"}
    assert "| unseen patients: noise alone | 1 |" in (data / "out" / "typicality.md").read_text()
    assert Image.open(data / "out" / "typicality.png").width > 500

    measured = []
    monkeypatch.setattr(settings["fit"], "measure", lambda *args: measured.append(args))
    TypicalityReport(**settings)()
    assert measured == []
    assert json.loads((data / "out" / "typicality.json").read_text()) == content


def test_what_is_missing_is_told(data, settings):
    for key in ("dataset_dir", "fitted_dir"):
        with pytest.raises(BadInputError, match=f"{key} is missing"):
            TypicalityReport(**{**settings, key: None})
    with pytest.raises(BadInputError, match="lacks P0, P1, P2, to whom the reference was fitted"):
        TypicalityReport(**{**settings, "fitted_dir": str(data / "unseen")})()
    other = data / "other.pt"
    torch.save({}, other)
    with pytest.raises(BadInputError, match="belongs to other weights"):
        TypicalityReport(**{**settings, "ckpt_path": str(other)})
