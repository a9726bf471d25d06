"""What two images tell about each other."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.registration.similarity import normalised_mutual_information, peak, similarity
from scripts.registration.volume import Volume


def test_an_image_tells_all_about_itself_and_its_negative():
    values = np.random.default_rng(0).normal(size=5000)
    assert normalised_mutual_information(values, values) == pytest.approx(1)
    assert normalised_mutual_information(values, -3 * values + 7) > 0.95


def test_noise_tells_nothing():
    rng = np.random.default_rng(0)
    assert normalised_mutual_information(rng.normal(size=200000), rng.normal(size=200000)) < 0.002
    assert normalised_mutual_information(np.ones(10), rng.normal(size=10)) == 0


def test_two_bits_shared_of_four_have_a_known_answer():
    # A has 4 equally frequent values, B says which half: H(A) = 2, H(B) = 1, H(A, B) = 2 bits
    a = np.tile(np.arange(4.0), 100)
    assert normalised_mutual_information(a, (a >= 2).astype(float)) == pytest.approx(0.5)


class TestOfAPhantom:
    def test_right_is_better_than_aside(self, pair):
        fixed, moving = pair
        alike, overlap = similarity(fixed, moving, np.eye(4))
        assert alike > 0.1
        assert overlap == 1
        assert peak(fixed, moving, np.eye(4)) > 3

    def test_noise_has_no_peak(self, pair):
        fixed, _ = pair
        noise = Volume(np.random.default_rng(0).normal(100, 10, fixed.values.shape).astype(np.float32), fixed.affine)
        assert similarity(fixed, noise, np.eye(4))[0] < 0.02
        assert peak(fixed, noise, np.eye(4)) < 1.2

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
