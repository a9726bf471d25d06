"""Figures of a patient, by methods whose answers are known."""

from __future__ import annotations

import math

import pytest
import torch

from fusioninn_research.disturbances import DISTURBANCES
from fusioninn_research.scorecard_slices import ScorecardSlices, evenly
from scripts.data.errors import BadInputError
from scripts.flow.latent import draw_latent

SOURCES = ["t1gd", "flair"]


class MeanNetwork(torch.nn.Module):
    """Fuses two sources to their mean and keeps a tenth of half their difference."""

    in_channels = 2

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, image):
        return image.mean(dim=1, keepdim=True), 5 * (image[:, :1] - image[:, 1:])

    def inverse(self, fused, latent):
        return torch.cat((fused + latent / 10, fused - latent / 10), dim=1)

    def decompose(self, fused, kind="normal", seed=0):
        return self.inverse(fused, draw_latent(fused, 1, kind, seed))


@pytest.fixture
def data():
    """Three slices of two equal sources in steps of 8 bits, a lesion in one of them."""
    image = torch.zeros(2, 24, 26, 3)
    image[:, 2:22, 2:24] = torch.randint(60, 240, (20, 22, 3)) / 255
    seg = torch.zeros(1, 24, 26, 3)
    seg[0, 10:14, 10:14, 1] = 1
    return {"patient": "P", "image": image, "seg": seg, "intensity_scale": {"mode": "slice", "slice_axis": 2}}


def measure(data, network=None, **settings):
    settings = {"draws": 3, "ceiling_every": 0, **settings}
    return ScorecardSlices(SOURCES, **settings)(network or MeanNetwork(), data)["rows"]


def test_equal_sources_come_back_and_disturbances_cost_what_they_should(data):
    for row in measure(data):
        for source in SOURCES:
            assert row[f"decomposed_{source}_brain"] == pytest.approx(1, abs=1e-5)
            for key in ("bits16", "jpeg2000"):
                assert row[f"{key}_{source}_brain"] == pytest.approx(1, abs=1e-5)
            assert all(row[f"{key}_{source}_brain"] < 1 for key in DISTURBANCES if key not in ("bits16", "jpeg2000"))
            # the network hands the noise on as it is, so no estimate is much worse than a noisy source
            assert row[f"noise_{source}_brain"] == pytest.approx(row[f"source_noise_{source}_brain"], abs=1e-3)
        assert row["brain_fraction"] == pytest.approx(20 * 22 / (24 * 26))
        assert row["roundtrip_error"] < 1e-6


def test_the_lesion_is_measured_where_there_is_one(data):
    lesions = [row["gain_up_t1gd_lesion"] for row in measure(data)]
    assert [math.isfinite(value) for value in lesions] == [False, True, False]


def test_drawn_latents_spread_and_cost(data):
    for row in measure(data):
        for region in ("slice", "brain"):
            assert row[f"spread_flair_{region}"] > 0
            assert row[f"drawn_flair_{region}"] < row[f"decomposed_flair_{region}"]


def test_figures_do_not_depend_on_the_batch_or_on_other_slices(data):
    rows, one_by_one, some = measure(data), measure(data, slices_at_once=1), measure(data, slice_step=2)
    for row, other in zip(rows, one_by_one, strict=True):
        assert row == pytest.approx(other, nan_ok=True)
    assert [row["slice"] for row in some] == [0, 2]
    assert some[1]["noise8_t1gd_brain"] == pytest.approx(rows[2]["noise8_t1gd_brain"])
    assert some[1]["drawn_t1gd_brain"] == pytest.approx(rows[2]["drawn_t1gd_brain"])


def test_the_ceiling_is_optimised_in_some_slices(data):
    data["image"][1] = data["image"][1].flip(0)
    rows = measure(data, ceiling_every=2, ceiling_steps=20)
    assert [math.isfinite(row["ceiling_slice"]) for row in rows] == [True, False, True]
    assert rows[0]["ceiling_slice"] > rows[0]["mean_slice"]
    assert rows[0]["ceiling_brain"] > rows[0]["mean_brain"]


@pytest.mark.parametrize(
    ("count", "every", "places"), [(16, 8, [4, 12]), (3, 8, [1]), (1, 8, [0]), (5, 1, [0, 1, 2, 3, 4]), (16, 0, [])]
)
def test_places_are_spread_evenly(count, every, places):
    assert evenly(count, every) == places


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"draws": 1}, "draws is 1, expected a whole number from 2 on"),
        ({"ceiling_every": -1}, "ceiling_every is -1, expected a whole number from 0 on"),
        ({"ceiling_steps": "many"}, "ceiling_steps is 'many', expected a whole number from 1 on"),
        ({"latent": "odd"}, "latent is 'odd'"),
        ({"slice_step": 0}, "slice_step is 0"),
    ],
)
def test_settings_that_cannot_be_are_told(settings, message):
    with pytest.raises(BadInputError, match=message):
        ScorecardSlices(SOURCES, **settings)


def test_a_method_that_cannot_decompose_is_told(data):
    with pytest.raises(BadInputError, match="Identity cannot decompose"):
        measure(data, torch.nn.Identity())
