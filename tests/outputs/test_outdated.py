"""Results of an earlier run are never left next to another fused image."""

from __future__ import annotations

import json

import numpy as np
import pytest

from scripts.data.errors import BadInputError
from scripts.outputs.outdated import check_same_fusion, outdated_files
from scripts.outputs.volumes import save_volume
from sidecars import write_sidecar


def volume(folder, name, descrip="FusionINN something, research use only"):
    save_volume(folder / name, np.zeros((2, 3, 4)), np.eye(4), descrip=descrip)
    return folder / name


def names(folder):
    return sorted(path.name for path in folder.iterdir())


class TestOutdated:
    def test_all_but_fused_image_sidecar_and_sources_goes(self, tmp_path):
        kept = ["P_fused.json", "P_fused.nii.gz", "P_t1ce.nii.gz"]
        for name in ("P_t1gd_contribution", "P_t1gd_uncertainty", "P_latent", "P_t2_decomposed", "P_fused"):
            volume(tmp_path, f"{name}.nii.gz")
        volume(tmp_path, "P_flair_uncertainty.nii")
        volume(tmp_path, "P_t1ce.nii.gz", descrip="scanner")
        for name in ("P_fused.json", "P_uncertainty.json", "P_overview.png", "P_decomposed_overview.png"):
            (tmp_path / name).write_text("{}")
        outdated = {path.name for path in outdated_files(tmp_path, "P")}
        assert len(outdated) == 8
        assert sorted(set(names(tmp_path)) - outdated) == kept

    def test_files_of_other_programs_and_other_patients_stay(self, tmp_path):
        volume(tmp_path, "P_dose_uncertainty.nii.gz", descrip="planning system")
        volume(tmp_path, "PQ_t1gd_uncertainty.nii.gz")
        (tmp_path / "P_flair_uncertainty.nii.gz").write_bytes(b"no NIfTI at all")
        (tmp_path / "P_notes_overview.png").write_bytes(b"")
        before = names(tmp_path)
        assert outdated_files(tmp_path, "P") == []
        assert names(tmp_path) == before

    def test_what_is_still_needed_stays(self, tmp_path):
        source = volume(tmp_path, "P_t2_decomposed.nii.gz")
        assert outdated_files(tmp_path, "P", keep=[str(source)]) == []
        assert source.is_file()

    def test_a_name_is_not_a_pattern(self, tmp_path):
        volume(tmp_path, "P1_t1gd_uncertainty.nii.gz")
        mine = volume(tmp_path, "P[1]_t1gd_uncertainty.nii.gz")
        assert outdated_files(tmp_path, "P[1]") == [mine]

    def test_a_folder_that_is_not_there_holds_nothing(self, tmp_path):
        assert outdated_files(tmp_path / "none", "P") == []


class TestSameFusion:
    @pytest.fixture
    def sidecar(self, tmp_path):
        scale = {"mode": "slice", "slice_axis": 2, "offset": [[0.0]] * 2, "factor": [[1.0]] * 2}
        write_sidecar(
            tmp_path / "P_fused.json",
            sources={"t1gd": "a.nii", "flair": "b.nii"},
            intensity_scale=scale,
            stored_dtype="uint16",
            checkpoint_sha256="0" * 64,
            fused_sha256="0" * 64,
        )
        return tmp_path / "P_fused.json"

    def test_without_a_fused_image_nothing_can_be_mixed(self, tmp_path):
        assert check_same_fusion(tmp_path / "P_fused.json", "0123456789ab") is False

    def test_the_same_is_fine(self, sidecar):
        assert check_same_fusion(sidecar, json.loads(sidecar.read_text())["FusionID"]) is True

    def test_another_is_refused(self, sidecar):
        with pytest.raises(BadInputError, match="another fused image .* [0-9a-f]{12}, .* ba9876543210.*--output_dir"):
            check_same_fusion(sidecar, "ba9876543210")
