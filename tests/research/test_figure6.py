"""Other modalities, drawn from real files."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fusioninn_research.figure6 import OtherModalities
from scripts.data.errors import BadInputError
from scripts.networks import FusionINN


@pytest.fixture
def patients(tmp_path, write_patient):
    """Two patients with a lesion and one without a segmentation."""
    seg = np.zeros((40, 48, 8))
    seg[24:30, 26:32, 3] = 1
    seg[24:33, 26:35, 5] = 2
    seg[8:10, 8:10, 5] = 1
    volume = np.random.default_rng(0).integers(0, 400, (40, 48, 8))
    for name in ("A", "B", "C"):
        write_patient(tmp_path / "data", name, t2=volume, **({} if name == "A" else {"seg": seg}))
    return str(tmp_path / "data")


def figure(dataset_dir, output_dir, pairs=(("t1gd", "t2"), ("t2", "flair")), **settings):
    return OtherModalities(dataset_dir, str(output_dir), pairs, FusionINN(hidden_channels=4), **settings)


def test_each_pair_has_a_row_of_a_patient_with_a_lesion(tmp_path, patients):
    drawn = figure(patients, tmp_path / "out", zoom_size=(16, 20))
    drawn()
    picture = np.asarray(Image.open(tmp_path / "out" / "figure6.png").convert("RGB")).astype(int)
    for colour in ((255, 59, 48), (52, 199, 89)):
        assert (np.abs(picture - colour).max(axis=-1) < 40).sum() > 200

    rows = [drawn.row(drawn._patient(i, pair), pair) for i, pair in enumerate(drawn.pairs)]
    assert [row.label.split("\n")[:2] for row in rows] == [["B", "slice 6"], ["C", "slice 6"]]
    for row in rows:
        assert row.outline.sum() == 9 * 9 + 2 * 2
        # The box holds the larger of the two lesions in the slice.
        assert row.outline[row.box].sum() >= 9 * 9
        assert len(row.panels) == 5
        assert all(panel.picture.min() >= 0 and panel.picture.max() <= 1 for panel in row.panels)


def test_patients_can_be_named(tmp_path, patients):
    drawn = figure(patients, tmp_path, patients=["C", "B"])
    assert [drawn._patient(i, ("t1gd", "t2"))["patient"] for i in range(2)] == ["C", "B"]
    with pytest.raises(BadInputError, match="no patient A with t1gd and t2 and a segmentation.*B, C"):
        figure(patients, tmp_path, patients=["A", "B"])()
    with pytest.raises(BadInputError, match="names 1 for 2 rows"):
        figure(patients, tmp_path, patients=["B"])


@pytest.mark.parametrize("pairs", [[], ["t1", "t2"], [["t1", "t2", "flair"]]])
def test_pairs_that_are_none_are_told(tmp_path, patients, pairs):
    with pytest.raises(BadInputError, match="expected a list of 2 modalities"):
        figure(patients, tmp_path, pairs)


def test_a_data_set_without_segmentations_is_told(tmp_path, write_patient):
    write_patient(tmp_path / "bare", "A")
    with pytest.raises(BadInputError, match="has a segmentation"):
        figure(str(tmp_path / "bare"), tmp_path, [["t1gd", "flair"]])()
    with pytest.raises(BadInputError, match="dataset_dir is missing"):
        figure(None, tmp_path)
