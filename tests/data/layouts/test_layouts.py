"""Layouts of data sets found without a datalist, with the publishers' file names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.data.discovery import find_patients
from scripts.data.naming import is_volume, person_of

Make = Callable[..., Path]


@pytest.fixture
def tree(tmp_path) -> Make:
    """Return a function that creates files with the given names and no content."""

    def make(*names: str) -> Path:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return make


def found(root: Path, **options: Any) -> dict[str, dict[str, str]]:
    """Return each patient's record, with paths relative to the data set."""
    return {
        record["patient"]: {
            key: str(Path(value).relative_to(root)) if key not in ("problem", "seg_candidates") else value
            for key, value in record.items()
            if key not in ("patient", "channels")
        }
        for record in find_patients(root, **options)
    }


class TestBraTS:
    def test_2013_and_2015_have_a_folder_for_each_metaimage_file(self, tree):
        patient = "HGG/brats_2013_pat0001_1"
        files = [
            f"{patient}/VSD.Brain.XX.O.MR_{word}/VSD.Brain.XX.O.MR_{word}.mha"
            for word in ("Flair.54536", "T1.54537", "T1c.54538", "T2.54539")
        ]
        segmentation = f"{patient}/VSD.Brain_3more.XX.O.OT.54540/VSD.Brain_3more.XX.O.OT.54540.mha"
        root = tree(*files, segmentation)
        assert found(root, is_image=is_volume) == {
            "brats_2013_pat0001_1": {"t1gd": files[2], "flair": files[0], "seg": segmentation}
        }

    def test_numbered_patients_of_both_grades_are_kept_apart(self, tree):
        for grade in ("HG", "LG"):
            tree(
                f"Image_Data/{grade}/0001/VSD.Brain.XX.O.MR_T1c/VSD.Brain.XX.O.MR_T1c.686.mha",
                f"Image_Data/{grade}/0001/VSD.Brain.XX.O.MR_Flair/VSD.Brain.XX.O.MR_Flair.684.mha",
            )
        patients = find_patients(tree(), is_image=is_volume)
        assert [patient["patient"] for patient in patients] == ["HG_0001", "LG_0001"]
        assert person_of("HG_0001") != person_of("LG_0001")

    def test_files_any_number_of_folders_down_are_found(self, tree):
        root = tree("a/b/c/d/e/f/X/X_t1ce.nii.gz", "a/b/c/d/e/f/X/X_flair.nii.gz")
        assert found(root)["X"]["flair"] == "a/b/c/d/e/f/X/X_flair.nii.gz"


class TestBids:
    ANAT = "sub-01/ses-1/anat/sub-01_ses-1"

    def test_the_contrast_agent_distinguishes_t1gd_from_t1(self, tree):
        root = tree(
            *(f"{self.ANAT}_{word}.nii.gz" for word in ("ce-gadolinium_T1w", "T1w", "FLAIR", "T2w")),
            "sub-01/ses-1/func/sub-01_ses-1_task-rest_bold.nii.gz",
        )
        every = ("t1gd", "flair", "t1", "t2")
        assert found(root, sources=every) == {
            "sub-01_ses-1": {
                "t1gd": f"{self.ANAT}_ce-gadolinium_T1w.nii.gz",
                "flair": f"{self.ANAT}_FLAIR.nii.gz",
                "t1": f"{self.ANAT}_T1w.nii.gz",
                "t2": f"{self.ANAT}_T2w.nii.gz",
            }
        }

    def test_plain_t1_is_not_taken_for_t1gd(self, tree):
        root = tree("sub-01/anat/sub-01_T1w.nii.gz", "sub-01/anat/sub-01_FLAIR.nii.gz")
        assert "the t1gd image is missing" in found(root)["sub-01"]["problem"]

    def test_acq_marks_the_agent_in_older_data_sets(self, tree):
        root = tree("sub-01/anat/sub-01_acq-gd_T1w.nii.gz", "sub-01/anat/sub-01_FLAIR.nii.gz")
        assert found(root)["sub-01"]["t1gd"] == "sub-01/anat/sub-01_acq-gd_T1w.nii.gz"

    def test_raw_images_come_before_derivatives_and_are_never_mixed_with_them(self, tree):
        derived = "derivatives/preproc/sub-01/anat/sub-01_space-MNI152_desc-preproc"
        root = tree(
            "sub-01/anat/sub-01_ce-gadolinium_T1w.nii.gz",
            f"{derived}_FLAIR.nii.gz",
            derived.replace("desc", "ce-gadolinium_desc") + "_T1w.nii.gz",
        )
        derivatives = found(root)["sub-01"]
        assert derivatives["flair"].startswith("derivatives/") and derivatives["t1gd"].startswith("derivatives/")
        tree("sub-01/anat/sub-01_FLAIR.nii.gz")
        raw = found(root)["sub-01"]
        assert raw["flair"].startswith("sub-01/") and raw["t1gd"].startswith("sub-01/")

    def test_a_folder_of_derivatives_can_be_given_itself(self, tree):
        root = tree(
            "derivatives/p/sub-01/anat/sub-01_ce-gd_desc-preproc_T1w.nii.gz",
            "derivatives/p/sub-01/anat/sub-01_desc-preproc_FLAIR.nii.gz",
        )
        assert list(found(root / "derivatives" / "p")) == ["sub-01"]

    def test_two_runs_stop_that_patient_only(self, tree):
        root = tree(
            *(f"sub-01/anat/sub-01_run-{run}_ce-gadolinium_T1w.nii.gz" for run in (1, 2)),
            *(f"sub-0{n}/anat/sub-0{n}_FLAIR.nii.gz" for n in (1, 2)),
            "sub-02/anat/sub-02_ce-gadolinium_T1w.nii.gz",
        )
        patients = found(root)
        assert "2 files match the t1gd image" in patients["sub-01"]["problem"]
        assert "problem" not in patients["sub-02"]

    def test_only_a_segmentation_of_a_lesion_is_one(self, tree):
        root = tree(
            "sub-01/anat/sub-01_ce-gadolinium_T1w.nii.gz",
            "sub-01/anat/sub-01_FLAIR.nii.gz",
            "derivatives/fmriprep/sub-01/anat/sub-01_dseg.nii.gz",
            "derivatives/fmriprep/sub-01/anat/sub-01_desc-brain_mask.nii.gz",
        )
        assert "seg" not in found(root)["sub-01"]
        lesion = tree("derivatives/manual_masks/sub-01/anat/sub-01_dseg.nii.gz")
        assert found(lesion)["sub-01"]["seg"] == "derivatives/manual_masks/sub-01/anat/sub-01_dseg.nii.gz"


class TestPublicCohorts:
    def test_upenn_gbm_keeps_structural_images_and_segmentations_apart(self, tree):
        name = "UPENN-GBM-00001_11"
        root = tree(
            *(f"images_structural/{name}/{name}_{word}.nii.gz" for word in ("T1", "T1GD", "T2", "FLAIR")),
            *(f"images_structural_unstripped/{name}/{name}_{word}_unstripped.nii.gz" for word in ("T1GD", "FLAIR")),
            f"automated_segm/{name}_automated_approx_segm.nii.gz",
        )
        patient = {
            "t1gd": f"images_structural/{name}/{name}_T1GD.nii.gz",
            "flair": f"images_structural/{name}/{name}_FLAIR.nii.gz",
        }
        assert found(root) == {name: {**patient, "seg": f"automated_segm/{name}_automated_approx_segm.nii.gz"}}
        corrected = f"images_segm/{name}_segm.nii.gz"
        assert found(tree(corrected)) == {name: {**patient, "seg": corrected}}

    def test_ucsf_pdgm_has_variants_that_are_used_where_they_are_alone(self, tree):
        folder, name = "UCSF-PDGM-0004_nifti", "UCSF-PDGM-0004"
        root = tree(
            *(f"{folder}/{name}_{word}_bias.nii.gz" for word in ("T1c", "FLAIR", "T1", "SWI")),
            *(f"{folder}/{name}_{word}_segmentation.nii.gz" for word in ("tumor", "brain", "brain_parenchyma")),
            f"{folder}/{name}_ADC.nii.gz",
        )
        seg = f"{folder}/{name}_tumor_segmentation.nii.gz"
        biased = {word: f"{folder}/{name}_{end}_bias.nii.gz" for word, end in (("t1gd", "T1c"), ("flair", "FLAIR"))}
        assert found(root) == {name: {**biased, "seg": seg}}
        tree(f"{folder}/{name}_T1c.nii.gz")
        assert found(root) == {name: {**biased, "seg": seg}}  # one way of processing for both
        tree(f"{folder}/{name}_FLAIR.nii.gz")
        assert found(root)[name]["t1gd"] == f"{folder}/{name}_T1c.nii.gz"

    def test_lumiere_names_a_patient_by_person_and_week(self, tree):
        week = "Imaging/Patient-001/week-000-1"
        auto, deep = f"{week}/HD-GLIO-AUTO-segmentation", f"{week}/DeepBraTumIA-segmentation"
        root = tree(
            *(f"{week}/{word}.nii.gz" for word in ("CT1", "T1", "T2", "FLAIR")),
            *(f"{auto}/registered/{word}_r2s_bet_reg.nii.gz" for word in ("CT1", "FLAIR")),
            f"{auto}/registered/segmentation.nii.gz",
            f"{auto}/native/segmentation_CT1_origspace.nii.gz",
            *(f"{deep}/atlas/skull_strip/{word}_skull_strip.nii.gz" for word in ("ct1", "flair")),
            f"{deep}/atlas/skull_strip/brain_mask.nii.gz",
            f"{deep}/atlas/segmentation/seg_mask.nii.gz",
            f"{deep}/native/segmentation/ct1_seg_mask.nii.gz",
            "Imaging/Patient-002/week-000-1/CT1.nii.gz",
            "Imaging/Patient-002/week-000-1/FLAIR.nii/FLAIR.nii",
        )
        assert found(root) == {
            "Patient-001_week-000-1": {"t1gd": f"{week}/CT1.nii.gz", "flair": f"{week}/FLAIR.nii.gz"},
            "Patient-002_week-000-1": {
                "t1gd": "Imaging/Patient-002/week-000-1/CT1.nii.gz",
                "flair": "Imaging/Patient-002/week-000-1/FLAIR.nii/FLAIR.nii",
            },
        }

    def test_rhuh_gbm_has_a_folder_for_each_time(self, tree):
        for time in (0, 1):
            words = ("adc", "flair", "t1ce", "t1", "t2", "segmentations")
            tree(*(f"RHUH-0001/{time}/RHUH-0001_{time}_{word}.nii.gz" for word in words))
        patients = found(tree())
        assert list(patients) == ["RHUH-0001_0", "RHUH-0001_1"]
        assert patients["RHUH-0001_1"]["seg"] == "RHUH-0001/1/RHUH-0001_1_segmentations.nii.gz"


NAMES = {"0": "T1", "1": "T1ce", "2": "T2", "3": "Flair"}


class TestNnUNet:
    def write(self, tree: Make, key: str = "channel_names") -> Path:
        root = tree(
            *(f"Dataset002_BRATS/imagesTr/BRATS_001_000{channel}.nii.gz" for channel in range(4)),
            *(f"Dataset002_BRATS/imagesTs/BRATS_485_000{channel}.nii.gz" for channel in range(4)),
            "Dataset002_BRATS/labelsTr/BRATS_001.nii.gz",
        )
        (root / "Dataset002_BRATS" / "dataset.json").write_text(json.dumps({key: NAMES}))
        return root

    @pytest.mark.parametrize("key", ["channel_names", "modality"])
    def test_numbers_at_the_end_are_the_channels_of_dataset_json(self, tree, key):
        root = self.write(tree, key)
        assert found(root) == {
            "BRATS_001": {
                "t1gd": "Dataset002_BRATS/imagesTr/BRATS_001_0001.nii.gz",
                "flair": "Dataset002_BRATS/imagesTr/BRATS_001_0003.nii.gz",
                "seg": "Dataset002_BRATS/labelsTr/BRATS_001.nii.gz",
            },
            "BRATS_485": {
                "t1gd": "Dataset002_BRATS/imagesTs/BRATS_485_0001.nii.gz",
                "flair": "Dataset002_BRATS/imagesTs/BRATS_485_0003.nii.gz",
            },
        }

    def test_a_data_set_of_another_organ_next_to_it_does_not_count(self, tree):
        root = self.write(tree)
        tree("Dataset003_Liver/imagesTr/liver_0_0000.nii.gz")
        (root / "Dataset003_Liver" / "dataset.json").write_text('{"channel_names": {"0": "CT"}}')
        assert list(found(root)) == ["BRATS_001", "BRATS_485"]

    def test_numbers_without_dataset_json_are_not_guessed(self, tree, caplog):
        root = tree("imagesTr/B_0000.nii.gz", "imagesTr/B_0001.nii.gz", "P/P_t1ce.nii.gz", "P/P_flair.nii.gz")
        assert list(found(root)) == ["P"]
        assert (
            "2 × numbered channel, but dataset.json next to imagesTr, which names the channels, is missing"
            in caplog.text
        )

    def test_images_and_labels_without_dataset_json_find_each_other(self, tree):
        root = tree("imagesTr/P1_t1ce.nii.gz", "imagesTr/P1_flair.nii.gz", "labelsTr/P1.nii.gz")
        assert found(root)["P1"]["seg"] == "labelsTr/P1.nii.gz"


class TestOneFolderForEachContrast:
    @pytest.mark.parametrize("end", [("", ""), ("_t1ce", "_flair")])
    def test_files_of_one_patient_are_put_together(self, tree, end):
        root = tree(*(f"t1ce/P{n}{end[0]}.nii.gz" for n in (1, 2)), *(f"flair/P{n}{end[1]}.nii.gz" for n in (1, 2)))
        tree("masks/P1.nii.gz")
        assert found(root) == {
            "P1": {
                "t1gd": f"t1ce/P1{end[0]}.nii.gz",
                "flair": f"flair/P1{end[1]}.nii.gz",
                "seg": "masks/P1.nii.gz",
            },
            "P2": {"t1gd": f"t1ce/P2{end[0]}.nii.gz", "flair": f"flair/P2{end[1]}.nii.gz"},
        }

    def test_below_each_visit_any_file_name_will_do(self, tree):
        for subject in ("Subject_001", "Subject_002"):
            for visit in (0, 1):
                tree(f"{subject}/{visit}/t1ce/30_mprage.nii.gz", f"{subject}/{visit}/flair/12_dark_fluid.nii.gz")
        patients = found(tree())
        assert list(patients) == [f"Subject_00{n}_ses-{visit}" for n in (1, 2) for visit in (0, 1)]
        assert {person_of(name) for name in patients} == {"Subject-001", "Subject-002"}

    def test_folders_of_visits_tell_files_of_one_name_apart(self, tree):
        root = tree(*(f"P1/{visit}/P1_{word}.nii.gz" for visit in ("visit1", "2019") for word in ("t1ce", "flair")))
        patients = found(root)
        assert list(patients) == ["P1_ses-2019", "P1_visit1"]
        assert {person_of(name) for name in patients} == {"P1"}


class TestDoubts:
    def test_one_name_in_two_folders_stops_that_patient_only(self, tree):
        root = tree(*(f"{grade}/X/X_{word}.nii.gz" for grade in ("HGG", "LGG") for word in ("t1ce", "flair")))
        tree("HGG/Y/Y_t1ce.nii.gz", "HGG/Y/Y_flair.nii.gz")
        patients = found(root)
        assert "two patients are named X" in patients["X"]["problem"]
        assert f"{Path('HGG/X')}" in patients["X"]["problem"] and f"{Path('LGG/X')}" in patients["X"]["problem"]
        assert "problem" not in patients["Y"]

    def test_halves_in_folders_of_other_meaning_are_not_joined(self, tree):
        root = tree("site1/P1/P1_t1ce.nii.gz", "site2/P1/P1_flair.nii.gz")
        assert "lie in different folders" in found(root)["P1"]["problem"]

    def test_two_segmentations_matter_only_to_who_needs_one(self, tree):
        root = tree("X/X_t1ce.nii.gz", "X/X_flair.nii.gz", "X/X_seg.nii.gz", "masks/X.nii.gz", "X/X_segm.nii.gz")
        record = found(root)["X"]
        assert "problem" not in record and "seg" not in record
        names = ("X/X_seg.nii.gz", "X/X_segm.nii.gz", "masks/X.nii.gz")
        assert record["seg_candidates"] == [str(root / name) for name in names]

    def test_a_stripped_image_is_not_fused_with_one_that_has_its_skull(self, tree):
        root = tree("a/X_T1GD_unstripped.nii.gz", "a/X_FLAIR.nii.gz")
        assert "processed in different ways" in found(root)["X"]["problem"]

    def test_one_source_may_be_registered_to_the_other(self, tree):
        root = tree("a/X_T1GD_brain.nii.gz", "a/X_FLAIR_reg_brain.nii.gz")
        assert found(root)["X"]["flair"] == "a/X_FLAIR_reg_brain.nii.gz"

    def test_masks_named_after_contrasts_are_not_images(self, tree):
        root = tree("images/P1_t1ce.nii.gz", "images/P1_flair.nii.gz", "masks/P1_flair.nii.gz")
        assert found(root)["P1"]["flair"] == "images/P1_flair.nii.gz"

    def test_a_brain_mask_is_not_the_lesion(self, tree):
        root = tree("P/P_t1ce.nii.gz", "P/P_flair.nii.gz", "P/P_brain_mask.nii.gz", "P/P_mask.nii.gz")
        assert "seg" not in found(root)["P"]
