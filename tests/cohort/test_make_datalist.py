"""A datalist is written from patterns of file names, and every command accepts it."""

from __future__ import annotations

import json

import pytest

from scripts.cohort.make_datalist import make_datalist, read_patterns
from scripts.data.discovery import find_patients
from scripts.data.errors import BadInputError
from warm_python import run_python

WEEK = "Imaging/Patient-00{}/week-000-1/HD-GLIO-AUTO-segmentation/registered"


@pytest.fixture
def lumiere(tmp_path):
    """Registered images of LUMIERE of two patients; the second has no FLAIR."""
    for number, words in ((1, ("CT1", "FLAIR")), (2, ("CT1",))):
        folder = tmp_path / "data" / WEEK.format(number)
        folder.mkdir(parents=True)
        for word in words:
            (folder / f"{word}_r2s_bet_reg.nii.gz").touch()
        (folder / "segmentation.nii.gz").touch()
        (folder.parents[1] / "CT1.nii.gz").touch()
    return tmp_path / "data"


def test_the_command_says_what_matched_and_what_did_not(lumiere, repository, tmp_path):
    command = ["-m", "monai.bundle", "run", "--config_file", "bundle/configs/make_datalist.json"]
    patterns = ", ".join(f"{key}=registered/{word}" for key, word in (("t1gd", "CT1*"), ("flair", "*FLAIR*")))
    target = tmp_path / "lists" / "registered.json"
    options = ["--dataset_dir", str(lumiere), "--pattern", f"{patterns}, seg=registered/segmentation*"]
    done = run_python(*command, *options, "--datalist", target, cwd=repository)
    assert done.returncode == 0, done.stderr[-2000:]
    folder = lumiere / WEEK.format(1)
    assert json.loads(target.read_text()) == {
        "training": [
            {
                "patient": "Patient-001",
                "t1gd": str(folder / "CT1_r2s_bet_reg.nii.gz"),
                "flair": str(folder / "FLAIR_r2s_bet_reg.nii.gz"),
                "seg": str(folder / "segmentation.nii.gz"),
            }
        ]
    }
    assert "lists 1 patient(s); files that matched: 2 t1gd, 1 flair, 2 seg." in done.stdout
    assert "1 patient(s) left out:\n- Patient-002: no file matches the pattern of flair" in done.stdout
    assert "2 × matches no pattern: Imaging/Patient-001/week-000-1/CT1.nii.gz" in done.stdout
    (record,) = find_patients(lumiere, datalist=target)
    assert record["patient"] == "Patient-001" and "problem" not in record


def test_without_a_name_the_data_set_finds_its_own_datalist(lumiere):
    target = make_datalist(lumiere, {"t1gd": "registered/CT1*", "flair": "registered/FLAIR*"})
    assert target == lumiere / "datalist.json"
    (record,) = find_patients(lumiere)
    assert record["flair"] == str(lumiere / WEEK.format(1) / "FLAIR_r2s_bet_reg.nii.gz")
    with pytest.raises(BadInputError, match=r"datalist\.json already exists"):
        make_datalist(lumiere, {"t1gd": "registered/CT1*", "flair": "registered/FLAIR*"})


def test_placeholders_name_patient_and_visit_across_folders(tmp_path):
    for name in ("post/s1_2.nii.gz", "dark/s1_2.nii.gz", "post/s1_3.nii.gz", "dark/s1_3.nii.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    make_datalist(tmp_path, ["t1gd=post/{patient}_{visit}.nii*", "flair=dark/{patient}_{visit}.nii*"])
    assert [record["patient"] for record in find_patients(tmp_path)] == ["s1_ses-2", "s1_ses-3"]


def test_two_files_for_one_pattern_leave_that_patient_out(tmp_path, caplog):
    for name in ("A/pre.nii.gz", "A/pre2.nii.gz", "A/dark.nii.gz", "B/pre.nii.gz", "B/dark.nii.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    make_datalist(tmp_path, "t1gd=pre*, flair=DARK*")
    assert [record["patient"] for record in find_patients(tmp_path)] == ["B"]
    assert "A: 2 files match the pattern of t1gd: A/pre.nii.gz, A/pre2.nii.gz" in caplog.text


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (None, "expected two or more sources"),
        ("t1gd=*CT1*", "expected two or more sources"),
        ("*CT1*, *FLAIR*", "expected a source, = and a pattern"),
        ("t1gd=a, t1gd=b", "has two patterns for t1gd"),
        ("t1gd=, flair=b", "has no pattern for t1gd"),
        ("../x=a, flair=b", "a source is '../x'"),
    ],
)
def test_patterns_that_cannot_be_read_are_refused(pattern, message):
    with pytest.raises(BadInputError, match=message):
        read_patterns(pattern)


def test_where_nothing_matches_no_file_is_written(lumiere):
    with pytest.raises(BadInputError, match=r"no patient .* has an image for each of t1gd, flair \(found: 0 t1gd"):
        make_datalist(lumiere, "t1gd=*x*, flair=*y*")
    assert not (lumiere / "datalist.json").exists()
