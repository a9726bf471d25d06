"""The folder for Hugging Face: it holds what the zoo expects, and MONAI loads the network as the model card says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from monai.bundle import verify_metadata

from warm_python import run_python

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "bundle"
TOOL = ROOT / "tools" / "build_huggingface.py"
SCHEMA = "meta_schema_20240725.json"
LISTED = (
    "schema version changelog monai_version pytorch_version numpy_version required_packages_version name task "
    "description authors copyright huggingface_url"
)
"""Keys that the zoo's schema for models on Hugging Face (meta_schema_hf_20250321.json) requires."""
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


def build(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(TOOL), *map(str, arguments)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("huggingface")
    done = build(target)
    assert done.returncode == 0, done.stderr
    return target / "fusioninn"


@pytest.fixture
def card(folder) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def test_it_holds_what_the_zoo_expects_and_the_files_of_the_archive(folder):
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name in (
        "LICENSE",
        "README.md",
        ".gitattributes",
        "configs/metadata.json",
        "models/model.pt",
        "docs/data_license.txt",
    ):
        assert name in files
    for name in files - {"README.md", ".gitattributes", "configs/metadata.json"}:
        source = ROOT if name.startswith("requirements") else BUNDLE
        assert (folder / name).read_bytes() == (source / name).read_bytes()


def test_its_metadata_have_the_address_and_follow_the_schema(folder, tmp_path, shared_data):
    metadata = json.loads((folder / "configs" / "metadata.json").read_text())
    assert set(LISTED.split()) <= metadata.keys()
    assert metadata["huggingface_url"] == "https://huggingface.co/MONAI/fusioninn"
    # MONAI downloads nothing where the file already exists.
    shutil.copy(shared_data / SCHEMA, tmp_path / "schema.json")
    verify_metadata(meta_file=str(folder / "configs" / "metadata.json"), filepath=str(tmp_path / "schema.json"))


def test_the_card_begins_with_the_metadata_of_the_hub(card):
    front = re.match(r"---\n(.*?)\n---\n", card, re.DOTALL)[1].splitlines()
    assert {
        "license: apache-2.0",
        "library_name: monai",
        "pipeline_tag: image-to-image",
        "- monai",
        "- medical",
    } <= set(front)
    metrics = json.loads((BUNDLE / "configs" / "metadata.json").read_text())["eval_metrics"]
    assert [line.split(": ")[1] for line in front if line.startswith("      value:")] == [
        str(value) for value in metrics.values() if not isinstance(value, str)
    ]


def test_marks_that_a_release_leaves_in_documents_are_not_in_the_card(card):
    assert "<!--" not in card


def test_links_of_the_card_lead_to_files_of_the_folder(card, folder):
    links = LINK.findall(card)
    assert "docs/images/overview.png" in links
    assert [link for link in links if not (folder / link).is_file()] == []


def test_the_card_says_first_what_it_is_how_good_and_how_to_run_it(card):
    headings = re.findall(r"^## (.+)$", card, re.MULTILINE)
    assert headings[:4] == ["How well it works", "Limits", "Get it", "Run it"]
    assert card.index("research use only") < card.index("## How well it works")


def test_monai_loads_the_network_as_the_card_says(card, folder, tmp_path):
    (tmp_path / "bundles").mkdir()
    shutil.copytree(folder, tmp_path / "bundles" / "fusioninn")
    code = re.search(r"```python\n(.*?)```", card, re.DOTALL)[1]
    code += "print(type(network).__name__, tuple(estimates.shape), network.training)"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = run_python("-c", code, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert "FusionINN (1, 2, 240, 240) False" in done.stdout


def test_another_repository_is_named_and_an_impossible_one_refused(tmp_path):
    assert build(tmp_path, "--repo", "somebody/fusioninn").returncode == 0
    metadata = json.loads((tmp_path / "fusioninn" / "configs" / "metadata.json").read_text())
    assert metadata["huggingface_model_id"] == "somebody/fusioninn"
    done = build(tmp_path, "--repo", "https://huggingface.co/somebody/fusioninn")
    assert done.returncode == 1
    assert "Give OWNER/NAME by --repo" in done.stderr


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "fusioninn").mkdir()
    (tmp_path / "fusioninn" / "mine.txt").write_text("mine")
    done = build(tmp_path)
    assert done.returncode == 1
    assert "is not a bundle" in done.stderr
    assert (tmp_path / "fusioninn" / "mine.txt").read_text() == "mine"
