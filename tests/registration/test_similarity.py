"""Similarity of two images."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.registration.motion import rigid_matrix
from scripts.registration.similarity import likeness, normalised_mutual_information, similarity
from scripts.registration.volume import Volume


def test_an_image_is_most_similar_to_itself_and_its_negative():
    values = np.random.default_rng(0).normal(size=5000)
    assert normalised_mutual_information(values, values) == pytest.approx(1)
    assert normalised_mutual_information(values, -3 * values + 7) > 0.95


def test_noise_is_not_informative():
    rng = np.random.default_rng(0)
    assert normalised_mutual_information(rng.normal(size=200000), rng.normal(size=200000)) < 0.002
    assert normalised_mutual_information(np.ones(10), rng.normal(size=10)) == 0


def test_two_bits_shared_of_four_have_a_known_answer():
    # A has 4 equally frequent values, B says which half: H(A) = 2, H(B) = 1, H(A, B) = 2 bits
    a = np.tile(np.arange(4.0), 100)
    assert normalised_mutual_information(a, (a >= 2).astype(float)) == pytest.approx(0.5)


class TestOfAPhantom:
    def test_of_one_head_the_contrasts_share_a_tenth_of_what_they_tell(self, pair):
        fixed, moving = pair
        alike, overlap = similarity(fixed, moving, np.eye(4))
        assert alike > 0.1
        assert overlap == 1

    def test_noise_is_not_like_a_head(self, pair):
        fixed, _ = pair
        noise = Volume(np.random.default_rng(0).normal(100, 10, fixed.values.shape).astype(np.float32), fixed.affine)
        assert similarity(fixed, noise, np.eye(4))[0] < 0.02
        assert likeness(fixed, noise, np.eye(4)).contrast < 1.2

    def test_half_a_volume_reaches_half_the_head(self, pair):
        fixed, moving = pair
        present = np.flatnonzero((fixed.values > 0).any((0, 1)))
        half = Volume(moving.values[..., : int(present.mean())], moving.affine)
        _, overlap = similarity(fixed, half, np.eye(4))
        assert 0.35 < overlap < 0.65

    def test_far_away_nothing_overlaps(self, pair):
        away = np.eye(4)
        away[0, 3] = 1000
        assert similarity(*pair, away) == (0.0, 0.0)

    def test_fine_structure_agrees_where_the_head_lies_on_itself(self, pair):
        found = likeness(*pair, np.eye(4))
        assert found.here == pytest.approx(0.5, abs=0.2)
        assert found.contrast > 2

    @pytest.mark.parametrize("shift", [(15, 0, 0), (0, -15, 0), (0, 0, 15)])
    def test_it_does_not_when_shifted(self, pair, shift):
        moved = rigid_matrix(np.zeros(3), np.array(shift, float), pair[0].centre())
        assert likeness(*pair, moved).contrast < 1

    @pytest.mark.parametrize("degrees", [(20, 0, 0), (0, 20, 0), (0, 0, -20)])
    def test_it_does_not_when_turned(self, pair, degrees):
        turned = rigid_matrix(np.array(degrees, float), np.zeros(3), pair[0].centre())
        assert likeness(*pair, turned).contrast < 1
