"""Results as a BIDS derivative, checked with the BIDS validator."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigWorkflow

from scripts.data.discovery import find_patients

BUNDLE = Path(__file__).resolve().parent.parent / "bundle"
WEIGHTS = BUNDLE / "models" / "model.pt"
VALIDATOR = Path(sys.executable).with_name("bids-validator-deno")
T1W = "sub-01_ses-1_acq-mprage_ce-gadolinium_run-1"

pytestmark = pytest.mark.skipif(not WEIGHTS.is_file(), reason="no weights are shipped with this copy")


@pytest.fixture
def command(monkeypatch, process_as_it_was) -> Callable[..., None]:
    """Return a function that does in this process what the command does."""
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")

    def run(configs: str, **overrides: object) -> None:
        files = [str(BUNDLE / "configs" / f"{config}.json") for config in configs.split(" + ")]
        settings = {**({} if configs == "score" else {"overview": False, "device": "cpu"}), **overrides}
        settings = {key: str(value) if isinstance(value, Path) else value for key, value in settings.items()}
        workflow = ConfigWorkflow(files, workflow_type="infer", logging_file=False, **settings)
        workflow.initialize()
        workflow.run()

    return run


@pytest.fixture
def raw(tmp_path, write_patient) -> Path:
    """A raw BIDS data set: a subject with a session, and one without."""
    root = tmp_path / "raw"
    for stem, patient in ((T1W, "sub-01_ses-1"), ("sub-02_ce-gadolinium", "sub-02")):
        made = write_patient(tmp_path / "made", patient)
        folder = root.joinpath(*patient.split("_"), "anat")
        folder.mkdir(parents=True)
        shutil.copy(made["t1gd"], folder / f"{stem}_T1w.nii.gz")
        shutil.copy(made["flair"], folder / f"{patient}_FLAIR.nii.gz")
    content = {"Name": "raw", "BIDSVersion": "1.9.0", "License": "CC0", "DatasetDOI": "doi:10.18112/openneuro.ds1"}
    (root / "dataset_description.json").write_text(json.dumps(content))
    return root


def errors(folder: Path) -> list[str]:
    """Return the errors that the BIDS validator finds in a derivative."""
    if not VALIDATOR.is_file():
        pytest.skip("no bids-validator: pip install -r requirements-dev.txt")
    line = [str(VALIDATOR), str(folder), "--datasetTypes", "derivative", "--format", "json"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300)
    issues = json.loads(done.stdout)["issues"]["issues"]
    return [
        f"{issue['code']} {issue.get('subCode', '')} {issue['location']}"
        for issue in issues
        if issue["severity"] == "error"
    ]


def names(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


@pytest.mark.slow
def test_the_validator_finds_what_is_wrong(raw, command, tmp_path):
    command("inference", dataset_dir=raw, output_dir=tmp_path / "out", layout="bids", lossless=True, overview=True)
    assert errors(tmp_path / "out") == []
    (tmp_path / "out" / "sub-02" / "anat" / "sub-02_fused.nii.gz").write_bytes(b"")
    sidecar = tmp_path / "out" / "sub-02" / "anat" / "sub-02_desc-decomposed_FLAIR.json"
    sidecar.write_text("{}")
    found = " ".join(errors(tmp_path / "out"))
    assert "NOT_INCLUDED" in found
    assert "SkullStripped" in found


@pytest.mark.slow
def test_results_are_fused_found_decomposed_and_kept(raw, command, tmp_path):
    out = raw / "derivatives" / "fusioninn"
    settings = {"dataset_dir": raw, "output_dir": out, "layout": "bids", "uncertainty": True, "contribution": True}
    command("inference", **settings, report=True)
    assert errors(out) == []
    first, second = "sub-01/ses-1/anat/sub-01_ses-1", "sub-02/anat/sub-02"
    assert names(out / "sub-02" / "anat") == [
        "sub-02_ce-gadolinium_desc-contribution_T1w.json",
        "sub-02_ce-gadolinium_desc-contribution_T1w.nii.gz",
        "sub-02_ce-gadolinium_desc-decomposed_T1w.json",
        "sub-02_ce-gadolinium_desc-decomposed_T1w.nii.gz",
        "sub-02_ce-gadolinium_desc-fused_T1w.json",
        "sub-02_ce-gadolinium_desc-fused_T1w.nii.gz",
        "sub-02_ce-gadolinium_desc-uncertainty_T1w.json",
        "sub-02_ce-gadolinium_desc-uncertainty_T1w.nii.gz",
        "sub-02_desc-contribution_FLAIR.json",
        "sub-02_desc-contribution_FLAIR.nii.gz",
        "sub-02_desc-decomposed_FLAIR.json",
        "sub-02_desc-decomposed_FLAIR.nii.gz",
        "sub-02_desc-fused_report.html",
        "sub-02_desc-uncertainty_FLAIR.json",
        "sub-02_desc-uncertainty_FLAIR.nii.gz",
    ]
    record = json.loads((out / "sub-01/ses-1/anat" / f"{T1W}_desc-fused_T1w.json").read_text())
    assert record["Sources"] == [
        f"bids:sources:sub-01/ses-1/anat/{T1W}_T1w.nii.gz",
        f"bids:sources:{first}_FLAIR.nii.gz",
    ]
    assert record["SpatialReference"] == record["Sources"][0]
    assert record["UncertaintyFiles"][1] == "sub-01_ses-1_desc-uncertainty_FLAIR.nii.gz"
    estimate = json.loads((out / f"{second}_desc-decomposed_FLAIR.json").read_text())
    assert estimate["Sources"] == ["bids::sub-02/anat/sub-02_ce-gadolinium_desc-fused_T1w.nii.gz"]
    assert estimate["Estimate"] is True
    assert "not an acquired image" in estimate["Description"]
    assert "research use only" in estimate["ResearchUseOnly"].lower()
    about = json.loads((out / "dataset_description.json").read_text())
    assert (about["License"], about["DatasetLinks"]) == ("CC0", {"sources": "../.."})

    before = {name: (out / name).stat().st_mtime_ns for name in names(out)}
    command("inference", **settings, report=True, resume=True)
    assert {name: (out / name).stat().st_mtime_ns for name in names(out)} == before

    command("decompose", dataset_dir=out, layout="bids")
    back = out / "derivatives" / "decomposed"
    assert errors(back) == []
    written, again = (nib.load(folder / f"{first}_desc-decomposed_FLAIR.nii.gz") for folder in (out, back))
    assert np.array_equal(written.get_fdata(), again.get_fdata())
    assert np.array_equal(written.affine, again.affine)
    about = json.loads((back / f"{second}_desc-decomposed_FLAIR.json").read_text())
    assert about["Sources"] == ["bids:fused:sub-02/anat/sub-02_ce-gadolinium_desc-fused_T1w.nii.gz"]

    command("decompose", dataset_dir=out)
    assert errors(out) == []
    plain = out / "decomposed" / "sub-01_ses-1" / "sub-01_ses-1_t1gd_decomposed.nii.gz"
    assert np.array_equal(
        nib.load(plain).get_fdata(), nib.load(out / f"sub-01/ses-1/anat/{T1W}_desc-decomposed_T1w.nii.gz").get_fdata()
    )
    # the results among the raw data are no new patients, and no other version of the sources
    assert [record["flair"] for record in find_patients(raw)] == [
        str(raw / f"{first}_FLAIR.nii.gz"),
        str(raw / f"{second}_FLAIR.nii.gz"),
    ]


def test_the_same_voxels_as_in_the_usual_layout_come_with_the_name_of_the_patient(command, tmp_path, write_patient):
    write_patient(tmp_path / "data", "TCGA-DU-7294")
    command("inference", dataset_dir=tmp_path / "data", output_dir=tmp_path / "usual")
    command("inference", dataset_dir=tmp_path / "data", output_dir=tmp_path / "bids", layout="bids", lossless=False)
    assert errors(tmp_path / "bids") == []
    anat = tmp_path / "bids" / "sub-TCGADU7294" / "anat"
    usual = nib.load(tmp_path / "usual" / "TCGA-DU-7294" / "TCGA-DU-7294_fused.nii.gz")
    fused = nib.load(anat / "sub-TCGADU7294_ce-gadolinium_desc-fused_T1w.nii.gz")
    assert np.array_equal(np.asarray(fused.dataobj.get_unscaled()), np.asarray(usual.dataobj.get_unscaled()))
    record = json.loads((anat / "sub-TCGADU7294_ce-gadolinium_desc-fused_T1w.json").read_text())
    assert record["Patient"] == "TCGA-DU-7294"
    assert record["SpatialReference"] == "orig"
    bids = str(tmp_path / "bids")
    score = {"fused": bids, "sources": str(tmp_path / "data"), "decomposed": bids, "output_dir": tmp_path / "scores"}
    command("score", **score)
    (row, *_) = (tmp_path / "scores" / "images.csv").read_text().splitlines()[1:]
    assert row.startswith("TCGA-DU-7294,")
    command("decompose", dataset_dir=tmp_path / "bids", output_dir=tmp_path / "back")
    assert names(tmp_path / "back") == [
        "TCGA-DU-7294/TCGA-DU-7294_flair_decomposed.nii.gz",
        "TCGA-DU-7294/TCGA-DU-7294_t1gd_decomposed.nii.gz",
    ]


def test_results_of_another_run_are_replaced_and_other_files_stay(command, tmp_path, write_patient):
    write_patient(tmp_path / "data", "P1")
    settings = {"dataset_dir": tmp_path / "data", "output_dir": tmp_path / "out", "layout": "bids"}
    command("inference", **settings, contribution=True, lossless=True)
    anat = tmp_path / "out" / "sub-P1" / "anat"
    shutil.copy(anat / "sub-P1_desc-decomposed_FLAIR.nii.gz", anat / "sub-P1_desc-preproc_FLAIR.nii.gz")
    command("inference", **settings)
    assert names(anat) == [
        "sub-P1_ce-gadolinium_desc-decomposed_T1w.json",
        "sub-P1_ce-gadolinium_desc-decomposed_T1w.nii.gz",
        "sub-P1_ce-gadolinium_desc-fused_T1w.json",
        "sub-P1_ce-gadolinium_desc-fused_T1w.nii.gz",
        "sub-P1_desc-decomposed_FLAIR.json",
        "sub-P1_desc-decomposed_FLAIR.nii.gz",
        "sub-P1_desc-preproc_FLAIR.nii.gz",
    ]


def test_patients_that_bids_cannot_tell_apart_are_refused_and_the_others_written(
    refused, command, tmp_path, write_patient
):
    for patient in ("P-1", "P1", "P2"):
        write_patient(tmp_path / "data", patient)
    settings = {"dataset_dir": tmp_path / "data", "output_dir": tmp_path / "out", "layout": "bids"}
    told = refused("inference", **settings)
    assert "2 of 3 patients could not be processed" in told
    assert "P-1 and P1 would both be sub-P1 in BIDS" in told
    assert sorted(path.name for path in (tmp_path / "out").glob("sub-*")) == ["sub-P2"]
    # nor does a later run replace another patient's results
    shutil.rmtree(tmp_path / "data" / "P2")
    shutil.rmtree(tmp_path / "data" / "P1")
    command("inference", **settings)
    write_patient(tmp_path / "data", "P1")
    shutil.rmtree(tmp_path / "data" / "P-1")
    assert "P1 and P-1 would both be sub-P1 in BIDS" in refused("inference", **settings)


def test_the_data_set_of_the_sources_is_no_place_for_results(refused, raw):
    before = names(raw)
    told = refused("inference", dataset_dir=raw, output_dir=raw, layout="bids")
    assert "is a data set of its own" in told
    assert f"{raw}/derivatives/fusioninn" in told
    assert names(raw) == before


def test_a_layout_that_is_unknown_is_refused(refused, raw, tmp_path):
    told = refused("inference", dataset_dir=raw, output_dir=tmp_path / "out", layout="BIDS ")
    assert told == "layout is 'BIDS ', expected patients or bids."


def test_a_renamed_subject_is_found_and_a_sidecar_of_another_refused(command, refused, raw, tmp_path):
    out = tmp_path / "out"
    command("inference", dataset_dir=raw, output_dir=out, layout="bids")
    anat = out / "sub-02" / "anat"
    stem = "ce-gadolinium_desc-fused_T1w"
    shutil.copy(out / "sub-01/ses-1/anat" / f"{T1W}_desc-fused_T1w.json", anat / f"sub-02_{stem}.json")
    assert "belong to different fusions" in refused("decompose", dataset_dir=out, output_dir=tmp_path / "back")


def test_a_study_becomes_nifti_without_its_identity(command, tmp_path):
    pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")
    from phantom_studies.study import write_study

    volumes = {}
    for source, name in (("t1gd", "t1ce"), ("flair", "flair")):
        image = nib.load(BUNDLE / "example" / "phantom-01" / f"phantom-01_{name}.nii.gz").slicer[60:140, 60:132, 20:26]
        volumes[source] = (np.asarray(image.dataobj), image.affine)
    write_study(tmp_path / "study", volumes)
    settings = {"skull_stripping": False, "register": "never", "report": False}
    pairs = {"layout": "bids", "slices_at_once": 2}
    command("inference + study", dataset_dir=tmp_path / "study", output_dir=tmp_path / "out", **pairs, **settings)
    assert errors(tmp_path / "out") == []
    assert not list((tmp_path / "out").rglob("*.dcm"))
    (record,) = (tmp_path / "out").rglob("*_desc-fused_T1w.json")
    assert json.loads(record.read_text())["SpatialReference"] == "orig"
    command("decompose", dataset_dir=tmp_path / "out", output_dir=tmp_path / "back", **pairs)
    assert errors(tmp_path / "back") == []
    for file in (tmp_path / "out").rglob("*decomposed*.nii.gz"):
        again = tmp_path / "back" / file.relative_to(tmp_path / "out")
        assert np.array_equal(nib.load(file).get_fdata(), nib.load(again).get_fdata())


def test_a_sidecar_that_names_another_patient_changes_no_other_result(command, refused, raw, tmp_path):
    out = tmp_path / "out"
    command("inference", dataset_dir=raw, output_dir=out, layout="bids")
    sidecar = out / "sub-02" / "anat" / "sub-02_ce-gadolinium_desc-fused_T1w.json"
    content = json.loads(sidecar.read_text())
    for patient in (3, None, "", "x" * 400, "../../etc", "sub-03", ["sub-02"]):
        sidecar.write_text(json.dumps({**content, "Patient": patient}))
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        settings = {"dataset_dir": out, "output_dir": tmp_path / "back", "layout": "bids"}
        if isinstance(patient, str):  # a name may be changed: the file's own name counts
            command("decompose", **settings)
        else:
            told = refused("decompose", **settings)
            assert "1 of 2 patients could not be processed" in told
            assert '"Patient"' in told
        made = {path.relative_to(tmp_path / "back").parts[0] for path in (tmp_path / "back").rglob("*.nii.gz")}
        assert made <= {"sub-01", "sub-02"}
        assert {path: path.read_bytes() for path in before} == before
        shutil.rmtree(tmp_path / "back", ignore_errors=True)
