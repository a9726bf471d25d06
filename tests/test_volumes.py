"""Training in three dimensions, and what such weights make of a patient: the commands, on small real files."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow

from scripts.inferers.slicewise import fuse_volume
from scripts.networks import FusionINN
from scripts.networks.weights import load_weights
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd

CONFIGS = Path(__file__).resolve().parent.parent / "bundle" / "configs"
TRAINING = ("train", "methods/fusioninn_3d", "crops", "augmentation", "volumes")
SHAPE = (24, 28, 14)
SMALL = {"hidden_channels": 4, "device": "cpu"}

pytestmark = pytest.mark.usefixtures("process_as_it_was")


def run(configs, kind, **settings):
    """Do in this process what the command does."""
    files = [str(CONFIGS / f"{name}.json") for name in configs]
    given = {key: str(value) if isinstance(value, Path) else value for key, value in (SMALL | settings).items()}
    workflow = ConfigWorkflow(files, workflow_type=kind, logging_file=False, **given)
    workflow.initialize()
    workflow.run()
    workflow.finalize()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("volumes")


@pytest.fixture
def patients(folder, write_patient):
    """Three patients; slices of the last lie along the first axis."""
    if not (folder / "data").exists():
        for i in range(2):
            write_patient(folder / "data", f"P{i}", shape=SHAPE)
        write_patient(folder / "data", "P2", shape=(14, 24, 28), affine=np.diag([3.0, 1.0, 1.0, 1.0]))
    return folder / "data"


@pytest.fixture
def trained(folder, patients):
    """Folder of a run of one epoch."""
    output = folder / "run"
    if not output.exists():
        small = {"image_size": [16, 16, 12], "epochs": 1, "repeats": 2, "validation_fraction": 0.34}
        run(TRAINING, "train", dataset_dir=patients, output_dir=output, **small)
    return output


@pytest.fixture
def commands(trained, patients, monkeypatch):
    """Return a function that runs a command with the weights of that run."""
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")

    def command(name, **settings):
        given = {"dataset_dir": patients, "ckpt_path": trained / "model.pt"} | settings
        run([name, "methods/fusioninn_3d"], "infer", **given)

    return command


def test_a_run_leaves_weights_of_a_network_in_three_dimensions(trained):
    network = load_weights(FusionINN(3, hidden_channels=4, blocks=4), trained / "model.pt")
    assert all(parameter.isfinite().all() for parameter in network.parameters())
    start = FusionINN(3, hidden_channels=4, blocks=4)
    assert any(not torch.equal(a, b) for a, b in zip(network.parameters(), start.parameters(), strict=True))


def test_a_patient_is_fused_as_one_volume_and_decomposed_from_the_file(commands, trained, patients, folder):
    out, back = folder / "fused", folder / "back"
    commands("inference", output_dir=out, overview="false", typicality="false")
    commands("decompose", dataset_dir=out, output_dir=back, overview="false")
    network = load_weights(FusionINN(3, hidden_channels=4, blocks=4), trained / "model.pt")
    for name in ("P0", "P2"):
        files = {suffix: str(patients / name / f"{name}_{suffix}.nii.gz") for suffix in ("t1ce", "flair")}
        record = {"patient": name, "t1gd": files["t1ce"], "flair": files["flair"]}
        data = NormalizeSourcesd("volume")(LoadSourcesd()(record))
        axis = data["intensity_scale"]["slice_axis"]
        assert axis == (0 if name == "P2" else 2)
        expected = fuse_volume(network, data["image"].as_tensor(), axis)[0].clamp(0, 1)[0]
        (path,) = out.glob(f"{name}/{name}_fused.nii.gz")
        stored = np.asarray(nib.load(path).dataobj, dtype=np.float32)
        scale = 65535 if stored.max() > 1 else 1
        assert np.abs(stored / scale - expected.numpy()).max() <= 0.51 / 65535 + 1e-5
        assert len(list((back / name).glob("*_decomposed.nii.gz"))) == 2


def test_without_a_loss_when_the_latent_is_kept(commands, patients, folder):
    out = folder / "lossless"
    commands("inference", output_dir=out, overview="false", typicality="false", lossless="true")
    commands("decompose", dataset_dir=out, output_dir=out / "back", overview="false", lossless="true")
    restored = sorted((out / "back" / "P2").glob("*.nii.gz"))
    assert len(restored) == 2
    for path in restored:
        suffix = "t1ce" if "t1" in path.name else "flair"
        source = nib.load(patients / "P2" / f"P2_{suffix}.nii.gz")
        assert np.array_equal(np.asarray(nib.load(path).dataobj), np.asarray(source.dataobj))


def test_its_slices_are_measured(commands, folder):
    commands("evaluate", output_dir=folder / "tables", metrics="false", slice_step=3)
    summary = json.loads((folder / "tables" / "summary.json").read_text())
    assert summary["patients"] == 3
    assert summary["settings"]["normalisation"] == "volume"
    assert summary["largest_roundtrip_error"] < 1e-3
    assert summary["mean_over_slices"]["decomposed_t1gd_brain"] > 0.3
