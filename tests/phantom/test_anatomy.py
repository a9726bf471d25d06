from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_fill_holes, label

from scripts.phantom.anatomy import _cerebellum, _dark_sheets, _deep_region, _ellipsoid, _largest, healthy_tissue
from scripts.phantom.grid import Grid
from scripts.phantom.templates import load_templates
from scripts.phantom.tissues import TISSUES

GRID = Grid.around_brain(6.0)
HEALTHY = {"csf", "grey_matter", "white_matter", "striatum", "thalamus", "pallidum", "oedema"}


@pytest.fixture(scope="module")
def head():
    pytest.importorskip("nilearn", reason="the brain maps are in nilearn's wheel")
    return healthy_tissue(np.random.default_rng(4), GRID, load_templates(), GRID.points())


def at(*points):
    """Return template millimetres as the points of a volume of one column."""
    return np.array(points, np.float32).T[:, :, None, None]


class TestHealthyTissue:
    def test_tissues_are_the_healthy_ones_and_a_little_gliosis(self, head):
        fractions, mask = head
        assert set(fractions) == HEALTHY
        assert set(TISSUES) >= HEALTHY
        assert 0.0 < fractions["oedema"][mask].mean() < 0.05
        assert fractions["oedema"].max() <= 0.45

    def test_fractions_sum_to_1_in_the_brain_and_are_0_outside(self, head):
        fractions, mask = head
        whole = sum(fractions.values())
        assert whole[mask] == pytest.approx(1.0, abs=1e-5)
        assert not whole[~mask].any()
        assert all(share.min() >= 0.0 and share.max() <= 1.0 + 1e-6 for share in fractions.values())

    def test_brain_is_one_piece_without_holes(self, head):
        mask = head[1]
        assert label(mask)[1] == 1
        assert np.array_equal(binary_fill_holes(mask), mask)
        assert 1.6e6 < mask.sum() * GRID.voxel**3 < 2.1e6

    def test_each_tissue_has_about_its_share_of_a_brain(self, head):
        fractions, mask = head
        share = {name: float(fraction.sum() / mask.sum()) for name, fraction in fractions.items()}
        nuclei = share["striatum"] + share["thalamus"] + share["pallidum"]
        assert 0.35 < share["grey_matter"] < 0.60
        assert 0.25 < share["white_matter"] < 0.50
        assert 0.05 < share["csf"] < 0.25
        assert 0.01 < nuclei < 0.04

    def test_nuclei_lie_where_they_belong(self, head):
        points = GRID.points()
        for name, side, height in (("striatum", 23.0, 4.0), ("thalamus", 12.0, 8.0), ("pallidum", 19.0, 0.0)):
            weight = head[0][name]
            centre = [(np.abs(p) * weight).sum() / weight.sum() for p in (points[0], points[2])]
            assert np.abs(np.array(centre) - [side, height]).max() < 6.0

    def test_a_seed_chooses_the_folds(self, head):
        again, other = (
            healthy_tissue(np.random.default_rng(seed), GRID, load_templates(), GRID.points())[0]["csf"]
            for seed in (4, 5)
        )
        assert np.array_equal(again, head[0]["csf"])
        assert np.abs(again - other).max() > 0.1


class TestDarkSheets:
    def test_distance_to_the_bottom_of_a_dark_furrow_is_known(self):
        x = np.arange(32, dtype=np.float32) - 15.25
        furrow = np.broadcast_to((0.2 + 0.004 * x**2)[:, None, None], (32, 12, 12))
        distance, strength = _dark_sheets(furrow, 1.3, 0.5, np.ones(furrow.shape, bool))
        inner = slice(12, 20)
        assert distance[inner, 6, 6] == pytest.approx(0.5 * np.abs(x[inner]), rel=0.02)
        assert strength[inner, 6, 6] == pytest.approx(2 * 0.004 * (1.3 / 0.5) ** 2, rel=0.02)

    def test_a_bright_plane_is_none(self):
        x = np.arange(24, dtype=np.float32) - 12.0
        volume = np.broadcast_to((0.6 + 0.4 * np.exp(-(x**2) / (2 * 3.0**2)))[:, None, None], (24, 12, 12))
        assert _dark_sheets(volume, 1.3, 1.0, np.ones(volume.shape, bool))[1][10:15, 6, 6].max() < 1e-3

    def test_it_is_empty_outside_the_brain(self):
        mask = np.zeros((8, 8, 8), bool)
        mask[2:6, 2:6, 2:6] = True
        distance, strength = _dark_sheets(np.full(mask.shape, 0.6, np.float32), 1.3, 1.0, mask)
        assert (distance[~mask] == 1000.0).all()
        assert not strength[~mask].any()


class TestRegions:
    def test_largest_piece_is_kept(self):
        assert _largest(np.array([1, 1, 0, 1, 1, 1, 0, 1], bool)).tolist() == [0, 0, 0, 1, 1, 1, 0, 0]

    def test_ellipsoid_counts_in_its_radii(self):
        found = _ellipsoid(at((1, 2, 3), (5, 2, 3), (1, 2, 0)), (1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
        assert found.ravel().tolist() == [0.0, 1.0, 0.5]

    def test_thalamus_and_brain_stem_are_deep_and_cortex_is_not(self):
        places = at((10, -18, 8), (0, -27, -40), (0, -10, 22), (45, 30, 20), (0, -90, 0))
        assert _deep_region(places).ravel().tolist() == [1.0, 1.0, 1.0, 0.0, 0.0]

    def test_cerebellum_lies_below_the_occipital_lobe(self):
        places = at((25, -65, -35), (-25, -65, -35), (0, -90, 10), (0, 30, -20))
        assert _cerebellum(places).ravel().tolist() == [1.0, 1.0, 0.0, 0.0]
