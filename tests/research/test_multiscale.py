"""The trained multiscale network of the laboratory, which may ship one day."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

import scripts
from scripts.flow import SpreadSigns
from scripts.networks.weights import load_weights
from warm_python import run_python

ROOT = Path(scripts.BUNDLE_ROOT).parent


@pytest.fixture(scope="module")
def network():
    parser = ConfigParser()
    parser.read_config([ROOT / "bundle" / "configs" / "inference.json", ROOT / "research/configs/multiscale.json"])
    return load_weights(parser.get_parsed_content("network_def"), parser.get_parsed_content("ckpt_path")).eval()


def test_its_weights_belong_to_the_network_of_its_config(network):
    assert sum(parameter.numel() for parameter in network.parameters()) == 138_949
    assert any(isinstance(step, SpreadSigns) for step in network.steps)


def test_it_is_exact_with_the_true_latent(network):
    image = torch.rand(1, 2, 61, 50, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert (network.inverse(*network(image)) - image).abs().max() <= 1e-4


def test_training_takes_the_same_network():
    parser = ConfigParser()
    layers = ["bundle/configs/train.json", "bundle/configs/crops.json", "bundle/configs/recipe.json"]
    parser.read_config([ROOT / file for file in [*layers, "research/configs/multiscale_training.json"]])
    assert parser.get_parsed_content("network_def").size_multiple == 4
    assert parser.get_parsed_content("inferer").coarse_share == 0.3


def test_the_short_commands_fuse_and_decompose_with_it(tmp_path, write_patient):
    write_patient(tmp_path / "data", "P")
    further = ["--config", str(ROOT / "research" / "configs" / "multiscale.json")]
    for words in (["fuse", "data", "out", "--overview", "false"], ["decompose", "out"]):
        run = run_python("-m", "fusioninn", *words, *further, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
        assert run.returncode == 0, run.stderr
    assert (tmp_path / "out" / "decomposed" / "P" / "P_t1gd_decomposed.nii.gz").is_file()
