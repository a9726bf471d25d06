from __future__ import annotations

import numpy as np
import pytest

from scripts.phantom.glioma import SEG_LABELS, SITES, Glioma, _efface, _spread, add_glioma, draw_glioma
from scripts.phantom.grid import Grid
from scripts.phantom.tissues import TISSUES

GRID = Grid.around_brain(4.0)
SITE = np.array([30.0, -20.0, 24.0])
TUMOUR = {"necrosis", "non_enhancing_tumour", "enhancing_tumour", "oedema"}


def head():
    """Return the tissue fractions and mask of a ball of white matter in grey matter, with a ventricle inside."""
    distance = np.sqrt((GRID.points() ** 2).sum(0))
    mask = distance < 66.0
    csf = (distance < 10.0).astype(np.float32)
    grey = ((distance > 60.0) & mask).astype(np.float32)
    return {"csf": csf, "grey_matter": grey, "white_matter": mask - csf - grey}, mask


def with_glioma(seed):
    """Return the head's fractions and mask after a tumour of some outline has grown in it."""
    fractions, mask = head()
    add_glioma(np.random.default_rng(seed), GRID, fractions, GRID.points(), mask, Glioma(SITE, SITE, 17.0, 6.0))
    return fractions, mask


@pytest.fixture(scope="module")
def grown():
    return with_glioma(9)


def test_labels_are_those_of_brats_2018():
    assert set(SEG_LABELS) == TUMOUR
    assert set(SEG_LABELS.values()) == {1, 2, 4}
    assert set(TISSUES) >= TUMOUR


class TestDrawGlioma:
    @pytest.fixture
    def drawn(self):
        return [draw_glioma(np.random.default_rng(seed), GRID, GRID.points()) for seed in range(40)]

    def test_a_seed_chooses_it(self, drawn):
        again = draw_glioma(np.random.default_rng(3), GRID, GRID.points())
        assert np.array_equal(again.site, drawn[3].site)
        assert again[2:] == drawn[3][2:]

    def test_size_and_push_are_within_their_range(self, drawn):
        assert all(15.0 <= glioma.radius <= 19.0 and 4.5 <= glioma.push <= 7.0 for glioma in drawn)

    def test_each_is_near_a_known_site_on_either_side(self, drawn):
        for glioma in drawn:
            mirrored = np.abs(glioma.site) * [1, 0, 0] + glioma.site * [0, 1, 1]
            assert min(np.abs(mirrored - site).max() for site in np.array(SITES)) < 8.0
        assert {np.sign(glioma.site[0]) for glioma in drawn} == {-1.0, 1.0}

    def test_its_centre_is_the_voxel_that_shows_its_site(self, drawn):
        assert all(np.abs(glioma.centre - glioma.site).max() <= GRID.voxel / 2 + 1e-3 for glioma in drawn)


class TestAddGlioma:
    def test_fractions_still_sum_to_1_in_the_brain_and_are_0_outside(self, grown):
        fractions, mask = grown
        whole = sum(fractions.values())
        assert whole[mask] == pytest.approx(1.0, abs=1e-5)
        assert not whole[~mask].any()
        assert all(share.min() >= -1e-6 for share in fractions.values())

    def test_every_part_of_it_is_there(self, grown):
        assert all(grown[0][name].max() > 0.5 for name in TUMOUR)

    def test_solid_part_has_about_the_volume_of_its_radius(self, grown):
        volume = sum(grown[0][name].sum() for name in TUMOUR - {"oedema"}) * GRID.voxel**3
        ball = 4.0 / 3.0 * np.pi * 17.0**3
        assert 0.7 * ball < volume < 2.0 * ball

    def test_necrosis_lies_within_the_rim_and_oedema_around_it(self, grown):
        distance = np.sqrt(((GRID.points() - SITE.reshape(3, 1, 1, 1)) ** 2).sum(0))
        mean = {name: (distance * grown[0][name]).sum() / grown[0][name].sum() for name in TUMOUR}
        assert mean["necrosis"] < mean["enhancing_tumour"] < mean["oedema"]

    def test_it_does_not_cross_the_midline(self, grown):
        other_side = GRID.points()[0] < 0
        assert not any(grown[0][name][other_side].any() for name in TUMOUR)

    def test_ventricle_stays_open(self, grown):
        middle = np.sqrt((GRID.points() ** 2).sum(0)) < 5.0
        assert grown[0]["csf"][middle].min() > 0.9

    def test_a_seed_chooses_its_outline(self, grown):
        again, other = (with_glioma(seed)[0] for seed in (9, 10))
        assert all(np.array_equal(again[name], grown[0][name]) for name in again)
        assert np.abs(other["enhancing_tumour"] - grown[0]["enhancing_tumour"]).max() > 0.5


class TestSpread:
    def spread(self, conducting, source):
        fractions = {"white_matter": conducting.astype(np.float32), "grey_matter": np.zeros(GRID.shape, np.float32)}
        return _spread(GRID, source.astype(np.float32), fractions, np.zeros(3))

    def test_fluid_stays_between_0_and_1_and_falls_with_distance(self):
        distance = np.sqrt((GRID.points() ** 2).sum(0))
        spread = self.spread(distance < 60.0, distance < 12.0)
        assert 0.0 <= spread.min() <= spread.max() <= 1.0
        shells = [spread[(distance >= low) & (distance < low + 6.0)].mean() for low in range(0, 48, 6)]
        assert (np.diff(shells) < 0).all()

    def test_what_does_not_conduct_stays_dry(self):
        x = GRID.points()[0]
        source = np.sqrt((GRID.points() ** 2).sum(0)) < 12.0
        spread = self.spread(x > -16.0, source)
        assert spread[x > 16.0].max() > 0.02
        assert spread[x < -28.0].max() < 1e-3


def test_fluid_of_closed_sulci_becomes_cortex():
    fractions = {"csf": np.array([1.0, 1.0, 1.0]), "grey_matter": np.zeros(3)}
    _efface(fractions, near=np.array([1.0, 0.5, 1.0]), open_fluid=np.array([0.0, 0.0, 1.0]))
    assert fractions["csf"] == pytest.approx([0.15, 0.575, 1.0])
    assert fractions["grey_matter"] == pytest.approx([0.85, 0.425, 0.0])
