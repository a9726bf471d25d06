"""What the command for DICOM studies makes of scanners' folders."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigWorkflow

from scripts.command_line.plain_errors import plain_cause
from warm_python import run_python

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from phantom_studies.study import write_series  # noqa: E402

BUNDLE = Path(__file__).resolve().parent.parent / "bundle"
WEIGHTS = BUNDLE / "models" / "model.pt"
CONFIGS = [str(BUNDLE / "configs" / f"{name}.json") for name in ("inference", "study")]
SETTINGS = {
    "skull_stripping": "false",
    "register": "never",
    "report": "false",
    "overview": "false",
    "device": "cpu",
    "nifti": "true",
}
SHAPE = (48, 40, 6)
AFFINE = np.array([[-1.0, 0, 0, 20], [0, -1.25, 0, 30], [0, 0, 6, -7], [0, 0, 0, 1]])

pytestmark = pytest.mark.skipif(not WEIGHTS.is_file(), reason="no weights are shipped with this copy")


@pytest.fixture(autouse=True)
def _plain_process(monkeypatch):
    """Keep this process's own way of telling errors."""
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")


def typed(study: Path, results: Path, *options: str) -> subprocess.CompletedProcess:
    """Run the command as a user types it."""
    command = ["-m", "monai.bundle", "run", "--config_file", CONFIGS, "--bundle_root", BUNDLE]
    places = ["--dataset_dir", str(study), "--output_dir", str(results)]
    settings = [word for name, value in SETTINGS.items() for word in (f"--{name}", value)]
    environment = {**os.environ, "FUSIONINN_TRACEBACK": "", "PYTHONPATH": str(BUNDLE), "OMP_NUM_THREADS": "1"}
    return run_python(*command, *places, *settings, *options, env=environment, cwd=results.parent)


def fuse(study: Path, results: Path, **options: str) -> None:
    """Do in this process what the command does."""
    places = {"dataset_dir": str(study), "output_dir": str(results)}
    workflow = ConfigWorkflow(
        CONFIGS, workflow_type="infer", logging_file=False, **{**SETTINGS, **places, **options}
    )  # fmt: skip
    workflow.initialize()
    workflow.run()


def anatomy(seed: int) -> np.ndarray:
    """An ellipsoid of head size with structure, different for each seed."""
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, size) for size in SHAPE), indexing="ij")
    head = (x / 0.8) ** 2 + (y / 0.8) ** 2 < 1
    waves = np.sin(6 * x + seed) * np.cos(5 * y - seed) + 0.3 * z
    return np.where(head, 400 + 200 * waves, 0.0)


def fused_affine(results: Path) -> np.ndarray:
    (path,) = results.rglob("*_fused.nii.gz")
    return nib.load(path).affine


def test_the_second_acquisition_of_a_series_is_chosen_on_the_command_line(tmp_path):
    study = tmp_path / "study"
    for number in (1, 2):
        for path in write_series(study / str(number), anatomy(number), AFFINE, extra={"AcquisitionNumber": number}):
            dataset = pydicom.dcmread(path)
            dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID[:60]}.{number}"
            dataset.save_as(path)
    write_series(study / "flair", anatomy(3), AFFINE, source="flair")
    done = typed(study, tmp_path / "results", "--t1gd", "9:2")
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert 't1gd is series 9:2 "t1_mprage_sag_p2_iso_KM" (AcquisitionNumber 2): named by 9:2' in told
    assert np.allclose(fused_affine(tmp_path / "results"), AFFINE, atol=1e-3)


def test_private_copies_of_positions_neither_move_the_result_nor_enter_its_references(tmp_path):
    instances = {}
    for number, source in enumerate(("t1gd", "flair")):
        (path,) = write_series(
            tmp_path / "study" / source, anatomy(number), AFFINE, source=source, vendor="Philips", enhanced=True
        )
        dataset = pydicom.dcmread(path)
        for index, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            classic = pydicom.Dataset()
            classic.SOPInstanceUID = f"1.2.3.{number}.{index}"
            position = frame.PlanePositionSequence[0].ImagePositionPatient
            classic.ImagePositionPatient = [value - 2.0 for value in position]
            classic.RescaleSlope, classic.RescaleIntercept = 7.0, 0.0
            block = frame.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
            block.add_new(0x0F, "SQ", [classic])
        dataset.save_as(path)
        instances[source] = str(dataset.SOPInstanceUID)
    fuse(tmp_path / "study", tmp_path / "results")
    assert np.allclose(fused_affine(tmp_path / "results"), AFFINE, atol=1e-3)
    folders = [path for path in (tmp_path / "results").rglob("fused") if path.is_dir()]
    first = pydicom.dcmread(min(folders[0].iterdir()))
    named = {(item.ReferencedSOPInstanceUID, item.ReferencedFrameNumber) for item in first.SourceImageSequence}
    assert named == {(instances["t1gd"], 1), (instances["flair"], 1)}
    assert np.allclose(first.ImagePositionPatient, np.diag([-1, -1, 1]) @ AFFINE[:3, 3], atol=1e-3)


def test_every_second_slice_missing_gives_no_result(tmp_path):
    for number, source in enumerate(("t1gd", "flair")):
        paths = write_series(tmp_path / "study" / source, anatomy(number), AFFINE, source=source)
        for path in paths[1::2]:
            path.unlink()
    with pytest.raises(Exception) as raised:
        fuse(tmp_path / "study", tmp_path / "results")
    told = str(plain_cause(raised.value))
    assert "Spacing Between Slices is 6 mm, but the positions lie 12 mm apart" in told
    assert not list((tmp_path / "results").rglob("*.dcm"))
