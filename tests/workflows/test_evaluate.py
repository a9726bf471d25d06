"""Figures with known answers."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.losses.ssim import SSIM
from scripts.workflows.evaluate import EvaluateVolume, EvaluationTables, ssim_by_region


class MeanNetwork(torch.nn.Module):
    """Fuses two sources to their mean and keeps half their difference: bijective, and its answers are known."""

    in_channels = 2

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, image):
        return image.mean(dim=1, keepdim=True), (image[:, :1] - image[:, 1:]) / 2

    def inverse(self, fused, latent):
        return torch.cat((fused + latent, fused - latent), dim=1)


@pytest.fixture
def data():
    image = torch.zeros(2, 24, 26, 4)
    image[:, 2:22, 2:24] = 0.2 + 0.6 * torch.rand(2, 20, 22, 4)
    image[..., 0] = 0
    seg = torch.zeros(1, 24, 26, 4)
    seg[0, 10:14, 10:14, 2] = 1
    return {"patient": "P", "image": image, "seg": seg, "intensity_scale": {"mode": "slice", "slice_axis": 2}}


def measure(data, **settings):
    return EvaluateVolume(["t1gd", "flair"], **settings)(MeanNetwork(), data)["rows"]


class TestRegions:
    def test_the_whole_slice_is_the_mean_of_all_windows(self):
        one, other = torch.rand(3, 2, 20, 22), torch.rand(3, 2, 20, 22)
        found = ssim_by_region(one, other, {"slice": torch.ones(3, 1, 20, 22, dtype=torch.bool)})
        assert torch.allclose(found["slice"], SSIM()(one, other), atol=1e-6)

    def test_a_region_counts_the_windows_centred_in_it(self):
        one, other = torch.rand(1, 1, 20, 22), torch.rand(1, 1, 20, 22)
        mask = torch.zeros(1, 1, 20, 22, dtype=torch.bool)
        mask[0, 0, 9, 12] = True
        found = ssim_by_region(one, other, {"lesion": mask})["lesion"]
        assert found.item() == pytest.approx(SSIM().similarity_map(one, other)[0, 0, 9 - 5, 12 - 5].item())

    def test_an_empty_region_has_no_score(self):
        one = torch.rand(1, 1, 20, 22)
        assert ssim_by_region(one, one, {"lesion": torch.zeros(1, 1, 20, 22)})["lesion"].isnan().all()


class TestRows:
    def test_slices_without_brain_are_left_out(self, data):
        assert [row["slice"] for row in measure(data)] == [1, 2, 3]
        assert [row["slice"] for row in measure(data, min_brain_fraction=0.0)] == [0, 1, 2, 3]

    def test_mean_fusion_scores_like_the_mean(self, data):
        for row in measure(data, dtype="float32", latent="zeros"):
            for region in ("slice", "brain"):
                assert row[f"fused_{region}"] == pytest.approx(row[f"mean_{region}"])
                of_sources = (row[f"fused_t1gd_{region}"] + row[f"fused_flair_{region}"]) / 2
                assert row[f"fused_{region}"] == pytest.approx(of_sources)
            # With a latent of zeros both estimates are the fused image.
            assert row["decomposed_t1gd_slice"] == pytest.approx(row["fused_t1gd_slice"])
            assert row["roundtrip_error"] < 1e-6

    def test_equal_sources_come_back_perfectly(self, data):
        data["image"][1] = data["image"][0]
        row = measure(data, dtype="float32", latent="zeros")[0]
        for name in ("fused", "mean", "max", "decomposed_t1gd", "decomposed_flair"):
            assert row[f"{name}_slice"] == pytest.approx(1, abs=1e-6)
            assert row[f"{name}_brain"] == pytest.approx(1, abs=1e-6)
        assert row["latent_std"] == 0

    def test_rounding_to_8_bits_counts(self, data):
        data["image"][1] = data["image"][0]
        exact, rounded = (measure(data, dtype=dtype, latent="zeros")[0] for dtype in ("float32", "uint8"))
        assert 0.999 < rounded["decomposed_t1gd_slice"] < exact["decomposed_t1gd_slice"]

    def test_the_lesion_is_scored_where_there_is_one(self, data):
        rows = measure(data)
        assert [np.isfinite(row["fused_lesion"]) for row in rows] == [False, True, False]
        del data["seg"]
        assert not any(np.isfinite(row["fused_lesion"]) for row in measure(data))

    def test_a_patient_without_a_usable_slice_is_told(self, data):
        with pytest.raises(BadInputError, match="P has no slice with brain on 99% .*--min_brain_fraction"):
            measure(data, min_brain_fraction=0.99)

    def test_slices_smaller_than_the_window_are_told(self, data):
        data["image"] = data["image"][:, 4:14]
        with pytest.raises(BadInputError, match=r"P has slices of \(10, 26\) pixels, but SSIM needs 11 x 11"):
            measure(data)


class TestTables:
    @pytest.fixture
    def tables(self, tmp_path):
        tables = EvaluationTables(str(tmp_path / "tables"), {"fused_dtype": "uint8"})
        for patient, scores in {"A": (0.9, 0.8, 0.7), "B": (0.5,)}.items():
            rows = [
                {"slice": i, "fused_slice": s, "fused_lesion": np.nan if i else 0.6, "roundtrip_error": s / 100}
                for i, s in enumerate(scores)
            ]
            tables({"patient": patient}, {"rows": rows})
        return tmp_path / "tables"

    def read(self, path):
        with path.open(newline="") as file:
            return list(csv.DictReader(file))

    def test_every_slice_has_a_row_and_what_is_not_there_an_empty_cell(self, tables):
        rows = self.read(tables / "slices.csv")
        assert [(row["patient"], row["slice"], row["fused_lesion"]) for row in rows] == [
            ("A", "0", "0.600000"),
            ("A", "1", ""),
            ("A", "2", ""),
            ("B", "0", "0.600000"),
        ]
        assert "nan" not in (tables / "slices.csv").read_text().lower()

    def test_every_patient_has_the_mean_of_its_slices(self, tables):
        rows = self.read(tables / "patients.csv")
        assert [(row["patient"], row["slices"], row["fused_slice"]) for row in rows] == [
            ("A", "3", "0.800000"),
            ("B", "1", "0.500000"),
        ]

    def test_means_over_slices_and_over_patients_are_told_apart(self, tables):
        summary = json.loads((tables / "summary.json").read_text())
        assert (summary["patients"], summary["slices"]) == (2, 4)
        assert summary["mean_over_slices"]["fused_slice"] == pytest.approx(0.725)
        assert summary["mean_over_patients"]["fused_slice"] == pytest.approx(0.65)
        assert summary["std_over_patients"]["fused_slice"] == pytest.approx(0.212132)
        assert summary["largest_roundtrip_error"] == pytest.approx(0.009)
        assert summary["settings"] == {"fused_dtype": "uint8"}

    def test_a_column_without_any_value_is_null(self, tmp_path):
        tables = EvaluationTables(str(tmp_path), {})
        tables({"patient": "A"}, {"rows": [{"slice": 0, "fused_lesion": np.nan, "roundtrip_error": 0.0}]})
        assert json.loads((tmp_path / "summary.json").read_text())["mean_over_slices"]["fused_lesion"] is None
        assert self.read(tmp_path / "patients.csv")[0]["fused_lesion"] == ""
