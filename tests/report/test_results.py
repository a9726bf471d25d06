from __future__ import annotations

import json
import logging
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scripts.data.errors import BadInputError
from scripts.outputs.digest import voxel_digest
from scripts.outputs.volumes import save_volume
from scripts.report.results import ReadResults, find_results, provenance
from sidecars import write_sidecar

SHAPE = (40, 48, 8)
AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0])
SCALE = {"mode": "slice", "slice_axis": 2, "offset": [[0.0] * 8] * 2, "factor": [[100.0] * 8] * 2}


def write_results(folder: Path, patient: str, sources: dict[str, str], names=("t1gd", "flair"), **extra) -> Path:
    """Write what inference.json leaves of a patient."""
    stem = folder / patient / patient
    fused = np.linspace(0, 1, np.prod(SHAPE)).reshape(SHAPE)
    save_volume(f"{stem}_fused.nii.gz", fused, AFFINE, "uint16")
    content = {"Patient": patient, "SSIM": {"fused": {"t1gd": 0.9, "flair": 0.8}}, **extra}
    write_sidecar(
        f"{stem}_fused.json",
        sources={name: sources[name] for name in names},
        intensity_scale=SCALE,
        stored_dtype="uint16",
        checkpoint_sha256="cd" * 32,
        fused_sha256=voxel_digest(fused, "uint16"),
        extra=content,
    )
    for name, value in (("t1gd", 7), ("flair", 9)):
        save_volume(f"{stem}_{name}_decomposed.nii.gz", np.full(SHAPE, value), AFFINE, "int16", value_range=None)
    save_volume(f"{stem}_t1gd_uncertainty.nii.gz", fused * 5, AFFINE, "uint16", value_range=(0, 5))
    return folder


@pytest.fixture
def patient(tmp_path, write_patient):
    seg = np.zeros(SHAPE)
    seg[10:20, 10:20, 3:5] = 1
    record = write_patient(tmp_path / "in", "P1", seg=seg)
    write_results(tmp_path / "out", "P1", record)
    return tmp_path


def test_the_sources_are_those_that_each_sidecar_names(patient, write_patient):
    record = write_patient(patient / "in", "P2")
    t1 = Path(record.pop("t1gd")).with_name("P2_t1.nii.gz")
    t1.with_name("P2_t1ce.nii.gz").rename(t1)
    write_results(patient / "out", "P2", {**record, "t1": str(t1)}, names=("t1", "flair"))
    records = find_results(str(patient / "out"), str(patient / "in"))
    assert [Path(record["sources"][name]).name for record, name in zip(records, ("t1gd", "t1"), strict=True)] == [
        "P1_t1ce.nii.gz",
        "P2_t1.nii.gz",
    ]
    for record in records:
        assert "problem" not in record["sources"]


def test_everything_that_was_written_is_read_back(patient):
    (record,) = find_results(str(patient / "out"), str(patient / "in"))
    data = ReadResults()(record)
    report = data["report"]
    t1gd = np.asarray(nib.load(patient / "in" / "P1" / "P1_t1ce.nii.gz").dataobj)
    np.testing.assert_array_equal(report.volumes["t1gd"], t1gd)
    assert report.decomposed["flair"].max() == 9
    assert list(report.uncertainty) == ["t1gd"]
    assert report.seg.sum() == 200
    assert report.scores == {"fused": {"t1gd": 0.9, "flair": 0.8}}
    assert report.provenance["weights_sha256"] == "cd" * 32
    assert not report.phantom
    assert data["fused"].endswith("P1_fused.nii.gz")


def test_without_sources_the_report_shows_estimates(patient):
    (record,) = find_results(str(patient / "out"))
    assert ReadResults()(record)["report"].volumes == {}


def test_sources_of_another_name_are_told_and_left_out(patient, caplog):
    (patient / "in" / "P1").rename(patient / "in" / "P2")
    for file in (patient / "in" / "P2").iterdir():
        file.rename(file.with_name(file.name.replace("P1", "P2")))
    with caplog.at_level(logging.WARNING):
        (record,) = find_results(str(patient / "out"), str(patient / "in"))
    assert "no sources in " in caplog.text
    assert "sources" not in record


def test_sources_on_another_grid_are_refused(patient, write_patient):
    write_patient(patient / "in", "P1", shape=(20, 24, 4))
    (patient / "in" / "P1" / "P1_seg.nii.gz").unlink()
    (record,) = find_results(str(patient / "out"), str(patient / "in"))
    with pytest.raises(BadInputError, match="lies on another grid"):
        ReadResults()(record)


def test_a_fused_image_alone_is_refused(patient):
    for file in (patient / "out" / "P1").glob("*_decomposed.nii.gz"):
        file.unlink()
    (record,) = find_results(str(patient / "out"))
    with pytest.raises(BadInputError, match="holds no decomposed image of P1"):
        ReadResults()(record)


def test_an_estimate_of_another_place_is_refused(patient):
    file = patient / "out" / "P1" / "P1_t1gd_decomposed.nii.gz"
    save_volume(file, np.ones(SHAPE), np.diag([-1.0, -1.0, 2.0, 1.0]), "int16", value_range=None)
    (record,) = find_results(str(patient / "out"))
    with pytest.raises(BadInputError, match="different affines"):
        ReadResults()(record)


def test_an_unusual_case_is_a_warning(patient):
    sidecar = json.loads((patient / "out" / "P1" / "P1_fused.json").read_text())
    assert provenance("P1", sidecar)["warnings"] == []
    sidecar["Typicality"] = {"Score": 9.0, "Threshold": 2.2, "Unusual": True, "LikelyReason": "order of the sources"}
    sidecar["Registration"] = {"flair": {"applied": True}}
    told = provenance("P1", sidecar)
    assert "P1 looks unlike the training data" in told["warnings"][0]
    assert told["Registration"] == {"flair": {"applied": True}}
    assert "registration" not in told
