"""Figures with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.evaluation.evaluate import EvaluateVolume
from scripts.flow.latent import draw_latent
from scripts.metrics import fusion_scores


class MeanNetwork(torch.nn.Module):
    """Fuses two sources to their mean and keeps half their difference: invertible, with known results."""

    in_channels = 2

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, image):
        return image.mean(dim=1, keepdim=True), (image[:, :1] - image[:, 1:]) / 2

    def inverse(self, fused, latent):
        return torch.cat((fused + latent, fused - latent), dim=1)

    def decompose(self, fused, kind="normal", seed=0):
        return self.inverse(fused, draw_latent(fused, 1, kind, seed))


class PlainMaximum(torch.nn.Module):
    """A method without weights, latent and inverse."""

    in_channels = 2

    def forward(self, image):
        return image.amax(dim=1, keepdim=True)


@pytest.fixture
def data():
    image = torch.zeros(2, 24, 26, 4)
    image[:, 2:22, 2:24] = 0.2 + 0.6 * torch.rand(2, 20, 22, 4)
    image[..., 0] = 0
    seg = torch.zeros(1, 24, 26, 4)
    seg[0, 10:14, 10:14, 2] = 1
    return {"patient": "P", "image": image, "seg": seg, "intensity_scale": {"mode": "slice", "slice_axis": 2}}


def measure(data, network=None, **settings):
    return EvaluateVolume(["t1gd", "flair"], **settings)(network or MeanNetwork(), data)["rows"]


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

    def test_the_finest_detail_is_that_of_what_it_is_measured_on(self, data):
        for row in measure(data, dtype="float32", latent="zeros"):
            for band in ("HL", "LH", "HH"):
                # the mean of two independent sources has less of it than either; both estimates are that mean
                assert 0 < row[f"fused_haar_{band}"] < max(row[f"t1gd_haar_{band}"], row[f"flair_haar_{band}"])
                assert row[f"decomposed_flair_haar_{band}"] == pytest.approx(row[f"fused_haar_{band}"])
            assert row["fused_haar_ratio"] < 1

    def test_a_lattice_in_the_fused_image_shows(self, data):
        class Lattice(PlainMaximum):
            def forward(self, image):
                fused = super().forward(image)
                fused[..., ::2, ::2] += 0.2
                return fused

        data["image"] = data["image"].round(decimals=1) * 0.5
        plain, lattice = (measure(data, network)[0]["fused_haar_ratio"] for network in (PlainMaximum(), Lattice()))
        assert lattice > 1.1 * plain

    def test_a_patient_without_a_usable_slice_is_reported(self, data):
        with pytest.raises(BadInputError, match="P has no slice with brain on 99% .*--min_brain_fraction"):
            measure(data, min_brain_fraction=0.99)

    def test_slices_smaller_than_the_window_are_reported(self, data):
        data["image"] = data["image"][:, 4:14]
        with pytest.raises(BadInputError, match=r"P has slices of \(10, 26\) pixels, but SSIM needs at least 11 x 11"):
            measure(data)


class TestAnyMethod:
    def test_one_that_cannot_decompose_has_no_such_columns(self, data):
        rows = measure(data, PlainMaximum(), dtype="float32")
        assert not [name for name in rows[0] if "decomposed" in name or name in ("roundtrip_error", "latent_std")]
        for row in rows:
            assert row["fused_slice"] == row["max_slice"]
            assert row["fused_flair_brain"] < 1

    def test_the_time_for_fusing_is_reported(self, data):
        assert 0 < EvaluateVolume(["t1gd", "flair"])(PlainMaximum(), data)["seconds"] < 60

    def test_another_number_of_sources_is_refused(self, data):
        data["image"] = data["image"][:1].expand(3, -1, -1, -1)
        with pytest.raises(BadInputError, match="3 sources are given, but the network fuses 2"):
            measure(data, PlainMaximum())


class TestThreeDimensions:
    class BesideIt(MeanNetwork):
        """Fuses a slice to the mean of the slice above it, which requires the whole volume."""

        spatial_dims = 3

        def forward(self, image):
            fused, latent = super().forward(image)
            return fused.roll(-1, dims=-1), latent

        def inverse(self, fused, latent):
            return super().inverse(fused.roll(1, dims=-1), latent)

    def test_all_slices_are_fused_of_which_the_chosen_ones_are_measured(self, data):
        data["image"][1] = data["image"][0]
        rows = measure(data, self.BesideIt(), dtype="float32", latent="zeros", slice_step=2)
        assert [row["slice"] for row in rows] == [1, 3]
        for row in rows:
            assert row["fused_slice"] < 0.9
            assert row["decomposed_t1gd_slice"] == pytest.approx(1, abs=1e-5)
            assert row["roundtrip_error"] < 1e-6

    def test_one_of_them_has_the_figures_that_it_has_among_all(self, data):
        every = {row["slice"]: row for row in measure(data, self.BesideIt(), latent="normal", seed=3)}
        for row in measure(data, self.BesideIt(), latent="normal", seed=3, slice_step=2):
            assert row == pytest.approx(every[row["slice"]], nan_ok=True)


class TestSteps:
    def test_every_second_slice_has_the_figures_that_it_has_among_all(self, data):
        every = {row["slice"]: row for row in measure(data, latent="normal", seed=3)}
        some = measure(data, latent="normal", seed=3, slice_step=2)
        assert [row["slice"] for row in some] == [1, 3]
        for row in some:
            assert row == pytest.approx(every[row["slice"]], nan_ok=True)

    @pytest.mark.parametrize("step", [0, "2", 1.5])
    def test_a_step_that_is_none_is_refused(self, step):
        with pytest.raises(BadInputError, match="slice_step is .*, expected a whole number from 1 on"):
            EvaluateVolume(["t1gd", "flair"], slice_step=step)


class TestMetrics:
    def test_they_are_those_of_the_8_bit_images(self, data):
        image = (data["image"].movedim(3, 0)[1:] * 255).round() / 255
        fused = (data["image"].movedim(3, 0)[1:].mean(dim=1, keepdim=True) * 255).round() / 255
        expected = fusion_scores(fused, image)
        assert set(expected) == {"Q_SSIM", "Q_FMI", "Q_NCIE", "Q_XY", "Q_P"}
        for dtype in ("uint8", "uint16", "float32"):
            rows = measure(data, dtype=dtype)
            for name, values in expected.items():
                assert [row[name] for row in rows] == pytest.approx(values.tolist(), abs=1e-4), (dtype, name)

    def test_the_published_crop_is_another_variant(self, data):
        full, centre = measure(data)[0], measure(data, metrics_variant="centre")[0]
        assert full["Q_XY"] != centre["Q_XY"]
        assert full["Q_SSIM"] == pytest.approx(centre["Q_SSIM"])
        both = measure(data, metrics_variant="both")[0]
        for name in ("Q_XY", "Q_P"):
            assert (both[name], both[f"{name}_centre"]) == (full[name], centre[name])
        with pytest.raises(BadInputError, match="metrics_variant is 'center', expected one of full, centre, both"):
            EvaluateVolume(["t1gd", "flair"], metrics_variant="center")

    def test_what_comes_back_is_measured_per_source(self, data):
        row = measure(data, latent="zeros")[0]
        for source in ("t1gd", "flair"):
            assert row[f"decomposed_{source}_SSIM"] == pytest.approx(row[f"decomposed_{source}_slice"], abs=1e-5)
            assert 0 < row[f"decomposed_{source}_NMSE"] < 1
            assert 0 < row[f"decomposed_{source}_correlation"] < 1
            assert 5 < row[f"decomposed_{source}_PSNR"] < 50

    def test_they_can_be_left_out(self, data):
        assert not [name for name in measure(data, metrics="false")[0] if name.startswith("Q_") or "PSNR" in name]
