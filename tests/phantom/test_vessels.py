from __future__ import annotations

import numpy as np
import pytest

from scripts.phantom.grid import Grid
from scripts.phantom.vessels import COURSES, PLEXUS, _distance_to_course, add_vessels, replace

BASILAR = Grid((24, 24, 24), 1.0, (108.0, 116.0, 34.0))
"""A box around the basilar artery."""


@pytest.fixture(scope="module")
def drawn():
    """Fractions and mask of mostly fluid, with what is drawn into it."""
    mask = np.pad(np.ones([n - 2 for n in BASILAR.shape], bool), 1)
    fractions = {"csf": 0.8 * mask.astype(np.float32), "grey_matter": 0.2 * mask.astype(np.float32)}
    add_vessels(np.random.default_rng(5), BASILAR, fractions, BASILAR.points(), mask)
    return fractions, mask


def total(fractions):
    return sum(fractions.values())


class TestReplace:
    def test_it_takes_from_all_tissues_in_proportion(self):
        fractions = {"csf": np.array([0.2]), "white_matter": np.array([0.8])}
        replace(fractions, "vessel", np.array([0.25]))
        assert {name: float(share[0]) for name, share in fractions.items()} == pytest.approx(
            {"csf": 0.15, "white_matter": 0.6, "vessel": 0.25}
        )

    def test_what_is_there_of_the_tissue_itself_remains(self):
        fractions = {"csf": np.array([0.5]), "vessel": np.array([0.5])}
        replace(fractions, "vessel", np.array([0.5]))
        assert float(fractions["vessel"][0]) == pytest.approx(0.75)

    def test_sum_stays_1(self, rng):
        fractions = {"csf": rng.random((4, 5, 6))}
        fractions["grey_matter"] = 1.0 - fractions["csf"]
        replace(fractions, "dura", rng.random((4, 5, 6)))
        assert total(fractions) == pytest.approx(1.0)


class TestCourses:
    def test_distance_is_to_the_nearest_place_of_the_line(self):
        points = np.array([[0.0, 5.0, 12.0], [3.0, 0.0, 0.0], [4.0, 0.0, 0.0]])[:, :, None, None]
        distance = _distance_to_course(points, [(0, 0, 0), (10, 0, 0)])
        assert distance.ravel().tolist() == [5.0, 0.0, 2.0]

    def test_line_turns_at_its_corners(self):
        points = np.array([[10.0], [5.0], [1.0]])[:, :, None, None]
        assert _distance_to_course(points, [(0, 0, 0), (10, 0, 0), (10, 10, 0)]).item() == 1.0

    def test_far_away_is_beyond_any_vessel(self):
        points = np.array([[50.0], [50.0], [50.0]])[:, :, None, None]
        assert _distance_to_course(points, [(0, 0, 0), (10, 0, 0)]).item() == 1000.0

    @pytest.mark.parametrize("name", COURSES)
    def test_large_vessels_are_within_the_brain_box(self, name):
        radius, course = COURSES[name]
        low, high = (edge(Grid.around_brain(1.0).points().reshape(3, -1), axis=1) for edge in (np.min, np.max))
        assert 0.5 < radius < 2.5
        assert all((low < corner).all() and (corner < high).all() for corner in np.array([*course, *PLEXUS]))


class TestAddVessels:
    def test_three_tissues_are_added(self, drawn):
        assert set(drawn[0]) == {"csf", "grey_matter", "vessel", "dura", "choroid_plexus"}

    def test_fractions_sum_to_1_in_the_brain_and_are_0_outside(self, drawn):
        fractions, mask = drawn
        assert total(fractions)[mask] == pytest.approx(1.0, abs=1e-5)
        assert not total(fractions)[~mask].any()
        assert all(share.min() >= 0 for share in fractions.values())

    def test_basilar_artery_runs_along_its_course(self, drawn):
        vessel, mask = drawn[0]["vessel"], drawn[1]
        distance = _distance_to_course(BASILAR.points(), COURSES["basilar_artery"][1])
        assert vessel[mask & (distance < 1.5)].mean() > 0.3
        assert vessel[mask & (distance < 1.5)].mean() > 3.0 * vessel[mask & (distance > 6.0)].mean()

    def test_plexus_is_nowhere_near_the_basilar_artery(self, drawn):
        assert not drawn[0]["choroid_plexus"].any()

    def test_a_seed_chooses_the_small_vessels(self, coarse_grid):
        mask = (coarse_grid.points() ** 2).sum(0) < 60.0**2

        def vessels(seed):
            fractions = {"csf": mask.astype(np.float32)}
            add_vessels(np.random.default_rng(seed), coarse_grid, fractions, coarse_grid.points(), mask)
            return fractions["vessel"]

        assert np.array_equal(vessels(1), vessels(1))
        assert not np.array_equal(vessels(1), vessels(2))
