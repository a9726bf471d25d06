"""The configs agree with each other."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from pydoc import locate
from typing import Any

import pytest
import torch
from monai.bundle import ComponentLocator, ConfigParser

from fusioninn_research.cells import cells_of
from fusioninn_research.config_paths import config_path, method_config

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "bundle" / "configs"
RESEARCH = ROOT / "research" / "configs"
METHODS = sorted(path.stem for folder in (CONFIGS, RESEARCH) for path in (folder / "methods").glob("*.json"))
# Below a folder that another key names is fine.
MACHINE_PATH = re.compile(r"""(?<!\+ )["'](/|~|[A-Z]:)""")

every_config = pytest.mark.parametrize(
    "path",
    [*sorted(CONFIGS.rglob("*.json")), *sorted(RESEARCH.rglob("*.json"))],
    ids=lambda path: path.relative_to(ROOT).with_suffix("").as_posix(),
)


def read(name: str) -> dict:
    return json.loads(Path(config_path(f"{name}.json")).read_text())


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


SHIPPED = ("train", "crops", "augmentation", "recipe", "shipped")
STAGES = {"optimizer": "first_stage"}
"""The stage of the training whose values are the defaults, where it is not the second."""
NOT_DEFAULT = {"_target_", "in_channels", "sources", "seed", "keys", "precision", "params"}
"""Arguments that depend on the data, the run or the machine."""


@pytest.mark.parametrize(
    "section", ["network_def", "loss", "inferer", "optimizer", *(f"intensity_augmentation#{i}" for i in range(4))]
)
def test_what_the_shipped_weights_were_trained_with_is_the_default_of_the_code(section: str) -> None:
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / f"{name}.json") for name in (*SHIPPED, STAGES.get(section, "second_stage"))])
    content = parser[section]
    arguments = inspect.signature(locate(content["_target_"])).parameters
    named = content.keys() - NOT_DEFAULT
    given = {name: parser.get_parsed_content(f"{section}#{name}") for name in named}
    assert given == {name: arguments[name].default for name in named}


@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_width_and_latent_scale_of_the_method_reach_the_network(scale: float) -> None:
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / "train.json"), str(CONFIGS / "methods" / "fusioninn.json")])
    parser.update({"latent_scale": scale, "hidden_channels": 4})
    network = parser.get_parsed_content("network_def")
    scales = [step.scale.item() for step in network.steps if type(step).__name__ == "LatentScale"]
    assert scales == [scale]
    first = next(step for step in network.steps if type(step).__name__ == "AffineCoupling")
    assert first.subnet_1.conv_0.out_channels == 6


def test_noise_and_precision_of_training_reach_its_inferer() -> None:
    parser = ConfigParser()
    parser.read_config(str(CONFIGS / "train.json"))
    inferer = parser.get_parsed_content("inferer")
    assert (inferer.noise, inferer.precision) == (0.0, "float32")
    parser = ConfigParser()
    parser.read_config(str(CONFIGS / "train.json"))
    parser.update({"storage_noise": 0.01, "precision": "bfloat16"})
    inferer = parser.get_parsed_content("inferer")
    assert (inferer.noise, inferer.precision) == (0.01, "bfloat16")


def test_shares_of_the_augmentations_reach_them() -> None:
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / "train.json"), str(CONFIGS / "augmentation.json")])
    parser.update({"foreign_share": 0.1, "exchange_share": 0.2, "pattern_share": 0.3})
    steps = {type(step).__name__: step for step in parser.get_parsed_content("intensity_augmentation")}
    assert list(steps) == ["RandContrastd", "RandForeignContrastd", "RandSourceOrderd", "RandPatternd"]
    assert steps["RandForeignContrastd"].prob == 0.1
    assert steps["RandSourceOrderd"].prob == 0.2
    assert steps["RandPatternd"].prob == 0.3


def test_the_grid_of_a_table_trains_where_it_is_told() -> None:
    parser = ConfigParser()
    parser.read_config([str(RESEARCH / "reproduce.json"), str(RESEARCH / "table1.json")])
    parser.update({"dataset_dir": "judged", "training_dir": "open", "output_dir": "runs", "setting": "open"})
    grid = parser.get_parsed_content("grid")
    assert (grid.dataset_dir.name, grid.training_dir.name) == ("judged", "open")
    assert grid.budget.configs == ("crops.json", "augmentation.json", "recipe.json", "research/open.json")


@pytest.fixture(scope="module")
def components() -> ComponentLocator:
    """What MONAI finds by its name alone."""
    return ComponentLocator()


def entries(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value that is no dictionary or list, with the key that it stands under."""
    for name, one in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(one, (dict, list)):
            yield from entries(one, str(name) if isinstance(value, dict) else key)
        else:
            yield str(name) if isinstance(value, dict) else key, one


@every_config
def test_a_config_holds_no_path_of_one_machine(path: Path) -> None:
    assert not MACHINE_PATH.search(path.read_text())


@every_config
def test_everything_that_a_config_names_can_be_imported(path: Path, components: ComponentLocator) -> None:
    for key, value in entries(ConfigParser.load_config_file(str(path))):
        if key == "_target_":
            found = locate(value) if "." in value else components.get_component_module_name(value)
            assert found, f"{value} is unknown"
            assert "." not in value or callable(found)
        elif key == "imports":
            exec(value.removeprefix("$"), {})


@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_be_made_for_training_and_for_evaluation(method: str) -> None:
    for task in ("train", "evaluate"):
        parser = ConfigParser()
        parser.read_config([config_path(f"{task}.json"), config_path(method_config(method))])
        parser.update({key: value for key, value in {"width": 4, "seed": 3}.items() if key in parser})
        network = parser.get_parsed_content("network_def")
        assert isinstance(network, torch.nn.Module)
        assert network.in_channels == 2
        if hasattr(network, "method"):
            assert network.method == method


@pytest.mark.parametrize("table", ["table1", "table2"])
def test_every_row_of_a_table_names_configs_that_are_there(table: str) -> None:
    for row in read(f"research/{table}")["rows"]:
        for cell in cells_of(row, [0]):
            assert cell.method in METHODS
            assert all(Path(config_path(name)).is_file() for name in cell.training or ())
    for settings in read("research/reproduce")["settings"].values():
        assert all(Path(config_path(name)).is_file() for name in settings["configs"])


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
    parser["dataset_dir"], parser["download"] = str(tmp_path), True
    (patient,) = parser.get_parsed_content("patients")
    assert patient["patient"] == "BRATS_001"
    assert patient["channels"] == {"t1gd": 2, "flair": 0}
