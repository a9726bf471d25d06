"""Names of results in a BIDS derivative."""

from __future__ import annotations

import pytest

from scripts.data.errors import BadInputError
from scripts.outputs.bids_names import bids_beginning, bids_fused, bids_names, is_result_of, names_of
from scripts.outputs.result_names import ResultNames


@pytest.mark.parametrize(
    ("patient", "beginning"),
    [
        ("sub-01", "sub-01"),
        ("sub-01_ses-2", "sub-01_ses-2"),
        ("phantom-01", "sub-phantom01"),
        ("TCGA-DU-7294", "sub-TCGADU7294"),
        ("TCGA_DU_7294_19890104", "sub-TCGADU7294_ses-19890104"),
        ("BraTS-GLI-00005-001", "sub-BraTSGLI00005_ses-001"),
        ("Patient-001_week-000-1", "sub-Patient001_ses-week0001"),
        ("P1_ses-0", "sub-P1_ses-0"),
        ("RHUH-0001_2", "sub-RHUH0001_ses-2"),
        ("Müller", "sub-Muller"),
        ("a%2Fb", "sub-ab"),
    ],
)
def test_a_patient_becomes_a_subject_and_a_visit_a_session(patient, beginning):
    assert bids_beginning(patient) == beginning


def test_a_name_without_letters_of_bids_is_refused():
    with pytest.raises(BadInputError, match=r"'患者' cannot be a BIDS subject.*Rename the patient"):
        bids_beginning("患者")


def test_results_of_other_names_get_the_suffix_of_their_contrast():
    names = bids_names("P-1", {"t1gd": "P-1_t1ce.nii.gz", "flair": "P-1_flair.nii.gz"})
    assert names.folders == ("sub-P1", "anat")
    assert names.fused == "sub-P1_ce-gadolinium_desc-fused_T1w.nii.gz"
    assert names.sidecar == "sub-P1_ce-gadolinium_desc-fused_T1w.json"
    assert names.estimate("flair") == "sub-P1_desc-decomposed_FLAIR.nii.gz"
    assert names.map("t1gd", "uncertainty") == "sub-P1_ce-gadolinium_desc-uncertainty_T1w.nii.gz"
    assert names.latent == "sub-P1_desc-fused_latent.nii.gz"
    assert names.overview() == "sub-P1_desc-fused_overview.png"
    assert names.overview(decomposed=True) == "sub-P1_desc-decomposed_overview.png"
    assert names.report == "sub-P1_desc-fused_report.html"
    assert names.map_sidecar("uncertainty") is None


def test_results_of_bids_files_keep_their_entities_but_desc():
    raw = (
        "bids:sources:sub-01/ses-2/anat/sub-01_ses-2_acq-mprage_ce-gd_run-1_space-MNI152NLin6Asym_desc-brain_T1w.nii.gz"
    )
    names = bids_names("sub-01_ses-2", {"t1gd": raw, "flair": "sub-01_ses-2_FLAIR.nii"})
    assert names.folders == ("sub-01", "ses-2", "anat")
    assert names.estimate("t1gd") == (
        "sub-01_ses-2_acq-mprage_ce-gd_run-1_space-MNI152NLin6Asym_desc-decomposed_T1w.nii.gz"
    )
    assert names.estimate("flair") == "sub-01_ses-2_desc-decomposed_FLAIR.nii.gz"


def test_a_source_without_a_suffix_in_bids_is_refused():
    with pytest.raises(BadInputError, match="the source dwi has no BIDS suffix"):
        bids_names("P1", {"dwi": "P1_dwi.nii.gz", "flair": "P1_flair.nii.gz"})


def test_two_sources_of_one_name_are_refused():
    with pytest.raises(BadInputError, match="two sources would have the same BIDS name"):
        bids_names("P1", {"t1": "a_t1.nii.gz", "T1w": "b.nii.gz"})


def test_fused_images_are_found_by_their_names():
    assert bids_fused("x/sub-01_ses-2_ce-gadolinium_desc-fused_T1w.nii.gz") == "sub-01_ses-2"
    for other in (
        "sub-01_desc-fused_latent.nii.gz",
        "sub-01_desc-decomposed_T1w.nii.gz",
        "sub-01_desc-fused_T1w.json",
        "P1_fused.nii.gz",
    ):
        assert bids_fused(other) is None


def test_only_results_of_the_patient_are_its_results():
    assert is_result_of("sub-01_desc-fused_report.html", "sub-01")
    assert is_result_of("sub-01_ce-gadolinium_desc-uncertainty_T1w.nii.gz", "sub-01")
    assert not is_result_of("sub-01_ses-2_desc-fused_T1w.json", "sub-01")
    assert not is_result_of("sub-01_desc-preproc_T1w.nii.gz", "sub-01")
    assert not is_result_of("sub-01_T1w.nii.gz", "sub-01")


def test_the_names_beside_a_fused_image_are_those_it_was_written_with():
    sidecar = {"SourceModalities": ["t1gd", "flair"], "Sources": ["sub-01_ce-gd_T1w.nii.gz", "sub-01_FLAIR.nii.gz"]}
    assert names_of("P1_fused.nii.gz", "P1", sidecar) == ResultNames("P1")
    found = names_of("sub-01_ce-gd_desc-fused_T1w.nii.gz", "sub-01", sidecar)
    assert found == bids_names("sub-01", dict(zip(sidecar["SourceModalities"], sidecar["Sources"], strict=True)))
