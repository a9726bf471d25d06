"""Every method of the paper's comparison runs from its own config."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from fusioninn_research.config_paths import config_path, method_config
from scripts.networks.weights import load_weights
from warm_python import run_python

LEARNING = ("deepfuse", "funfusean", "half_unet", "unet", "unet_plus_plus", "unet3_plus")
WITHOUT_WEIGHTS = ("mean", "max", "ceiling")
# a few crops of the phantom, one epoch
TINY = {"width": 4, "image_size": [32, 32], "batch_size": 16, "epochs": 1, "validation_fraction": 0}
FUSION = {"loss", "fusion", "fusion_l2", "fused_ssim_t1gd", "fused_ssim_flair"}


pytestmark = pytest.mark.usefixtures("process_as_it_was")


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """Slices of the phantom, read once for all methods."""
    return tmp_path_factory.mktemp("cache")


def layers(method: str) -> list[str]:
    """The configs of the small budget, in their order."""
    names = ("train.json", "research/fusion_only.json", method_config(method), "crops.json", "research/small.json")
    return [config_path(name) for name in names]


def declared(method: str) -> dict:
    """The content of a method's file."""
    return json.loads(Path(config_path(method_config(method))).read_text())


def network(method: str, **settings) -> torch.nn.Module:
    """Return what a method's file declares."""
    parser = ConfigParser()
    parser.read_config([config_path("train.json"), config_path(method_config(method))])
    for key, value in settings.items():
        parser[key] = value
    return parser.get_parsed_content("network_def")


@pytest.mark.parametrize("method", LEARNING)
def test_a_method_trains_on_crops_and_its_weights_load(method, cache, tmp_path):
    output = tmp_path / "run"
    given = TINY | {"device": "$torch.device('cpu')", "output_dir": str(output), "cache_dir": str(cache)}
    workflow = ConfigWorkflow(layers(method), logging_file=False, workflow_type="train", **given)
    workflow.initialize()
    workflow.run()
    workflow.finalize()
    events = EventAccumulator(str(output)).Reload()
    assert {name.removesuffix("/train") for name in events.Tags()["scalars"]} == FUSION | {"learning_rate"}
    assert 0 < events.Scalars("loss/train")[0].value < 2
    assert events.Tags()["images"] == ["panel/sources-fused"]
    loaded = load_weights(network(method, width=4), output / "model.pt")
    with torch.no_grad():
        fused = loaded(torch.rand(1, 2, 37, 30))
    assert fused.shape == (1, 1, 37, 30)
    assert fused.isfinite().all()


def test_one_is_trained_by_a_command(cache, tmp_path):
    given = TINY | {"output_dir": tmp_path / "run", "cache_dir": cache}
    options = [item for key, value in given.items() for item in (f"--{key}", str(value).replace(" ", ""))]
    line = ["-m", "monai.bundle", "run", "training", "--config_file", str(layers("half_unet"))]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", "CUDA_VISIBLE_DEVICES": ""}
    done = run_python(*line, *options, env=environment)
    assert done.returncode == 0, done.stderr
    (told,) = (text for text in done.stdout.splitlines() if " - epoch 1/1" in text)
    assert "fused SSIM" in told
    assert "decomposed" not in told
    assert (tmp_path / "run" / "model.pt").is_file()


@pytest.mark.parametrize("method", WITHOUT_WEIGHTS)
def test_a_method_without_weights_fuses_as_it_is(method):
    image = torch.rand(2, 2, 20, 17)
    fused = load_weights(network(method, ceiling_steps=2), None)(image)
    assert fused.shape == (2, 1, 20, 17)
    assert fused.min() >= 0
    assert fused.max() <= 1


@pytest.mark.parametrize("method", LEARNING + WITHOUT_WEIGHTS)
def test_a_method_s_file_holds_only_what_differs(method):
    content = declared(method)
    assert set(content) <= {"network_def", "ckpt_path", "width", "ceiling_steps"}
    assert content["ckpt_path"] is None


@pytest.mark.parametrize("method", ["half_unet", "unet", "unet_plus_plus", "unet3_plus"])
def test_the_small_budget_narrows_the_networks_that_have_a_width(method):
    parser = ConfigParser()
    parser.read_config(layers(method))
    assert parser["width"] == 16
    assert declared(method)["width"] == 64
