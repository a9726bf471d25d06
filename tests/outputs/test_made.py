"""Kinds of files for the last lines of a command."""

from __future__ import annotations

from scripts.outputs.made import kind_of


def test_the_name_of_a_patient_is_replaced_in_folders_and_files():
    assert kind_of("OUT/P1/P1_fused.nii.gz", "OUT", "P1", "patient") == "OUT/<patient>/<patient>_fused.nii.gz"
    assert kind_of("OUT/01_fused.png", "OUT", "01", "picture") == "OUT/<picture>_fused.png"


def test_the_output_folder_stays_as_the_user_named_it():
    assert kind_of("P1/P1/P1_fused.json", "P1", "P1", "patient") == "P1/<patient>/<patient>_fused.json"
    assert kind_of("/d/OUT/tables/slices.csv", "/d/OUT", "slices", "patient") == "/d/OUT/tables/<patient>.csv"
    assert kind_of("elsewhere/list.json", "OUT") == "elsewhere/list.json"


def test_slices_of_a_series_are_one_kind():
    assert kind_of("OUT/S/fused/0007.dcm", "OUT", "S", "patient") == "OUT/<patient>/fused/*.dcm"


def test_results_of_all_subjects_of_a_bids_derivative_are_of_one_kind():
    file = "OUT/sub-1/ses-2/anat/sub-1_ses-2_ce-gd_desc-fused_T1w.nii.gz"
    kind = "OUT/sub-<label>/ses-<label>/anat/sub-<label>_ses-<label>_ce-gd_desc-fused_T1w.nii.gz"
    assert kind_of(file, "OUT", "sub-1_ses-2", "patient") == kind
