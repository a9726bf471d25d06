"""Faults that come together: through the commands, on real files."""

from __future__ import annotations

import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigWorkflow

from scripts.command_line.plain_errors import plain_cause

CONFIGS = Path(__file__).resolve().parent.parent / "bundle" / "configs"
SHAPE = (24, 28, 5)
FUSING = {"overview": "false", "typicality": "false"}

pytestmark = pytest.mark.usefixtures("process_as_it_was")


@pytest.fixture(autouse=True)
def _plain_process(monkeypatch):
    """Keep this process's own way of telling errors."""
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")


def run(config: str, **settings: object) -> None:
    """Do in this process what the command does."""
    given = {key: str(value) for key, value in settings.items()}
    file = str(CONFIGS / f"{config}.json")
    workflow = ConfigWorkflow(file, workflow_type="infer", logging_file=False, device="cpu", **given)
    workflow.initialize()
    workflow.run()


def test_a_damaged_file_in_a_bids_tree_is_made_up_for_by_resume_once_it_is_mended(tmp_path, write_patient, caplog):
    record = write_patient(tmp_path, "P", shape=SHAPE)
    tree = tmp_path / "bids"
    for subject in ("sub-01", "sub-02"):
        (tree / subject / "anat").mkdir(parents=True)
        for source, suffix in (("t1gd", "ce-gadolinium_T1w"), ("flair", "FLAIR")):
            (tree / subject / "anat" / f"{subject}_{suffix}.nii.gz").write_bytes(Path(record[source]).read_bytes())
    damaged = tree / "sub-02" / "anat" / "sub-02_FLAIR.nii.gz"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:])
    settings = {"dataset_dir": tree, "output_dir": tmp_path / "out", **FUSING}
    for _ in range(2):
        with pytest.raises(Exception) as raised:
            run("inference", **settings, resume="true")
        assert "1 of 2 patients could not be processed" in str(plain_cause(raised.value))
    first = tmp_path / "out" / "sub-01" / "sub-01_fused.nii.gz"
    made = first.stat().st_mtime_ns
    assert not (tmp_path / "out" / "sub-02").exists()
    damaged.write_bytes(whole)
    caplog.set_level("INFO")
    run("inference", **settings, resume="true")
    assert "2 patient(s) done (1 kept, 1 made anew)" in caplog.text
    assert first.stat().st_mtime_ns == made


def test_odd_names_go_through_every_command_and_results_may_lie_among_the_sources(tmp_path, write_patient):
    names = {"-rf": "%2Drf", " ": "%20", "ünï 名": "ünï 名", "a\n<b>": "a%0A%3Cb%3E"}
    for name in names:
        write_patient(tmp_path, name, shape=SHAPE)
    for _ in range(2):  # the second time the results of the first lie there
        run("inference", dataset_dir=tmp_path, output_dir=tmp_path, **FUSING)
    run("decompose", dataset_dir=tmp_path, output_dir=tmp_path / "back", overview="false")
    run("evaluate", dataset_dir=tmp_path, output_dir=tmp_path / "tables", metrics="false")
    assert {path.parent.name for path in tmp_path.glob("*/*_fused.nii.gz")} == set(names.values())
    assert {path.name for path in (tmp_path / "back").iterdir()} - {".finished"} == set(names.values())
    with open(tmp_path / "tables" / "patients.csv", encoding="utf-8", newline="") as stream:
        assert {row["patient"] for row in csv.DictReader(stream)} == set(names.values())
    run("report", dataset_dir=tmp_path / "%2Drf", sources_dir=tmp_path / "-rf", output_dir=tmp_path / "pages")
    assert list((tmp_path / "pages").rglob("%2Drf_report.html"))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_every_stored_type_comes_back(tmp_path, write_patient, dtype):
    write_patient(tmp_path / "data", "P", shape=SHAPE)
    run("inference", dataset_dir=tmp_path / "data", output_dir=tmp_path / "out", fused_dtype=dtype, **FUSING)
    run("decompose", dataset_dir=tmp_path / "out", output_dir=tmp_path / "back", overview="false")
    for source in ("t1gd", "flair"):
        name = f"P_{source}_decomposed.nii.gz"
        now, then = (np.asarray(nib.load(tmp_path / place / "P" / name).dataobj) for place in ("back", "out"))
        # A value halfway between two whole numbers may be rounded either way.
        assert np.abs(now.astype(float) - then).max() <= 1
        assert (now != then).mean() < 0.01
