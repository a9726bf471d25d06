"""The report on unseen kinds of pictures, of small ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow
from PIL import Image

from fusioninn_research.out_of_distribution import OutOfDistribution
from scripts.command_line.plain_errors import plain_cause
from scripts.data.errors import BadInputError
from scripts.networks import FusionINN

CONFIGS = Path(__file__).resolve().parents[2] / "bundle" / "configs"
RESEARCH = Path(__file__).resolve().parents[2] / "research" / "configs"
KINDS = {"PET-MRI": ["PET", "MRI"]}


@pytest.fixture
def data(tmp_path):
    """Two pairs of a grey and a coloured picture of 24 x 20 pixels."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:24, :20] / 24
    for source in KINDS["PET-MRI"]:
        (tmp_path / "data" / "PET-MRI" / source).mkdir(parents=True)
    for name in ("1", "2"):
        grey = 200 * y + 40 * rng.random((24, 20))
        amount = np.exp(-8 * ((x - 0.4) ** 2 + (y - 0.5) ** 2))
        colour = 255 * np.stack([amount, amount**3, 0 * x], axis=-1)
        for source, levels in (("MRI", grey), ("PET", colour)):
            path = tmp_path / "data" / "PET-MRI" / source / f"{name}.png"
            Image.fromarray(levels.astype(np.uint8)).save(path)
    return tmp_path / "data"


@pytest.fixture
def weights(tmp_path):
    """Weights of an untrained network, which fuses and decomposes like the mean."""
    path = tmp_path / "model.pt"
    torch.save(FusionINN(hidden_channels=4).state_dict(), path)
    return path


def report(data, output_dir, weights, **settings):
    network = FusionINN(hidden_channels=4)
    network.load_state_dict(torch.load(weights, weights_only=True))
    return OutOfDistribution(data, KINDS, output_dir, network.eval(), str(weights), overview=False, **settings)


def test_every_pair_is_measured_in_both_orders_grey_and_in_colour(tmp_path, data, weights):
    out = tmp_path / "out"
    report(data, out, weights)()
    summary = json.loads((out / "summary.json").read_text())
    groups = {(group["first"], group["stored"]): group for group in summary["groups"]}
    assert sorted(groups) == [("MRI", "colour"), ("MRI", "grey"), ("PET", "colour"), ("PET", "grey")]
    assert {group["pairs"] for group in groups.values()} == {2}
    assert len((out / "pairs.csv").read_text().splitlines()) == 1 + 2 * 2 * 2
    assert (out / "pictures" / "PET-MRI" / "PET-MRI" / "colour" / "1_fused.png").is_file()
    for group in groups.values():
        assert group["worst_pair"] in ("1", "2")
        assert group["mean"]["inverse_error"] < 1e-5
        # An untrained network gives the mean of the sources.
        assert group["mean"]["network_Q_SSIM"] == pytest.approx(group["mean"]["mean_Q_SSIM"], abs=0.01)
    # What the picture carries of the colour does not depend on how well its luminance comes back.
    colour = groups["PET", "colour"]["mean"]
    assert 0 < colour["carried_colour_levels"] < colour["colour_levels"]
    assert "colour_levels" not in groups["PET", "grey"]["mean"]
    text = (out / "tables.md").read_text()
    assert "| PET-MRI | network, PET first |" in text
    assert "### Colour" in text


def test_what_is_measured_is_not_measured_again(tmp_path, data, weights, monkeypatch):
    report(data, tmp_path / "out", weights)()
    first = (tmp_path / "out" / "summary.json").read_bytes()

    again = report(data, tmp_path / "out", weights)
    measured = []
    measure = again.measure
    monkeypatch.setattr(again, "measure", lambda *args: measured.append(args) or measure(*args))
    again()
    assert measured == []
    assert (tmp_path / "out" / "summary.json").read_bytes() == first

    (tmp_path / "out" / "pairs" / "PET-MRI" / "PET-MRI" / "2.json").write_text("{half")
    again()
    assert len(measured) == 1
    assert (tmp_path / "out" / "summary.json").read_bytes() == first


def test_other_settings_are_measured_anew(tmp_path, data, weights):
    report(data, tmp_path / "out", weights)()
    first = (tmp_path / "out" / "summary.json").read_text()
    report(data, tmp_path / "out", weights, latent="ones")()
    assert (tmp_path / "out" / "summary.json").read_text() != first


def test_a_missing_partner_is_told(tmp_path, data, weights):
    (data / "PET-MRI" / "PET" / "2.png").unlink()
    with pytest.raises(BadInputError, match=r"PET-MRI: the picture 2 is missing"):
        report(data, tmp_path / "out", weights)()


def test_a_missing_data_set_is_told(tmp_path, weights):
    with pytest.raises(BadInputError, match="dataset_dir is missing"):
        report(None, tmp_path / "out", weights)
    with pytest.raises(BadInputError, match="does not exist"):
        report(tmp_path / "none", tmp_path / "out", weights)()


def test_the_command_tells_what_it_wants(tmp_path, monkeypatch):
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")
    files = [str(CONFIGS / "fuse_pictures.json"), str(RESEARCH / "out_of_distribution.json")]
    workflow = ConfigWorkflow(files, workflow_type="infer", logging_file=False, output_dir=str(tmp_path), device="cpu")
    workflow.initialize()
    with pytest.raises(Exception) as raised:
        workflow.run()
    assert "CT-MRI, PET-MRI, SPECT-MRI" in str(plain_cause(raised.value))
