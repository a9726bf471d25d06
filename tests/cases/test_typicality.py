"""A word beside the fusion about sources unlike the training data, by the command."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow

from scripts.cases.typicality import WithTypicality
from scripts.networks.weights import fingerprint

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"
EXAMPLE = BUNDLE / "example" / "phantom-01"
INFERENCE = str(BUNDLE / "configs" / "inference.json")


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """Return the file that ships, marked for the weights that ship should they have been trained again since."""
    content = json.loads((BUNDLE / "models" / "typicality.json").read_text())
    content["checkpoint_sha256"] = fingerprint(BUNDLE / "models" / "model.pt")
    path = tmp_path_factory.mktemp("typicality") / "typicality.json"
    path.write_text(json.dumps(content))
    return path


def fuse(data: Path, out: Path, **settings: str) -> dict:
    """Fuse phantom-01 by the command and return its sidecar."""
    workflow = ConfigWorkflow(
        INFERENCE,
        workflow_type="infer",
        logging_file=False,
        dataset_dir=str(data),
        output_dir=str(out),
        overview="false",
        device="cpu",
        **settings,
    )
    workflow.initialize()
    workflow.run()
    return json.loads((out / "phantom-01" / "phantom-01_fused.json").read_text())


@pytest.fixture
def phantom(tmp_path) -> Path:
    """Return a folder with the phantom, and its partner with the two files exchanged."""
    for folder, names in (("right", ("t1ce", "flair")), ("swapped", ("flair", "t1ce"))):
        (tmp_path / folder / "phantom-01").mkdir(parents=True)
        for name, source in zip(names, ("t1ce", "flair"), strict=True):
            target = tmp_path / folder / "phantom-01" / f"phantom-01_{name}.nii.gz"
            shutil.copyfile(EXAMPLE / f"phantom-01_{source}.nii.gz", target)
    return tmp_path


def test_the_phantom_and_the_phantom_with_its_sources_swapped(phantom, file, caplog):
    right = fuse(phantom / "right", phantom / "out", typicality_file=str(file))["Typicality"]
    with caplog.at_level(logging.WARNING):
        swapped = fuse(phantom / "swapped", phantom / "out", typicality_file=str(file))["Typicality"]
    assert right["Slices"] == swapped["Slices"]
    assert right["OrderRatio"] < 1 < swapped["OrderRatio"]
    assert swapped["OrderRatio"] == pytest.approx(1 / right["OrderRatio"], rel=0.05)
    assert swapped["Unusual"]
    assert "phantom-01 looks unlike the training data" in caplog.text
    assert (phantom / "out" / "phantom-01" / "phantom-01_fused.nii.gz").is_file()


def test_it_can_be_left_out(phantom, file):
    assert "Typicality" not in fuse(phantom / "right", phantom / "out", typicality_file=str(file), typicality="false")


def test_weights_of_which_it_is_not_known_are_used_all_the_same(network, tmp_path, caplog):
    torch.save(network.state_dict(), tmp_path / "model.pt")
    path = str(BUNDLE / "models" / "typicality.json")
    apply = WithTypicality(lambda _, data: {"fused": data["image"]}, path, str(tmp_path / "model.pt"))
    assert "belongs to other weights" in caplog.text
    image = np.zeros((2, 4, 4, 2))
    assert list(apply(network, {"patient": "P", "image": image})) == ["fused"]


def test_what_cannot_be_scored_is_logged_and_used_all_the_same(network, file, caplog):
    apply = WithTypicality(lambda _, data: {}, str(file), str(BUNDLE / "models" / "model.pt"))
    black = {"patient": "P", "image": torch.zeros(2, 4, 4, 2), "intensity_scale": {"slice_axis": 2}}
    assert apply(network, black) == {}
    assert "P: typicality cannot be computed: no slice shows anything" in caplog.text
