"""The configs agree with each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from monai.bundle import ConfigParser

CONFIGS = Path(__file__).parents[1] / "bundle" / "configs"


def read(name: str) -> dict:
    return json.loads((CONFIGS / f"{name}.json").read_text())


@pytest.mark.parametrize("name", ["inference", "decompose", "evaluate"])
def test_what_training_makes_fits_without_further_settings(name: str) -> None:
    assert read(name)["network_def"] == read("train")["network_def"]


def test_the_paper_s_network_is_available_by_name() -> None:
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / "train.json"), str(CONFIGS / "paper.json")])
    network = parser.get_parsed_content("network_def")
    kinds = [type(step).__name__ for step in network.steps]
    assert kinds == [
        "AffineCoupling",
        "ChannelPermutation",
        "SpaceToDepth",
        "AffineCoupling",
        "ChannelPermutation",
        "DepthToSpace",
        "AffineCoupling",
    ]
    assert sum(parameter.numel() for parameter in network.parameters()) == 17560


def test_the_paper_s_training_settings_are_the_defaults() -> None:
    train = read("train")
    assert (train["learning_rate"], train["batch_size"], train["epochs"]) == (3e-4, 64, 400)
    assert (train["lr_factor"], train["lr_patience"]) == (0.95, 8)
    assert (train["alpha"], train["lam"]) == (0.5, 0.8)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.json")), ids=lambda path: path.stem)
def test_a_config_holds_no_path_of_one_machine(path: Path) -> None:
    text = path.read_text()
    assert '"/' not in text
    assert "'/home" not in text


def test_a_download_is_asked_for_by_a_key_and_not_repeated(tmp_path: Path) -> None:
    task = tmp_path / "Task01_BrainTumour"
    task.mkdir()
    description = {
        "modality": {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
        "training": [{"image": "./imagesTr/BRATS_001.nii.gz", "label": "./labelsTr/BRATS_001.nii.gz"}],
    }
    (task / "dataset.json").write_text(json.dumps(description))
    (task / "imagesTr").mkdir()
    (task / "imagesTr" / "BRATS_001.nii.gz").write_bytes(b"")
    parser = ConfigParser()
    parser.read_config(str(CONFIGS / "train.json"))
    parser["dataset_dir"], parser["download"] = str(tmp_path), "true"
    (patient,) = parser.get_parsed_content("patients")
    assert patient["patient"] == "BRATS_001"
    assert patient["channels"] == {"t1gd": 2, "flair": 0}
