"""Q_FMI on single windows whose value is known."""

from __future__ import annotations

import pytest
import torch

from scripts.metrics.feature_mutual_information import WINDOWS_AT_ONCE, feature_mutual_information

RAMP = list(range(9))
POINT = [0, 0, 0, 0, 50, 0, 0, 0, 0]
FLAT = [7] * 9
NOISE = [3, 141, 59, 26, 53, 58, 97, 93, 23]


def score(fused, *sources):
    """Of one window, its nine grey levels column by column."""
    images = torch.tensor([fused, *sources], dtype=torch.float64).view(1, -1, 3, 3).mT / 255
    return feature_mutual_information(images[:, :1], images[:, 1:]).item()


class TestWindows:
    def test_equal_windows_share_everything(self):
        assert score(RAMP, RAMP, RAMP) == 1
        assert score(POINT, POINT, POINT) == 1

    def test_scale_and_brightness_of_a_window_do_not_matter(self):
        assert score(RAMP, [2 * v + 9 for v in RAMP], [5 * v for v in RAMP]) == pytest.approx(1, abs=1e-12)
        assert score(NOISE, RAMP, RAMP) == pytest.approx(score([v + 90 for v in NOISE], RAMP, RAMP), abs=1e-12)

    def test_constant_windows_share_everything_with_each_other_and_nothing_with_the_rest(self):
        assert score(FLAT, FLAT, [9] * 9) == 1
        assert score(FLAT, RAMP, NOISE) == 0
        assert score(RAMP, FLAT, FLAT) == 0
        assert score(RAMP, FLAT, RAMP) == 0.5

    def test_a_point_mass_shares_nothing_beyond_equality_with_the_first_source(self):
        assert score(POINT, RAMP, POINT) == 0
        assert score(POINT, POINT, RAMP) == 0.5
        assert score(RAMP, POINT, POINT) == 0

    def test_the_second_source_is_compared_with_what_the_first_has_left(self):
        scaled_point = [v // 50 for v in POINT]
        assert score(POINT, RAMP, scaled_point) == 0.5
        assert score(POINT, POINT, scaled_point) == 0.5
        assert score(POINT, POINT, RAMP, scaled_point) == pytest.approx(2 / 3)

    def test_every_window_has_the_value_of_the_definition(self, definition):
        for _ in range(200):
            a, b, f = torch.randint(0, 6, (3, 9)).tolist()
            expected = definition.fmi(*(torch.tensor(w).view(3, 3).T.numpy() for w in (a, b, f)))
            assert score(f, a, b) == pytest.approx(expected, abs=1e-9), (a, b, f)

    def test_pixels_are_read_column_by_column(self):
        across = [0, 0, 0, 9, 9, 9, 4, 4, 4]
        down = [0, 9, 4] * 3
        assert score(across, RAMP, RAMP) != pytest.approx(score(down, RAMP, RAMP), abs=1e-3)


class TestImages:
    def test_it_is_the_mean_over_windows(self):
        image = torch.randint(0, 255, (1, 3, 4, 3)) / 255
        parts = [feature_mutual_information(image[:, :1, i : i + 3], image[:, 1:, i : i + 3]) for i in range(2)]
        whole = feature_mutual_information(image[:, :1], image[:, 1:])
        assert whole.item() == pytest.approx(sum(parts).item() / 2, abs=1e-12)

    def test_it_does_not_depend_on_how_many_windows_are_worked_on_at_once(self, blobs, monkeypatch):
        fused, sources = blobs()
        expected = feature_mutual_information(fused, sources)
        monkeypatch.setitem(WINDOWS_AT_ONCE, "cpu", 7)
        assert torch.allclose(feature_mutual_information(fused, sources), expected, rtol=0, atol=1e-12)

    def test_noise_of_rounding_on_flat_images_gives_no_nan(self):
        image = 0.3 + 1e-9 * torch.rand(2, 3, 30, 30, dtype=torch.float64)
        assert feature_mutual_information(image[:, :1], image[:, 1:]).isfinite().all()
        image = 0.301 + 3e-16 * torch.rand(2, 3, 30, 30, dtype=torch.float64).round()
        assert feature_mutual_information(image[:, :1], image[:, 1:]).isfinite().all()
