import shutil

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from phantom_studies.study import write_series, write_study  # noqa: E402
from scripts.data.errors import BadInputError  # noqa: E402
from scripts.dicom.find_studies import find_studies  # noqa: E402

VOLUME = np.random.default_rng(0).integers(0, 900, (6, 8, 4))
AFFINE = np.diag([-1.0, -1.25, 4.0, 1.0])
PAIR = {"t1gd": (VOLUME, AFFINE), "flair": (VOLUME, AFFINE)}
ALL = dict.fromkeys(("t1gd", "flair", "t1", "t2", "dwi", "adc"), (VOLUME, AFFINE))


def numbers(record):
    return {source: choice.series.facts.number for source, choice in record["series"].items()}


@pytest.mark.parametrize("vendor", ["SIEMENS", "GE", "Philips"])
@pytest.mark.parametrize("enhanced", [False, True])
def test_the_pair_is_found_in_a_mixed_study(tmp_path, vendor, enhanced):
    write_study(tmp_path, ALL, sources=tuple(ALL), vendor=vendor, enhanced=enhanced)
    (record,) = find_studies(tmp_path)
    assert numbers(record) == {"t1gd": 9, "flair": 6}
    (record,) = find_studies(tmp_path, ("adc", "flair"))
    assert numbers(record) == {"adc": 5, "flair": 6}
    assert record["patient"].startswith("study-")


def test_each_study_is_a_record(tmp_path):
    for patient in ("A", "B"):
        write_study(tmp_path / patient, PAIR, patient_id=patient)
    records = find_studies(tmp_path)
    assert [numbers(record) for record in records] == [{"t1gd": 9, "flair": 6}] * 2
    for record in records:
        assert len({choice.series.patient_key for choice in record["series"].values()}) == 1


def test_series_of_different_patients_make_no_pair(tmp_path):
    write_series(tmp_path / "1", VOLUME, AFFINE, source="t1gd", patient_id="A")
    write_series(tmp_path / "2", VOLUME, AFFINE, source="flair", patient_id="B")
    problems = sorted(record["problem"].split(": ", 1)[1] for record in find_studies(tmp_path))
    assert problems[0].startswith("no series was recognised as FLAIR. If one is, name it by --flair")
    assert problems[1].startswith("no series was recognised as T1-Gd. If one is, name it by --t1gd")


def test_a_patient_hidden_in_another_s_study_is_refused(tmp_path):
    write_series(tmp_path / "1", VOLUME, AFFINE, source="t1gd", patient_id="A", study_uid="1.2.3.4")
    write_series(tmp_path / "2", VOLUME, AFFINE, source="flair", patient_id="B", study_uid="1.2.3.4")
    (record,) = find_studies(tmp_path)
    assert "several patients under one study" in record["problem"]


def test_a_study_with_neither_source_is_left_out(tmp_path):
    write_study(tmp_path / "a", PAIR, patient_id="A")
    write_series(tmp_path / "b", VOLUME, AFFINE, source="t2", patient_id="B")
    assert len(find_studies(tmp_path)) == 1


def test_the_user_s_name_decides(tmp_path):
    written = write_study(tmp_path, ALL, sources=tuple(ALL))
    uid = str(pydicom.dcmread(written["t1"][0]).SeriesInstanceUID)
    write_study(tmp_path / "other", PAIR, patient_id="B")
    (record,) = find_studies(tmp_path, named={"t1gd": uid})
    assert numbers(record) == {"t1gd": 2, "flair": 6}
    assert record["series"]["t1gd"].reasons[0] == f"named by {uid}"
    with pytest.raises(BadInputError, match=r"no series in .* has the UID 1\.2\.3\.4\.5"):
        find_studies(tmp_path, named={"t1gd": "1.2.3.4.5"})
    with pytest.raises(BadInputError, match="a series is named for t2, but the sources are t1gd, flair"):
        find_studies(tmp_path, named={"t2": 3})


def test_fused_series_are_no_sources(fused_study, study_folder, tmp_path):
    shutil.copytree(study_folder, tmp_path / "study")
    shutil.copytree(fused_study.folder / "fused", tmp_path / "study" / "fused")
    (record,) = find_studies(tmp_path)
    assert numbers(record) == {"t1gd": 9, "flair": 6}


def test_names_tell_nothing_of_the_patient_unless_asked_for(tmp_path):
    write_study(tmp_path, PAIR, patient_id="H/47 11", patient_name="Musterfrau^Erika")
    (record,) = find_studies(tmp_path)
    assert "47" not in record["patient"].removeprefix("study-") or len(record["patient"]) == len("study-") + 10
    assert "Musterfrau" not in repr(record)
    (record,) = find_studies(tmp_path, patient_names="id")
    assert record["patient"] == "H_47_11"


def test_two_studies_of_one_id_have_names_of_their_own(tmp_path):
    for study in ("1.2.3", "1.2.4"):
        write_study(tmp_path / study, PAIR, patient_id="A", study_uid=study)
    assert [record["patient"] for record in find_studies(tmp_path, patient_names="id")] == ["A", "A_2"]
    with pytest.raises(BadInputError, match="patient_names is name, expected one of pseudonym, id"):
        find_studies(tmp_path, patient_names="name")


def test_damaged_files_beside_the_slices_are_warned_of(tmp_path):
    path = write_study(tmp_path, PAIR)["flair"][-1]
    path.write_bytes(path.read_bytes()[:600])
    (record,) = find_studies(tmp_path)
    assert record["warnings"] == [
        "0006-0004.dcm next to the flair series cannot be read as DICOM: slices at an end of it may be missing"
    ]


def test_folders_without_a_study_say_what_they_hold(tmp_path):
    (tmp_path / "a.nii.gz").touch()
    with pytest.raises(BadInputError, match=r"no DICOM series in .* \(1 other files\)"):
        find_studies(tmp_path)
    write_series(tmp_path, VOLUME, AFFINE, source="localizer")
    with pytest.raises(BadInputError, match=r"none of t1gd, flair is among the 1 series(.|\n)*a localizer"):
        find_studies(tmp_path)
