"""One key selects the runtime, and the results stay the same."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow

import scripts
from scripts.data.errors import BadInputError
from scripts.networks import FusionINN, MeanFusion
from scripts.runtimes import RUNTIMES, ExportedNetwork, load_runtime

CONFIGS = Path(scripts.BUNDLE_ROOT) / "configs"
SMALL = {"network_def#blocks": 2, "network_def#hidden_channels": 4, "network_def#latent_scale": 0.5}


@pytest.fixture
def command(process_as_it_was, monkeypatch):
    """Return a function that does in this process what a command does."""
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")

    def run(config: str, **settings: object) -> None:
        workflow = ConfigWorkflow(
            str(CONFIGS / f"{config}.json"),
            workflow_type="infer",
            logging_file=False,
            **{**SMALL, "overview": "false", "device": "cpu", **settings},
        )
        workflow.initialize()
        workflow.run()

    return run


def volumes(folder: Path) -> dict[str, np.ndarray]:
    files = sorted(folder.rglob("*.nii.gz"))
    return {path.name: np.asarray(nib.load(path).dataobj, dtype=np.float64) for path in files}


@pytest.mark.parametrize("runtime", RUNTIMES[1:])
def test_fused_decomposed_and_mapped_files_are_those_of_torch(runtime, command, exported_for, write_patient, tmp_path):
    folder = exported_for(runtime)
    write_patient(tmp_path / "data", "P1", shape=(25, 28, 4))
    common = {"ckpt_path": str(folder / "model.pt"), "exported_dir": str(folder)}
    for name in ("torch", runtime):
        fused, back = str(tmp_path / name / "fused"), str(tmp_path / name / "back")
        command(
            "inference",
            dataset_dir=str(tmp_path / "data"),
            output_dir=fused,
            runtime=name,
            contribution="true",
            **common,
        )
        command("decompose", dataset_dir=fused, output_dir=back, runtime=name, **common)
    expected, found = volumes(tmp_path / "torch"), volumes(tmp_path / runtime)
    assert found.keys() == expected.keys()
    assert "P1_fused.nii.gz" in found
    assert "P1_flair_contribution.nii.gz" in found
    for name, values in expected.items():
        assert np.abs(found[name] - values).max() <= 1e-3 * max(np.abs(values).max(), 1e-9), name


def test_the_configs_give_the_network_itself_unless_told_otherwise():
    for config in ("inference", "decompose"):
        parser = ConfigParser()
        parser.read_config(str(CONFIGS / f"{config}.json"))
        assert parser["runtime"] == "torch"


class TestLoadRuntime:
    def test_torch_is_the_network_in_evaluation(self, torch_exports):
        network = FusionINN(blocks=2, hidden_channels=4, latent_scale=0.5)
        assert load_runtime("torch", network, torch_exports / "model.pt", "nowhere") is network
        assert not network.training

    def test_another_is_an_export_in_its_place(self, opened):
        assert isinstance(opened("torchscript"), ExportedNetwork)

    def test_an_unknown_one_is_refused_with_those_that_there_are(self):
        with pytest.raises(BadInputError, match="runtime is 'tflite', expected one of torch, torchscript, onnx"):
            load_runtime("tflite", FusionINN(), "model.pt", "nowhere")

    def test_a_method_that_is_not_exported_is_refused(self):
        with pytest.raises(BadInputError, match="MeanFusion is not exported"):
            load_runtime("torchscript", MeanFusion(), None, "nowhere")

    def test_weights_that_were_not_exported_are_refused(self, torch_exports, tmp_path):
        network = FusionINN(blocks=2, hidden_channels=4, latent_scale=0.5)
        torch.save(network.state_dict(), tmp_path / "model.pt")
        with pytest.raises(BadInputError, match=r"model\.ts contains other weights"):
            load_runtime("torchscript", network, tmp_path / "model.pt", torch_exports)
