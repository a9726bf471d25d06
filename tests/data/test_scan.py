"""Scanning a folder once; files that cannot be used are listed and do not affect others."""

from __future__ import annotations

import logging
import os
import random
import time

import pytest

from scripts.data.discovery import find_patients
from scripts.data.errors import BadInputError
from scripts.data.naming import is_nifti
from scripts.data.scan import scan_folder


@pytest.fixture
def patient(tmp_path):
    """A data set of one patient."""
    folder = tmp_path / "X"
    folder.mkdir()
    for word in ("t1ce", "flair"):
        (folder / f"X_{word}.nii.gz").touch()
    return tmp_path


def test_links_that_lead_nowhere_or_in_circles_are_left_out(patient, caplog):
    (patient / "Y").mkdir()
    (patient / "Y" / "Y_t1ce.nii.gz").symlink_to(patient / "gone.nii.gz")
    (patient / "Y" / "a.nii.gz").symlink_to(patient / "Y" / "b.nii.gz")
    (patient / "Y" / "b.nii.gz").symlink_to(patient / "Y" / "a.nii.gz")
    (patient / "Y" / "up").symlink_to(patient)
    assert [record["patient"] for record in find_patients(patient)] == ["X"]
    assert "3 × link to a file that does not exist: Y/Y_t1ce.nii.gz, Y/a.nii.gz, Y/b.nii.gz" in caplog.text


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_folder_that_may_not_be_read_is_left_out(patient, caplog):
    closed = patient / "closed"
    closed.mkdir(mode=0)
    try:
        assert len(find_patients(patient)) == 1
    finally:
        closed.chmod(0o700)
    assert "folder that cannot be read" in caplog.text


def test_names_that_cannot_be_printed_do_no_harm(patient, caplog):
    for name in (b"X/\xff\xfe.nii.gz", b"X/a\nb.nii.gz"):
        (patient / os.fsdecode(name)).touch()
    with caplog.at_level(logging.INFO):
        assert len(find_patients(patient)) == 1
    assert "2 × no known contrast in the name: X/a?b.nii.gz, X/??.nii.gz" in caplog.text


def test_any_name_is_read_or_given_a_reason(tmp_path):
    letters = random.Random(0)
    words = ["sub-", "ses-1", "T1w", "_", "-", ".", "t1ce", "flair", "seg", "VSD.Brain.", "MR_", "week-1", "0001", "é"]
    for _ in range(300):
        folders = ["".join(letters.choices(words, k=2)).strip(".") or "x" for _ in range(letters.randint(0, 3))]
        name = "".join(letters.choices(words, k=letters.randint(1, 5)))
        path = tmp_path.joinpath(*folders, f"x{name}.nii.gz" if name.startswith(".") else f"{name}.nii.gz")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    try:
        records = find_patients(tmp_path)
    except BadInputError:
        records = []
    names = [record["patient"] for record in records]
    assert len(set(names)) == len(names)


def test_a_doubled_extension_is_read_as_one(tmp_path):
    for word in ("t1ce", "flair"):
        (tmp_path / f"X_{word}.nii.nii.gz").touch()
    (record,) = find_patients(tmp_path)
    assert record["patient"] == "X" and record["flair"].endswith("X_flair.nii.nii.gz")


def test_ten_files_are_named_for_each_reason_and_all_on_request(patient, caplog):
    for number in range(12):
        (patient / "X" / f"map{number:02d}.nii.gz").touch()
    (patient / "X" / "X_t2.nii.gz").touch()
    (patient / "X" / "X_t1.mha").touch()
    with caplog.at_level(logging.DEBUG):
        find_patients(patient)
    warning, message = (record for record in caplog.records if record.levelno > logging.DEBUG)
    assert warning.getMessage() == (
        "1 image file(s) skipped:\n- 1 × not NIfTI; fusioninn unregistered reads NRRD and MetaImage: X/X_t1.mha"
    )
    assert message.levelno == logging.INFO
    first = ", ".join(f"X/map{number:02d}.nii.gz" for number in range(10))
    assert f"- 12 × no known contrast in the name: {first} and 2 more" in message.getMessage()
    assert "- 1 × contrast that is not fused: X/X_t2.nii.gz" in message.getMessage()
    assert sum(record.levelno == logging.DEBUG for record in caplog.records) == 14


def test_where_no_patient_is_found_every_image_is_named_with_the_reason(tmp_path):
    (tmp_path / "sub-01_T1w.nii.gz").symlink_to("gone")
    (tmp_path / "brain.nii.gz").touch()
    (tmp_path / "slice.dcm").touch()
    with pytest.raises(BadInputError) as caught:
        find_patients(tmp_path)
    message = str(caught.value)
    assert "1 × link to a file that does not exist: sub-01_T1w.nii.gz" in message
    assert "1 × no known contrast in the name: brain.nii.gz" in message
    assert "1 files are DICOM" in message and "fusioninn study" in message
    assert "fusioninn datalist" in message


def test_five_thousand_files_take_less_than_a_few_seconds(tmp_path):
    for number in range(1000):
        folder = tmp_path / f"P{number:04d}"
        folder.mkdir()
        for word in ("t1", "t1ce", "t2", "flair", "seg"):
            os.close(os.open(folder / f"{folder.name}_{word}.nii.gz", os.O_CREAT))
    start = time.process_time()
    assert len(find_patients(tmp_path)) == 1000
    assert time.process_time() - start < 3


def test_files_are_in_the_order_of_their_folders(patient):
    (patient / "A").mkdir()
    (patient / "A" / "A_t1ce.nii.gz").touch()
    assert [str(place) for place in scan_folder(patient, is_nifti).images] == [
        "A/A_t1ce.nii.gz",
        "X/X_flair.nii.gz",
        "X/X_t1ce.nii.gz",
    ]
