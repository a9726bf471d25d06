"""The MONAI Deploy application, in the way that its users start it."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import scripts
from scripts.data.errors import BadInputError
from scripts.outputs.locked import unlock_folder

DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
BUNDLE = DEPLOY.parent / "bundle"

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")


@pytest.fixture(scope="module")
def bundle_parts():
    """The module that needs no SDK."""
    spec = importlib.util.spec_from_file_location("bundle_parts", DEPLOY / "bundle_parts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def interpreter():
    """An interpreter that has the SDK: that of DEPLOY_PYTHON, or this one."""
    python = os.environ.get("DEPLOY_PYTHON", sys.executable)
    code = "from importlib.metadata import version; import pydicom, itk; print(version('monai-deploy-app-sdk'))"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True)
    if found.returncode:
        pytest.skip("no MONAI Deploy App SDK: set DEPLOY_PYTHON to an interpreter with deploy/requirements.txt")
    assert found.stdout.strip() == "4.0.0"
    return python


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A small study with a FLAIR of other slices, and one without FLAIR."""
    import nibabel as nib

    from phantom_studies.study import write_study

    folder = tmp_path_factory.mktemp("input")
    volumes = {}
    for source, name in (("t1gd", "t1ce"), ("flair", "flair")):
        image = nib.load(BUNDLE / "example" / "phantom-01" / f"phantom-01_{name}.nii.gz")
        cropped = image.slicer[:, :, 20:28]
        volumes[source] = (cropped.get_fdata(), cropped.affine)
    write_study(folder / "whole", volumes, patient_id="Secret-1", patient_name="Doe^Secret")
    write_study(folder / "half", volumes, sources=["t1gd"], patient_id="Secret-2", patient_name="Doe^Secret")
    return folder


@pytest.fixture(scope="module")
def run(interpreter, study, tmp_path_factory):
    """What the application said, and the folder it wrote to."""
    output = tmp_path_factory.mktemp("output")
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*")}
    settings = {"OMP_NUM_THREADS": "1", "HOLOSCAN_LOG_LEVEL": "WARN"}
    done = subprocess.run(
        [interpreter, str(DEPLOY / "app.py"), "-i", str(study), "-o", str(output), "-m", str(BUNDLE)],
        env=os.environ | settings, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert before == {path: path.stat().st_mtime_ns for path in study.rglob("*")}
    return done, output


class TestBundle:
    def test_settings_that_the_configs_do_not_know_are_refused(self, bundle_parts, tmp_path):
        with pytest.raises(BadInputError, match="--registr is not an option of .*Did you mean --register?"):
            bundle_parts.BundleParts(BUNDLE, tmp_path, tmp_path, {"registr": "always"})
        bundle_parts.BundleParts(BUNDLE, tmp_path, tmp_path, {"register": "always", "overview": True, "report": True})

    def test_is_found_as_the_folder_itself_in_a_folder_and_beside(self, bundle_parts, tmp_path):
        assert bundle_parts.find_bundle(BUNDLE) == BUNDLE
        (tmp_path / "fusioninn").symlink_to(BUNDLE)
        assert bundle_parts.find_bundle(tmp_path) == BUNDLE
        assert bundle_parts.find_bundle(tmp_path / "elsewhere") == BUNDLE

    def test_that_is_nowhere_is_told(self, bundle_parts, tmp_path, monkeypatch):
        monkeypatch.setattr(bundle_parts, "BESIDE", tmp_path / "none")
        with pytest.raises(FileNotFoundError, match="give its folder"):
            bundle_parts.find_bundle(tmp_path)

    def test_torchscript_is_found_where_models_are(self, bundle_parts, tmp_path):
        assert bundle_parts.find_torchscript(tmp_path) is None
        (tmp_path / "fusioninn").mkdir()
        (tmp_path / "fusioninn" / "model.ts").write_bytes(b"")
        assert bundle_parts.find_torchscript(tmp_path) == tmp_path / "fusioninn" / "model.ts"
        assert bundle_parts.find_torchscript(tmp_path / "fusioninn" / "model.ts").name == "model.ts"

    def test_settings_and_torchscript_reach_the_configs(self, bundle_parts, tmp_path):
        (tmp_path / "model.ts").write_bytes(b"")
        parts = bundle_parts.BundleParts(tmp_path, tmp_path / "in", tmp_path / "out", {"register": "never"})
        content = parts.parser.get_parsed_content
        assert (content("runtime"), content("exported_dir")) == ("torchscript", str(tmp_path))
        assert (content("register"), content("dataset_dir")) == ("never", str(tmp_path / "in"))
        assert parts.sources == ["t1gd", "flair"]

    def test_a_folder_that_another_command_works_in_is_refused(self, bundle_parts, study, tmp_path):
        other = (
            "from scripts.outputs.locked import lock_folder; import sys; lock_folder(sys.argv[1], 'Fusing'); input()"
        )
        held = subprocess.Popen([sys.executable, "-c", other, str(tmp_path)], cwd=BUNDLE, stdin=subprocess.PIPE)
        while not (tmp_path / ".lock").exists() or not (tmp_path / ".lock").read_text():
            time.sleep(0.05)
        with pytest.raises(BadInputError, match='is in use by "Fusing"'):
            bundle_parts.BundleParts(BUNDLE, study, tmp_path, {}).records()
        held.communicate(b"\n")
        assert len(bundle_parts.BundleParts(BUNDLE, study, tmp_path, {}).records()) == 2
        unlock_folder(tmp_path)

    def test_a_study_that_was_read_is_fused_and_written_as_the_configs_say(self, bundle_parts, study, tmp_path):
        from scripts.dicom.read_study import ReadStudy

        settings = {"register": "never", "skull_stripping": "false", "overview": "false", "report": "false"}
        parts = bundle_parts.BundleParts(BUNDLE, study, tmp_path, settings)
        (record,) = (record for record in parts.records() if "problem" not in record)
        case = parts.fuse(ReadStudy(parts.sources)(record))
        assert case.sources == ("t1gd", "flair")
        assert "Typicality" in case.measured
        written = {Path(file).relative_to(tmp_path / case.patient).parts[0] for file in parts.write(case)}
        assert written == {"fused", "t1gd_estimated", "flair_estimated", f"{case.patient}_fused.json"}
        unlock_folder(tmp_path)


class TestApplication:
    def test_writes_three_derived_series_and_the_report(self, run):
        done, output = run
        (folder,) = (path for path in output.iterdir() if any(path.rglob("*.dcm")))
        series = {path.name: sorted(path.glob("*.dcm")) for path in folder.iterdir() if path.is_dir()}
        assert {name: len(files) for name, files in series.items()} == {
            "fused": 8,
            "t1gd_estimated": 8,
            "flair_estimated": 8,
        }, done.stderr
        headers = [pydicom.dcmread(files[0], stop_before_pixels=True) for files in series.values()]
        assert len({header.StudyInstanceUID for header in headers}) == 1
        assert len({header.SeriesInstanceUID for header in headers}) == 3
        assert all(list(header.ImageType[:2]) == ["DERIVED", "SECONDARY"] for header in headers)
        assert {header.PatientID for header in headers} == {"Secret-1"}
        assert [path.suffix for path in folder.glob("*_report.html")] == [".html"]
        ssim = json.loads(next(folder.glob("*_fused.json")).read_text())["SSIM"]
        assert min(ssim["decomposed"].values()) > 0.8

    def test_names_the_study_that_failed_and_finishes_the_other(self, run):
        done, _ = run
        assert done.returncode == 1
        assert re.search(r"Error: study-[0-9a-f]{10}: .*no series was recognised as", done.stderr)

    def test_shows_nothing_of_the_patient(self, run):
        done, output = run
        said = done.stdout + done.stderr
        texts = [path.read_text(errors="replace") for path in output.rglob("*") if path.suffix in (".json", ".html")]
        assert texts
        for text in (said, *texts):
            assert not re.search(r"Secret|Doe\^|A0815|19600229", text)
        assert not any("Secret" in str(path) for path in output.rglob("*"))


def test_the_application_has_the_version_of_the_bundle():
    assert re.search(r"^  version: (.+)$", (DEPLOY / "app.yaml").read_text(), re.MULTILINE)[1] == scripts.__version__


def test_an_input_without_dicom_is_told(interpreter, tmp_path):
    (tmp_path / "in").mkdir()
    done = subprocess.run(
        [interpreter, str(DEPLOY / "app.py"), "-i", "in", "-o", "out", "-m", str(BUNDLE)],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Error: the input folder: no DICOM series in" in done.stderr
    assert not list((tmp_path / "out").rglob("*.*"))


def test_packaging_goes_as_far_as_it_can_without_a_container_engine(interpreter, tmp_path):
    """It reads app.yaml, writes both manifests and collects the requirements, then looks for docker."""
    command = Path(interpreter).parent / "monai-deploy"
    if not command.exists():
        pytest.skip("no monai-deploy beside the interpreter")
    images = {"x64-workstation": "image"}
    release = {
        "debian-version": "4.2.0",
        "wheel-version": "4.2.0",
        "base-images": {"dgpu": "image"},
        "build-images": {"dgpu": images, "igpu": images, "cpu": images},
    }
    # What the packager would download: which images belong to which release.
    source = tmp_path / "artifacts.json"
    source.write_text(json.dumps({"4.2.0": {"holoscan": release, "health-probes": {"linux/amd64": "none"}}}))
    done = subprocess.run(
        [
            str(command), "package", str(DEPLOY / "app.py"), "--config", str(DEPLOY / "app.yaml"),
            "--models", str(BUNDLE), "--tag", "fusioninn:test", "--platform", "x86_64", "--sdk", "monai-deploy",
            "--source", str(source), "--log-level", "DEBUG",
        ],
        env=os.environ | {"PATH": str(Path(interpreter).parent)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    said = done.stdout + done.stderr
    manifests = {
        name: json.loads(re.search(rf"Begin {name}.json =+\n(.*?)\n=+ End {name}", said, re.DOTALL)[1])
        for name in ("app", "pkg")
    }
    assert manifests["app"]["input"]["formats"] == ["DICOM"]
    assert manifests["app"]["version"] == manifests["pkg"]["version"] == scripts.__version__
    assert manifests["pkg"]["resources"]["memory"]
    assert "monai-deploy-app-sdk==4.0.0" in said
    assert "The binary 'docker' could not be found" in said
