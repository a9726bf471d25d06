"""Lesions, enlarged, drawn from real files."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fusioninn_research.lesion_figure import LesionFigure
from scripts.data.errors import BadInputError
from scripts.networks import FusionINN


@pytest.fixture
def patients(tmp_path, write_patient):
    """A patient with a lesion and one without."""
    seg = np.zeros((40, 48, 8))
    seg[20:33, 22:35, 5] = 2
    write_patient(tmp_path / "data", "A_1", seg=seg)
    write_patient(tmp_path / "data", "B", seg=np.zeros((40, 48, 8)))
    return str(tmp_path / "data")


def figure(dataset_dir, output_dir, patients):
    networks = {"before": FusionINN(blocks=3, hidden_channels=4), "now": FusionINN(hidden_channels=4)}
    return LesionFigure(dataset_dir, str(output_dir), ("t1gd", "flair"), networks, patients, side=16)


def test_sources_mean_and_each_network_are_shown_in_the_lesion(tmp_path, patients):
    drawn = figure(patients, tmp_path, ["A_1"])
    row = drawn.row("A_1")
    assert row.label == "A\n1\nslice 6"
    assert [panel.picture.shape for panel in row.panels] == [(64, 64)] * 5
    # Fresh networks fuse to the mean of the logits, which is close to the mean of the sources.
    mean, before, now = (panel.picture for panel in row.panels[2:])
    assert np.abs(before - mean).mean() < 0.1
    assert np.allclose(before, now, atol=1e-3)
    assert row.panels[2].caption.startswith("fused ") and "estimates" in row.panels[4].caption
    drawn()
    with Image.open(tmp_path / "lesions.png") as picture:
        assert picture.width == 1500


@pytest.mark.parametrize(("name", "message"), [("B", "B has no lesion"), ("C", "There is no patient C")])
def test_who_cannot_be_shown_is_named(tmp_path, patients, name, message):
    with pytest.raises(BadInputError, match=message):
        figure(patients, tmp_path, [name])()
