"""Parsing file names."""

from __future__ import annotations

import pytest

from scripts.data.naming import expected_names, is_nifti, is_volume, parse_name, person_of, without_extension


class TestParseName:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("BraTS18_2013_0_1_t1ce.nii.gz", ("BraTS18_2013_0_1", "t1gd")),
            ("BraTS20_Training_001_flair.nii", ("BraTS20_Training_001", "flair")),
            ("BraTS2021_00000_t1.nii.gz", ("BraTS2021_00000", "t1")),
            ("BraTS-GLI-00000-000-t1c.nii.gz", ("BraTS-GLI-00000-000", "t1gd")),
            ("BraTS-GLI-00000-000-t2f.nii.gz", ("BraTS-GLI-00000-000", "flair")),
            ("BraTS-GLI-00000-000-t1n.nii.gz", ("BraTS-GLI-00000-000", "t1")),
            ("BraTS-GLI-00000-000-t2w.nii.gz", ("BraTS-GLI-00000-000", "t2")),
            ("BraTS-GLI-00000-000-seg.nii.gz", ("BraTS-GLI-00000-000", "seg")),
            ("UPENN-GBM-00001_11_T1GD.nii.gz", ("UPENN-GBM-00001_11", "t1gd")),
            ("P1_FLAIR.NII.GZ", ("P1", "flair")),
            ("flair.nii.gz", ("", "flair")),
            ("P\n1_flair.nii.gz", ("P\n1", "flair")),
        ],
    )
    def test_patient_and_modality_are_read(self, name, expected):
        assert parse_name(name) == expected

    @pytest.mark.parametrize(
        "name",
        ["P1_fused.nii.gz", "P1_t1gd_decomposed.nii.gz", "P1_t1ce.png", "._P1_t1ce.nii.gz", "P1t1"],
    )
    def test_other_files_are_no_modality(self, name):
        assert parse_name(name) is None

    def test_a_new_source_is_recognised_by_its_own_name(self):
        assert parse_name("P1_adc.nii.gz") is None
        assert parse_name("P1_ADC.nii.gz", ("adc", "flair")) == ("P1", "adc")

    def test_hidden_files_are_no_images(self):
        assert is_nifti("patients/P1_t1ce.nii")
        assert not is_nifti("patients/._P1_t1ce.nii")

    def test_other_formats_of_volumes_have_the_same_names(self):
        assert parse_name("P1_t1ce.nrrd") == ("P1", "t1gd")
        assert without_extension("P1_flair.MHA") == "P1_flair"
        assert is_volume("P1_flair.mhd")
        assert not is_nifti("P1_flair.mhd")
        assert not is_volume("._P1_flair.mhd")

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("sub-01_ses-2_acq-mprage_ce-gadolinium_T1w.nii.gz", ("sub-01_ses-2", "t1gd")),
            ("sub-01_ce-none_T1w.nii.gz", ("sub-01", "t1")),
            ("sub-01_acq-tse_FLAIR.nii", ("sub-01", "flair")),
            ("sub-01_t1ce.nii.gz", ("sub-01", "t1gd")),
            ("sub-01_label-lesion_roi.nii.gz", ("sub-01", "seg")),
            ("sub-01_desc-brain_mask.nii.gz", None),
            ("sub-01_dseg.nii.gz", None),
            ("UCSF-PDGM-0004_T1c_bias.nii.gz", ("UCSF-PDGM-0004", "t1gd")),
            ("UCSF-PDGM-0004_tumor_segmentation.nii.gz", ("UCSF-PDGM-0004", "seg")),
            ("UCSF-PDGM-0004_brain_segmentation.nii.gz", ("UCSF-PDGM-0004", "mask")),
            ("P1_t1_ce.nii.gz", ("P1", "t1gd")),
            ("P1_flair.nii.nii.gz", ("P1", "flair")),
        ],
    )
    def test_names_of_other_data_sets_are_read(self, name, expected):
        assert parse_name(name) == expected

    def test_expected_names_of_bids_are_those_of_bids(self):
        assert expected_names("sub-01", "flair") == "sub-01_FLAIR.nii.gz"
        assert expected_names("sub-01", "t1gd") == "sub-01_ce-gadolinium_T1w.nii.gz or sub-01_t1ce.nii.gz"

    def test_expected_names_show_both_generations_of_brats(self):
        assert expected_names("X", "t1gd") == "X_t1ce.nii.gz or X-t1c.nii.gz"


class TestPersonOf:
    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("BraTS-GLI-00005-000", "BraTS-GLI-00005-001"),
            ("TCGA_DU_7294_19890104", "TCGA-DU-7294"),
            ("UPENN-GBM-00008_11", "UPENN-GBM-00008_21"),
            ("UCSF-PDGM-0429", "UCSF-PDGM-0429_FU001d"),
            ("sub-01_ses-01", "sub-01_ses-02"),
            ("RHUH-0001_0", "RHUH-0001_2"),
            ("Patient-001_week-000-1", "Patient-001_week-044"),
            ("brats_tcia_pat101_0001", "brats_tcia_pat101_0002"),
            ("P1_visit1", "P1_baseline"),
            ("Subject_001_ses-0", "Subject_001_ses-2019-04-01"),
        ],
    )
    def test_two_visits_are_one_person(self, first, second):
        assert person_of(first) == person_of(second)

    def test_two_patients_are_two_persons(self):
        assert person_of("BraTS18_2013_0_1") != person_of("BraTS18_2013_1_1")
        assert person_of("TCGA_DU_7294_19890104") != person_of("TCGA_DU_7298_19910324")
        assert person_of("openms-07") != person_of("openms-19")
        assert person_of("brats_2013_pat0001_1") != person_of("brats_2013_pat0002_1")
        assert person_of("HG_0001") != person_of("HG_0002")
