"""The table of flicker, of methods whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow

from fusioninn_research.flicker import FlickerTable
from scripts.command_line.plain_errors import plain_cause
from scripts.data.errors import BadInputError
from scripts.flow.latent import draw_latent
from scripts.networks import FusionINN
from scripts.networks.pixelwise import MeanFusion

CONFIGS = Path(__file__).resolve().parents[2] / "bundle" / "configs"
RESEARCH = Path(__file__).resolve().parents[2] / "research" / "configs"
SOURCES = ["t1gd", "flair"]
SHAPE = (24, 26, 6)


class Both(torch.nn.Module):
    """Fuses to the mean and takes the fused image for every source: exact where they are equal."""

    in_channels = 2

    def forward(self, image):
        return image.mean(dim=1, keepdim=True), (image[:, :1] - image[:, 1:]) / 2

    def inverse(self, fused, latent):
        return torch.cat((fused + latent, fused - latent), dim=1)

    def decompose(self, fused, kind="normal", seed=0):
        return self.inverse(fused, draw_latent(fused, 1, kind, seed))


@pytest.fixture
def patient(tmp_path, write_patient):
    """One contrast twice, each slice brighter than the one below; a pixel of each is brightest."""
    volume = np.zeros(SHAPE)
    texture = np.random.default_rng(0).integers(200, 400, (20, 20))
    volume[2:22, 3:23] = texture[..., None] + 60 * np.arange(SHAPE[2])
    return write_patient(tmp_path / "data", "P1", shape=SHAPE, t1ce=volume, flair=2 * volume)


def measure(patient, methods, tmp_path, **settings):
    report = FlickerTable([patient], SOURCES, methods, str(tmp_path / "out"), **settings)
    return {row["method"]: row for row in report.measure(report.load(patient))}


def test_a_range_for_each_slice_flickers_and_one_for_the_volume_does_not(patient, tmp_path):
    methods = {mode: {"network": Both(), "normalisation": mode} for mode in ("slice", "volume")}
    rows = measure(patient, methods, tmp_path, dtype="float32")
    assert rows["volume"]["fused_flicker"] == pytest.approx(0, abs=2e-3)
    assert rows["slice"]["fused_flicker"] > 10 * rows["volume"]["fused_flicker"]
    assert rows["slice"]["fused_jitter"] > 10 * rows["volume"]["fused_jitter"]
    for row in rows.values():
        # both sources are one image, so that it comes back; a slice's range leads back to its own units
        for source in SOURCES:
            assert row[f"decomposed_{source}_flicker"] == pytest.approx(0, abs=1e-5)
            assert row[f"decomposed_{source}_slice"] == pytest.approx(1, abs=1e-5)
            # 60 of the range, 1.0 being 99.9 % of the way to the brightest voxel
            assert row[f"{source}_jitter"] == pytest.approx(60 / 700, rel=0.03)
        assert row["fused_slice"] == pytest.approx(row["mean_slice"], abs=1e-5)
        assert row["seconds"] > 0


def test_a_method_that_cannot_decompose_has_no_such_figures(patient, tmp_path):
    (row,) = measure(patient, {"mean": {"network": MeanFusion(), "normalisation": "volume"}}, tmp_path).values()
    assert not [column for column in row if "decomposed" in column]
    assert row["fused_flicker"] < 2 / 255


def test_an_unknown_normalisation_is_told(patient, tmp_path):
    with pytest.raises(BadInputError, match="the normalisation of mean is 'patient', expected one of slice, volume"):
        measure(patient, {"mean": {"network": MeanFusion(), "normalisation": "patient"}}, tmp_path)


class TestCommand:
    @pytest.fixture
    def run(self, patient, tmp_path, process_as_it_was, monkeypatch):
        """Return a function that does what the command does, with untrained weights."""
        monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")
        for dims in (2, 3):
            torch.save(FusionINN(dims, blocks=3, hidden_channels=4).state_dict(), tmp_path / f"{dims}d.pt")

        def run(**settings):
            given = {
                "dataset_dir": str(tmp_path / "data"),
                "output_dir": str(tmp_path / "out"),
                "ckpt_path": str(tmp_path / "2d.pt"),
                "network_def#blocks": 3,
                "network_def#hidden_channels": 4,
                "blocks_3d": 3,
                "hidden_channels_3d": 4,
                "device": "cpu",
            }
            files = [str(CONFIGS / "evaluate.json"), str(RESEARCH / "flicker.json")]
            workflow = ConfigWorkflow(files, workflow_type="infer", logging_file=False, **given | settings)
            workflow.initialize()
            workflow.run()

        return run

    def test_networks_of_slices_and_of_volumes_stand_in_one_table(self, run, tmp_path):
        run(ckpt_path_3d=str(tmp_path / "3d.pt"))
        text = (tmp_path / "out" / "flicker.md").read_text()
        assert "Not for diagnosis" in text
        assert "Decomposed images are estimates" in text
        lines = [line for line in text.splitlines() if line.startswith("| three-dimensional")]
        assert len(lines) == 2
        # an untrained network fuses to the mean; the volume's range does not flicker beyond rounding
        figures = [float(cell) for cell in lines[1].split("|")[2:-1]]
        assert figures[0] < 0.005
        assert len((tmp_path / "out" / "flicker.csv").read_text().splitlines()) == 1 + 5

    def test_weights_that_are_missing_are_asked_for(self, run):
        with pytest.raises(Exception) as raised:
            run()
        assert "has weights, and none were given" in str(plain_cause(raised.value))
