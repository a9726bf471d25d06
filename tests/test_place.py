"""Results lie where their sources lie, whatever the headers say it with: through the commands, on real files."""

from __future__ import annotations

import csv
import json
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigWorkflow

from scripts.command_line.plain_errors import plain_cause
from scripts.data.coordinates import largest_distance

BUNDLE = Path(__file__).resolve().parent.parent / "bundle"
SHAPE = (24, 28, 5)
ROTATED = np.array([[0.0, -1.2, 0, 30.5], [-1.2, 0, 0, 40], [0, 0, 3, -20], [0, 0, 0, 1]])
SHEARED = np.array([[1.0, 0.2, 0, 30.5], [0, 1, 0, 40], [0, 0, 3, -20], [0, 0, 0, 1]])
METRES = np.diag([1e-3, 1e-3, 1e-3, 1])
ELSEWHERE = np.diag([1.0, 1, 3, 1])

# The forms in the header as (affine in its unit, code), the unit, and the place in mm.
HEADERS = {
    "qform-only": ((np.diag([9.0, 9, 9, 1]), 0), (ROTATED, 1), "mm", ROTATED),
    "no-codes": ((ROTATED, 0), (ROTATED, 0), "mm", None),
    "metre": ((METRES @ ROTATED, 1), (METRES @ ROTATED, 3), "meter", ROTATED),
    "sheared": ((SHEARED, 2), (ELSEWHERE, 0), "mm", SHEARED),
    "disagreeing": ((ROTATED, 4), (ELSEWHERE, 1), "mm", ROTATED),
}

pytestmark = pytest.mark.usefixtures("process_as_it_was")


def run(config, **settings):
    """Do in this process what the command does, with a small network."""
    given = {"device": "cpu", **settings}
    given = {key: str(value) if isinstance(value, Path) else value for key, value in given.items()}
    workflow = ConfigWorkflow(
        str(BUNDLE / "configs" / f"{config}.json"), workflow_type="infer", logging_file=False, **given
    )
    workflow.initialize()
    workflow.run()


def write_forms(path, sform, qform, unit):
    """Give a file these forms, behind nibabel's back, which would make them agree."""
    values = np.asarray(nib.load(path).dataobj)
    image = nib.Nifti1Image(values, None)
    image.header.set_qform(qform[0], qform[1])
    image.header.set_sform(sform[0], sform[1])
    image.header.set_xyzt_units(unit)
    nib.save(image, path)


@pytest.fixture
def patients(tmp_path, write_patient):
    """One patient for each header; returns where nibabel, which knows no units, places the sources."""
    places = {}
    for name, (sform, qform, unit, place) in HEADERS.items():
        record = write_patient(tmp_path / "data", name, shape=SHAPE)
        for source in ("t1gd", "flair"):
            write_forms(record[source], sform, qform, unit)
        places[name] = nib.load(record["t1gd"]).affine if place is None else place
    return places


def test_fused_decomposed_reported_evaluated_and_scored(tmp_path, patients, monkeypatch):
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")
    data, out, back = tmp_path / "data", tmp_path / "out", tmp_path / "back"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run("inference", dataset_dir=data, output_dir=out, overview="false", lossless="true", typicality="false")
    told = "\n".join(str(warning.message) for warning in caught)
    assert "its orientation is not given (the codes of sform and qform are 0)" in told
    assert "its unit of length is the metre, converted to mm" in told
    assert "disagreeing_t1ce.nii.gz: its sform and qform place it up to" in told
    assert "qform-only" not in told
    assert "sheared" not in told
    run("decompose", dataset_dir=out, output_dir=back, overview="false", lossless="true")
    for name, place in patients.items():
        (_, sform), (_, qform), *_ = HEADERS[name]
        files = [*(out / name).glob("*.nii.gz"), *(back / name).glob("*.nii.gz")]
        assert len(files) == 6
        for file in files:
            image = nib.load(file)
            assert largest_distance(image.affine, place, SHAPE) < 1e-3, file
            assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (sform, qform), file
            assert image.header.get_xyzt_units()[0] == "mm", file
        for source, suffix in (("t1gd", "t1ce"), ("flair", "flair")):
            original = nib.load(data / name / f"{name}_{suffix}.nii.gz").dataobj
            restored = nib.load(back / name / f"{name}_{source}_decomposed.nii.gz").dataobj
            assert np.array_equal(original, restored)

    for name in ("disagreeing", "metre"):
        run("report", dataset_dir=out / name, sources_dir=data, output_dir=tmp_path / "report")
        assert list((tmp_path / "report").rglob(f"{name}_report.html"))
    run("evaluate", dataset_dir=data, output_dir=tmp_path / "tables", metrics="false")
    assert json.loads((tmp_path / "tables" / "summary.json").read_text())["patients"] == len(HEADERS)
    run("score", fused=out, sources=data, decomposed=back, output_dir=tmp_path / "scores")
    with open(tmp_path / "scores" / "images.csv", encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == len(HEADERS)


def test_nan_around_the_head_is_background(tmp_path, write_patient, monkeypatch):
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")
    record = write_patient(tmp_path / "data", "P", shape=SHAPE)
    before = {source: nib.load(record[source]).get_fdata(dtype=np.float32) for source in ("t1gd", "flair")}
    for source, values in before.items():
        masked = np.where(values == 0, np.float32(np.nan), values)
        nib.save(nib.Nifti1Image(masked, nib.load(record[source]).affine), record[source])
    settings = {"output_dir": tmp_path / "out", "overview": "false", "typicality": "false", "lossless": "true"}
    with pytest.warns(UserWarning, match="NaN in .* voxels, all outside the head") as caught:
        run("inference", dataset_dir=tmp_path / "data", **settings)
    assert sum("NaN" in str(warning.message) for warning in caught) == 2
    run("decompose", dataset_dir=tmp_path / "out", output_dir=tmp_path / "back", overview="false", lossless="true")
    for source, values in before.items():
        restored = nib.load(tmp_path / "back" / "P" / f"P_{source}_decomposed.nii.gz").get_fdata()
        assert np.abs(restored - values).max() <= 1e-4 * values.max()


def test_a_damaged_fused_image_is_not_decomposed(tmp_path, write_patient, monkeypatch):
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")
    write_patient(tmp_path / "data", "P", shape=SHAPE)
    run("inference", dataset_dir=tmp_path / "data", output_dir=tmp_path / "out", overview="false", typicality="false")
    path = tmp_path / "out" / "P" / "P_fused.nii.gz"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1  # in the checksum: every voxel is there and right, but that is not known
    path.write_bytes(content)
    with pytest.raises(Exception) as raised:
        run("decompose", dataset_dir=tmp_path / "out", output_dir=tmp_path / "back", overview="false")
    assert "P_fused.nii.gz cannot be read as NIfTI" in str(plain_cause(raised.value))
    assert not list((tmp_path / "back").rglob("*.nii.gz"))
