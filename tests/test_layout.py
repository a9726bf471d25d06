"""The repository keeps the promises of its layout."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import scripts

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 2**20

REQUIRED = [
    *(f"deploy/{name}" for name in ("README.md", "app.py", "app.yaml", "requirements.txt")),
    "fusioninn/__init__.py",
    ".ci/run",
    ".github/ISSUE_TEMPLATE/bug_report.yml",
    ".gitignore",
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "pyproject.toml",
    "requirements.txt",
    "requirements-clinic.txt",
    "requirements-dev.txt",
    "bundle/LICENSE",
    "bundle/configs/augmentation.json",
    "bundle/configs/cohort_report.json",
    "bundle/configs/commands.json",
    "bundle/configs/crops.json",
    "bundle/configs/decompose.json",
    "bundle/configs/decompose_pictures.json",
    "bundle/configs/decompose_series.json",
    "bundle/configs/distributed.json",
    "bundle/configs/evaluate.json",
    "bundle/configs/export.json",
    "bundle/configs/four_contrasts.json",
    "bundle/configs/first_stage.json",
    "bundle/configs/fuse_pictures.json",
    "bundle/configs/inference.json",
    "bundle/configs/logging.conf",
    "bundle/configs/make_datalist.json",
    "bundle/configs/metadata.json",
    "bundle/configs/multi_gpu_train.json",
    "bundle/configs/pacs.json",
    "bundle/configs/recipe.json",
    "bundle/configs/report.json",
    "bundle/configs/score.json",
    "bundle/configs/second_stage.json",
    "bundle/configs/shipped.json",
    "bundle/configs/study.json",
    "bundle/configs/train.json",
    "bundle/configs/unregistered.json",
    "bundle/configs/volumes.json",
    "bundle/configs/watch.json",
    "bundle/configs/watch_status.json",
    "bundle/docs/README.md",
    "bundle/docs/bids.md",
    "bundle/docs/data_license.txt",
    "bundle/docs/model_card.md",
    "bundle/models/model.pt",
    "bundle/scripts/__init__.py",
    "research/requirements.txt",
    "research/configs/logging.conf",
    *(
        f"research/configs/{name}.json"
        for name in (
            *("ablations", "convert_published", "figure3", "figure4", "figure5", "figure6", "flicker", "fusion_only"),
            *("lower_precision", "open", "parity"),
            *(
                "out_of_distribution",
                "reliability",
                "reproduce",
                "scorecard",
                "serve",
                "small",
                "table1",
                "table2",
                "typicality",
            ),
        )
    ),
    *(f"research/docs/{name}.md" for name in ("ablations", "comparison", "out_of_distribution", "scorecard")),
    "research/fusioninn_research/__init__.py",
]

# Folders that a path on somebody's own machine begins with.
MACHINE_PATH = re.compile(
    r"(?<![\w.~:/$}<>\])-])/(work|workspace|root|home|Users|mnt|media|opt|tmp|var|scratch|data)/\w"
)
PACKAGE_HOST = re.compile("|".join([r"pypi\.or" + "g", "pythonhoste" + "d", r"pytorch\.org/wh" + "l"]))


def tracked_files() -> list[Path]:
    """Return the files that git knows, or skip outside a checkout."""
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if found.returncode != 0:
        pytest.skip("not a git checkout")
    paths = (ROOT / name for name in found.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def tracked_texts() -> dict[str, str]:
    """Return the text of every tracked file that is text, by its name."""
    texts = {}
    for path in tracked_files():
        data = path.read_bytes()
        if b"\0" not in data:
            texts[path.relative_to(ROOT).as_posix()] = data.decode("utf-8")
    return texts


def packages() -> list[str]:
    """Return the packages of the bundle, relative to its scripts."""
    folder = ROOT / "bundle" / "scripts"
    return [path.parent.relative_to(folder).as_posix() for path in sorted(folder.rglob("*/__init__.py"))]


ORDER = (
    *("data", "command_line", "outputs", "dicom", "pacs", "registration", "transforms", "phantom"),
    *("flow", "losses", "metrics", "networks", "runtimes", "inferers", "typicality"),
    *("export", "report", "cohort", "cases", "watch", "evaluation", "training", "commands"),
)
"""Packages of the bundle from the lowest up: each imports from those before it only."""


def imports_of(path: Path) -> set[str]:
    """Return the packages of the bundle that a module imports anywhere in it, its own left out."""
    scripts_folder = ROOT / "bundle" / "scripts"
    own, *_ = path.relative_to(scripts_folder).parts
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1, f"{path}, line {node.lineno}: name other packages in full"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    parts = [name.split(".") for name in names if name.startswith("scripts.")]
    return {part[1] for part in parts if (scripts_folder / part[1]).is_dir()} - {own}


def test_every_package_has_its_place_in_the_order():
    assert sorted(ORDER) == [name for name in packages() if "/" not in name]


@pytest.mark.parametrize("package", ORDER)
def test_packages_import_only_from_those_below_them(package):
    below = set(ORDER[: ORDER.index(package)])
    modules = sorted((ROOT / "bundle" / "scripts" / package).rglob("*.py"))
    assert {path.name: upward for path in modules if (upward := imports_of(path) - below)} == {}


@pytest.mark.parametrize("name", REQUIRED)
def test_required_file_is_there(name):
    assert (ROOT / name).is_file()


@pytest.mark.parametrize("folder", ["scripts", "configs"])
def test_the_bundle_uses_nothing_of_the_research(folder):
    texts = {name: text for name, text in tracked_texts().items() if name.startswith(f"bundle/{folder}/")}
    assert [name for name, text in texts.items() if "fusioninn_research" in text or "research/" in text] == []


def test_the_research_has_tests():
    assert list((ROOT / "tests" / "research").glob("test_*.py"))


@pytest.mark.parametrize("package", packages())
def test_package_has_tests(package):
    assert list((ROOT / "tests" / package).glob("test_*.py")), f"bundle/scripts/{package} needs tests/{package}"


def test_no_tracked_text_names_a_path_of_one_machine():
    found = {name: MACHINE_PATH.search(text) for name, text in tracked_texts().items()}
    assert {name: match[0] for name, match in found.items() if match} == {}


def test_no_tracked_text_names_the_host_of_a_package_index():
    found = {name: PACKAGE_HOST.search(text) for name, text in tracked_texts().items()}
    assert {name: match[0] for name, match in found.items() if match} == {}


def test_tracked_files_are_small_enough_for_the_model_zoo():
    large = {path.name: path.stat().st_size for path in tracked_files()}
    assert {name: size for name, size in large.items() if size > 25 * MEGABYTE} == {}


def test_embedded_example_is_two_small_volumes():
    volumes = sorted((ROOT / "bundle" / "example").rglob("*.nii.gz"))
    suffixes = {path.name.removesuffix(".nii.gz").rsplit("_", 1)[-1] for path in volumes}
    assert {"t1ce", "flair"} <= suffixes
    assert sum(path.stat().st_size for path in volumes) <= 3 * MEGABYTE


def test_volumes_are_tracked_only_as_the_embedded_example():
    volumes = [path for path in tracked_files() if path.name.endswith((".nii", ".nii.gz", ".mha"))]
    assert all((ROOT / "bundle" / "example") in path.parents for path in volumes)


def test_both_licences_are_the_same_apache_text():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert (ROOT / "bundle" / "LICENSE").read_text() == text


def test_version_is_the_same_everywhere():
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    metadata = (ROOT / "bundle" / "configs" / "metadata.json").read_text()
    assert version[1] == scripts.__version__
    assert re.search(r'"version": "(.+?)"', metadata)[1] == scripts.__version__


def test_bundle_imports_nothing_heavy_before_it_is_used(repository):
    code = "import sys, scripts; print([m for m in ('torch', 'monai') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=repository / "bundle", capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
