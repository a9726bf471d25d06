"""Commands on folders as their publishers lay them out, with real files."""

from __future__ import annotations

import csv
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigWorkflow
from PIL import Image

from scripts.command_line.plain_errors import plain_cause

CONFIGS = Path(__file__).resolve().parent.parent / "bundle" / "configs"
QUICK = {"device": "cpu", "overview": "false", "typicality": "false"}


@pytest.fixture
def command(monkeypatch) -> Callable[..., None]:
    """Return a function that does in this process what the command does."""
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")

    def run(config: str, **overrides: object) -> None:
        settings = {key: str(value) if isinstance(value, Path) else value for key, value in overrides.items()}
        workflow = ConfigWorkflow(
            str(CONFIGS / f"{config}.json"), workflow_type="infer", logging_file=False, **settings
        )
        workflow.initialize()
        workflow.run()

    return run


@pytest.fixture
def bids(tmp_path, write_patient) -> Path:
    """A BIDS data set: sub-01 is whole, sub-02 has two runs after contrast agent, a FLAIR of sub-03 is a dead link."""
    record = write_patient(tmp_path / "made", "P1", shape=(40, 48, 4))
    root = tmp_path / "bids"
    for number, images in ((1, ["ce-gadolinium_T1w"]), (2, ["run-1_ce-gd_T1w", "run-2_ce-gd_T1w"]), (3, ["ce-gd_T1w"])):
        patient = root / f"sub-0{number}" / "anat" / f"sub-0{number}"
        patient.parent.mkdir(parents=True)
        for name in images:
            shutil.copy(record["t1gd"], f"{patient}_{name}.nii.gz")
        if number == 3:
            Path(f"{patient}_FLAIR.nii.gz").symlink_to("gone")
        else:
            shutil.copy(record["flair"], f"{patient}_FLAIR.nii.gz")
    return root


def test_bids_is_fused_and_doubts_cost_their_patients_only(bids, command, tmp_path, caplog):
    with caplog.at_level(logging.INFO), pytest.raises(Exception) as raised:
        command("inference", dataset_dir=bids, output_dir=tmp_path / "out", **QUICK)
    cause = str(plain_cause(raised.value))
    assert cause.startswith("2 of 3 patients could not be processed")
    assert "sub-02: 2 files match the t1gd image" in cause
    assert "sub-03: the flair image is missing" in cause
    assert (
        "expected sub-03_FLAIR.nii.gz, found sub-03_ce-gd_T1w.nii.gz. Skipped: sub-03_FLAIR.nii.gz (link to a" in cause
    )
    assert "1 × link to a file that does not exist: sub-03/anat/sub-03_FLAIR.nii.gz" in caplog.text
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir() and path.name[0] != ".") == [
        "sub-01"
    ]
    fused = nib.load(tmp_path / "out" / "sub-01" / "sub-01_fused.nii.gz")
    source = nib.load(bids / "sub-01" / "anat" / "sub-01_FLAIR.nii.gz")
    assert np.allclose(fused.affine, source.affine) and fused.shape == source.shape


def test_two_segmentations_hinder_measuring_but_not_fusing(write_patient, command, tmp_path):
    labels = np.zeros((40, 48, 4))
    write_patient(tmp_path / "data", "P1", shape=labels.shape, seg=labels, tumor_segmentation=labels)
    command("inference", dataset_dir=tmp_path / "data", output_dir=tmp_path / "out", **QUICK)
    assert (tmp_path / "out" / "P1" / "P1_fused.nii.gz").is_file()
    with pytest.raises(Exception) as raised:
        command("evaluate", dataset_dir=tmp_path / "data", output_dir=tmp_path / "tables", device="cpu")
    assert "P1: 2 files could be the segmentation" in str(plain_cause(raised.value))


def test_pictures_of_other_methods_and_formats_are_scored_and_fused(command, tmp_path):
    y, x = np.mgrid[0:48, 0:40]
    for number in (1, 2):
        ct = (120 + 100 * np.sin(x / (4 + number)) * np.cos(y / 7)).astype(np.uint8)
        mr = (120 + 90 * np.cos(x / 9 + number) * np.sin(y / 5)).astype(np.uint8)
        for name, levels in {
            f"CT/ct_0{number}.tif": ct,
            f"MR/{number}.bmp": mr,
            f"F/img{number}_CDDFuse.png": (ct // 2 + mr // 2),
        }.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            Image.fromarray(levels).save(tmp_path / name)
    sources = [str(tmp_path / "CT"), str(tmp_path / "MR")]
    command("score", fused=tmp_path / "F", sources=sources, output_dir=tmp_path / "scores", device="cpu")
    rows = list(csv.DictReader((tmp_path / "scores" / "images.csv").open()))
    assert [row["image"] for row in rows] == ["img1_CDDFuse", "img2_CDDFuse"]
    assert all(0 < float(row["Q_SSIM"]) < 1 for row in rows)
    command("fuse_pictures", sources=sources, output_dir=tmp_path / "out", **QUICK)
    fused = sorted(path.name for path in (tmp_path / "out").glob("*_fused.png"))
    assert fused == ["ct_01_fused.png", "ct_02_fused.png"]
