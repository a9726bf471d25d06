"""The bundle passes what the MONAI model zoo checks of one, and runs from what others download."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nibabel as nib
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow, ckpt_export, verify_metadata, verify_net_in_out

from warm_python import run_python

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "bundle"
CONFIGS = BUNDLE / "configs"
METADATA = CONFIGS / "metadata.json"
INFERENCE = CONFIGS / "inference.json"
SCHEMA = "meta_schema_20240725.json"
PATIENT = "phantom-01"

pytestmark = pytest.mark.usefixtures("process_as_it_was")

# What the zoo's list of checks wants each config to hold.
KEYS = {
    "inference": "bundle_root device network_def inferer output_dir dataset_dir dataset evaluator",
    "train": "bundle_root device dataset_dir output_dir train#trainer train#dataset train#handlers "
    "validate#evaluator validate#handlers validate#dataset val_interval",
}


@pytest.fixture
def metadata() -> dict:
    return json.loads(METADATA.read_text())


def load_tool():
    spec = importlib.util.spec_from_file_location("build_bundle", ROOT / "tools" / "build_bundle.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestVerification:
    """In the order of the zoo's own verification."""

    @pytest.mark.parametrize(
        "name",
        ["LICENSE", "configs/metadata.json", "configs/inference.json", "configs/train.json", "models/model.pt"],
    )
    def test_the_file_is_there(self, name):
        assert (BUNDLE / name).stat().st_size > 0

    @pytest.mark.parametrize("name", ["docs/README.md", "docs/data_license.txt"])
    def test_the_document_is_there(self, name):
        assert (BUNDLE / name).stat().st_size > 0

    def test_the_version_is_in_the_changelog(self, metadata):
        assert metadata["version"] in metadata["changelog"]
        assert next(iter(metadata["changelog"])) == metadata["version"]

    def test_the_metadata_follow_their_schema(self, tmp_path, metadata, shared_data):
        pytest.importorskip("jsonschema")
        assert metadata["schema"].endswith(f"/{SCHEMA}")
        # MONAI downloads nothing where the file already exists.
        shutil.copy(shared_data / SCHEMA, tmp_path / "schema.json")
        verify_metadata(meta_file=str(METADATA), filepath=str(tmp_path / "schema.json"))

    def test_what_the_metadata_call_for_the_network_does(self):
        given = {"meta_file": str(METADATA), "config_file": str(INFERENCE), "bundle_root": str(BUNDLE)}
        for size in (1, 37):
            verify_net_in_out(net_id="prediction", device="cpu", any=size, **given)

    def test_the_decomposition_is_described_as_it_is(self, metadata):
        parser = ConfigParser()
        parser.read_config(str(INFERENCE))
        network = parser.get_parsed_content("network_def").eval()
        inputs, outputs = (metadata["decomposition_data_format"][side] for side in ("inputs", "outputs"))
        given = [torch.rand(1, inputs[name]["num_channels"], 9, 13) for name in ("fused", "latent")]
        with torch.no_grad():
            decomposed = network.inverse(*given)
        assert decomposed.shape == (1, outputs["decomposed"]["num_channels"], 9, 13)
        assert str(decomposed.dtype) == f"torch.{outputs['decomposed']['dtype']}"

    def test_the_network_of_the_config_takes_the_weights_and_leaves_as_torchscript(self, tmp_path):
        parser = ConfigParser()
        parser.read_config(str(INFERENCE))
        network = parser.get_parsed_content("network_def")
        network.load_state_dict(torch.load(BUNDLE / "models" / "model.pt", weights_only=True), strict=True)
        ckpt_export(
            net_id="network_def",
            filepath=str(tmp_path / "verify_model.ts"),
            ckpt_file=str(BUNDLE / "models" / "model.pt"),
            meta_file=str(METADATA),
            config_file=str(INFERENCE),
            bundle_root=str(BUNDLE),
        )
        exported, image = torch.jit.load(str(tmp_path / "verify_model.ts")), torch.rand(1, 2, 20, 22)
        with torch.no_grad():
            assert torch.allclose(exported(image)[0], network.eval()(image)[0], atol=1e-5)

    @pytest.mark.parametrize("config", KEYS)
    def test_the_config_holds_the_keys(self, config):
        parser = ConfigParser()
        parser.read_config(str(CONFIGS / f"{config}.json"))
        assert [key for key in KEYS[config].split() if key not in parser] == []

    def test_monai_finds_what_it_asks_of_an_inference(self, tmp_path):
        workflow = ConfigWorkflow(
            str(INFERENCE), logging_file=False, workflow_type="infer", output_dir=str(tmp_path), device="cpu"
        )
        workflow.initialize()
        assert workflow.check_properties() == []

    def test_what_runs_need_is_told_with_its_version(self, metadata):
        lines = (line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
        names = {line.replace(">", "=").replace("~", "=").split("=")[0] for line in lines if line}
        told = {"torch", "monai", "numpy"} | metadata["required_packages_version"].keys()
        assert names <= told


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    return load_tool().build(tmp_path_factory.mktemp("dist"))


class TestDownload:
    def test_the_same_files_give_the_same_bytes(self, archive, tmp_path):
        again = tmp_path / "again"
        done = subprocess.run(
            [sys.executable, str(ROOT / "tools" / "build_bundle.py"), str(again)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert (again / archive.name).read_bytes() == archive.read_bytes()
        assert hashlib.sha1(archive.read_bytes()).hexdigest() in done.stdout

    def test_it_holds_one_folder_without_what_runs_leave_behind(self, archive, metadata):
        assert archive.name == f"fusioninn_v{metadata['version']}.zip"
        names = zipfile.ZipFile(archive).namelist()
        assert names == sorted(names)
        assert {name.split("/")[0] for name in names} == {"fusioninn"}
        assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".tmp"))]
        assert not [name for name in names if name.split("/")[1] in ("eval", "output", "runs")]

    def test_every_file_is_small_enough_to_do_without_a_list_of_large_files(self, archive):
        assert max(entry.file_size for entry in zipfile.ZipFile(archive).infolist()) <= 25 * 2**20

    def test_it_runs_where_it_was_unpacked_and_nowhere_else(self, archive, tmp_path):
        shutil.unpack_archive(archive, tmp_path)
        unpacked = tmp_path / "fusioninn"
        data = tmp_path / "data" / PATIENT
        data.mkdir(parents=True)
        for path in (unpacked / "example" / PATIENT).glob("*.nii.gz"):
            nib.save(nib.load(path).slicer[60:140, 60:140, 30:33], data / path.name)
        with (unpacked / "scripts" / "__init__.py").open("a") as file:
            file.write("\nprint('imported from', __file__)\n")
        settings = {"dataset_dir": tmp_path / "data", "output_dir": "out", "device": "cpu", "overview": "false"}
        line = ["-m", "monai.bundle", "run", "--config_file", str(unpacked / "configs/inference.json")]
        line += [item for key, value in settings.items() for item in (f"--{key}", str(value))]
        # As one who has downloaded it: no path of this repository is set, nor the working directory the bundle's.
        environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PWD")}
        done = run_python(*line, cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        folder = tmp_path / "out" / PATIENT
        assert (folder / f"{PATIENT}_fused.nii.gz").is_file()
        weights = hashlib.sha256((unpacked / "models" / "model.pt").read_bytes()).hexdigest()
        assert json.loads((folder / f"{PATIENT}_fused.json").read_text())["CheckpointSHA256"] == weights
        assert f"imported from {unpacked / 'scripts' / '__init__.py'}" in done.stdout
