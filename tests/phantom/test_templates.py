from __future__ import annotations

import sys

import numpy as np
import pytest

from scripts.phantom.templates import Templates, load_templates


def column(*places):
    """Return template millimetres as points [3, n]."""
    return np.array(places).T


class TestSample:
    @pytest.fixture
    def ramp(self):
        t1 = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
        return Templates(t1, 0.01 * t1, 1.0 - 0.01 * t1, np.array([-10.0, -20.0, -30.0]))

    def test_a_voxel_is_found_at_its_millimetres(self, ramp):
        t1, grey, white = ramp.sample(column((-9.0, -18.0, -27.0)))
        assert (t1.item(), grey.item(), white.item()) == pytest.approx((33.0, 0.33, 0.67))

    def test_between_voxels_it_is_linear(self, ramp):
        assert ramp.sample(column((-9.5, -18.0, -26.75)))[0].item() == pytest.approx(23.25)

    def test_it_is_empty_outside(self, ramp):
        assert [found.item() for found in ramp.sample(column((50.0, 0.0, 0.0)))] == [0.0, 0.0, 0.0]

    def test_shape_is_that_of_the_points(self, ramp):
        assert {found.shape for found in ramp.sample(np.zeros((3, 2, 6, 7), np.float32))} == {(2, 6, 7)}


class TestMapsOfNilearn:
    @pytest.fixture
    def templates(self):
        pytest.importorskip("nilearn", reason="the brain maps are in nilearn's wheel")
        return load_templates()

    def test_maps_are_those_of_icbm_at_1_mm(self, templates):
        assert templates.t1.shape == templates.grey.shape == templates.white.shape == (197, 233, 189)
        assert templates.origin.tolist() == [-98.0, -134.0, -72.0]

    @pytest.mark.parametrize("kind", ["t1", "grey", "white"])
    def test_values_go_from_0_to_1(self, templates, kind):
        volume = getattr(templates, kind)
        assert volume.dtype == np.float32
        assert (volume.min(), volume.max()) == (0.0, 1.0)

    def test_known_places_hold_their_tissue(self, templates):
        places = {"white": (27.0, -24.0, 30.0), "ventricle": (5.0, 8.0, 14.0), "air": (0.0, 95.0, 80.0)}
        t1, _, white = templates.sample(column(*places.values()))
        found = dict(zip(places, zip(t1, white, strict=True), strict=True))
        assert found["white"] == pytest.approx((0.87, 1.0), abs=0.06)
        assert found["ventricle"][0] < 0.45
        assert found["ventricle"][1] < 0.3
        assert found["air"] == (0.0, 0.0)

    def test_maps_are_read_once(self, templates):
        assert load_templates() is templates


def test_without_nilearn_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "nilearn", None)
    with pytest.raises(ModuleNotFoundError, match="pip install nilearn"):
        load_templates.__wrapped__()
