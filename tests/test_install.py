"""`pip install .` installs the bundle as the package `fusioninn`, which gives the same results as the folder."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from warm_python import run_python

ROOT = Path(__file__).resolve().parent.parent
PATIENT = "phantom-01"
NETWORK = """
import fusioninn, sys, torch
network = fusioninn.load_network()
sources = torch.linspace(0, 1, 2 * 12 * 10).reshape(1, 2, 12, 10)
with torch.no_grad():
    fused, latent = network(sources)
    assert torch.allclose(network.inverse(fused, latent), sources, atol=1e-4)
print(fused.shape == network.decompose(fused)[:, :1].shape, type(network).__module__, fusioninn.__version__)
"""
OTHER_SCRIPTS = """
import scripts, fusioninn
fusioninn.load_network()
"""

pytestmark = pytest.mark.slow


def bundle_files() -> list[str]:
    """Return the files of the archive that others download, relative to the bundle."""
    spec = importlib.util.spec_from_file_location("build_bundle", ROOT / "tools" / "build_bundle.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.bundle_files()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy that also holds results, checkpoints and caches."""
    copy, target = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE", "requirements.txt"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(ROOT / "fusioninn", copy / "fusioninn")
    for name in bundle_files():
        (copy / "bundle" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "bundle" / name, copy / "bundle" / name)
    for name in ("eval/P/P_fused.nii.gz", "runs/last.pt", "scripts/__pycache__/secret.cpython-311.pyc"):
        (copy / "bundle" / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / "bundle" / name).touch()
    line = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", target, copy]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (file,) = target.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A folder with the unpacked wheel, as in an environment."""
    folder = tmp_path_factory.mktemp("environment")
    shutil.unpack_archive(wheel, folder, format="zip")
    return folder


@pytest.fixture(scope="module")
def environment(installed) -> dict[str, str]:
    """The environment of a user of that installation."""
    return {**os.environ, "PYTHONPATH": str(installed)}


def test_the_wheel_holds_the_files_of_the_download_and_the_package_alone(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = {"fusioninn/__init__.py", "fusioninn/__main__.py"}
    assert names == package | {f"fusioninn/bundle/{name}" for name in bundle_files()}


def test_it_asks_for_what_the_bundle_needs(wheel):
    (metadata,) = (name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".dist-info/METADATA"))
    text = zipfile.ZipFile(wheel).read(metadata).decode()
    assert "\nName: fusioninn\n" in text
    assert "\nRequires-Dist: torch==" in text and "\nRequires-Dist: monai" in text
    assert "pytest" not in text.split("\n\n")[0]


def test_one_line_loads_the_network_with_the_shipped_weights(environment, tmp_path):
    done = run_python("-c", NETWORK, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    version = json.loads((ROOT / "bundle" / "configs" / "metadata.json").read_text())["version"]
    assert done.stdout.split() == ["True", "scripts.networks.fusioninn", version]


def test_another_package_named_scripts_is_noticed(environment, tmp_path):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "__init__.py").touch()
    done = run_python("-c", OTHER_SCRIPTS, env=environment, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"ImportError: `scripts` was imported from {tmp_path / 'scripts'}")


def test_the_installed_bundle_fuses_the_phantom_as_the_folder_does(installed, environment, tmp_path):
    data = tmp_path / "data" / PATIENT
    data.mkdir(parents=True)
    for path in (ROOT / "bundle" / "example" / PATIENT).glob("*.nii.gz"):
        nib.save(nib.load(path).slicer[60:140, 60:140, 30:33], data / path.name)
    root = run_python("-m", "fusioninn", "where", env=environment, cwd=tmp_path).stdout.strip()
    assert root == str(installed / "fusioninn" / "bundle")
    fused = []
    for bundle, given in ((Path(root), environment), (ROOT / "bundle", dict(os.environ))):
        out = tmp_path / bundle.parent.name
        options = ["--dataset_dir", "data", "--output_dir", out, "--device", "cpu", "--overview", "false"]
        line = ["-m", "monai.bundle", "run", "--config_file", bundle / "configs" / "inference.json", *options]
        done = run_python(*line, env=given, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        fused.append(np.asarray(nib.load(out / PATIENT / f"{PATIENT}_fused.nii.gz").dataobj))
    assert np.array_equal(*fused)
