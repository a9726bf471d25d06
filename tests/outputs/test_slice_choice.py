from __future__ import annotations

import numpy as np
import pytest

from scripts.outputs.slice_choice import choose_slices, foreground, grey_window


@pytest.fixture
def head() -> np.ndarray:
    volume = np.zeros((20, 20, 60))
    volume[5:15, 5:15, 10:51] = np.random.default_rng(0).uniform(200, 400, (10, 10, 41))
    return volume


class TestChooseSlices:
    def test_three_slices_of_the_brains_extent(self, head):
        assert choose_slices(head, 2) == [24, 30, 36]

    def test_any_axis_can_be_cut(self, head):
        assert choose_slices(np.moveaxis(head, 2, 0), 0) == [24, 30, 36]

    def test_the_largest_lesion_slice_takes_the_place_of_the_nearest(self, head):
        lesion = np.zeros_like(head)
        lesion[8:10, 8:10, 38:44] = 1
        lesion[7:12, 7:12, 41] = 2
        assert choose_slices(head, 2, lesion=lesion) == [24, 30, 41]

    def test_an_empty_lesion_changes_nothing(self, head):
        assert choose_slices(head, 2, lesion=np.zeros_like(head)) == [24, 30, 36]

    def test_a_thin_volume_gives_fewer_slices(self, head):
        assert choose_slices(head[:, :, 30:32], 2) == [0, 1]
        assert choose_slices(head[:, :, 30:31], 2) == [0]

    def test_a_black_volume_is_taken_by_its_own_extent(self):
        assert choose_slices(np.zeros((4, 4, 21)), 2) == [7, 10, 13]


class TestWindow:
    def test_a_few_bright_vessels_do_not_darken_the_rest(self, head):
        head[6, 6, 20:22] = 5000
        low, high = grey_window(head)
        assert low == 0
        assert 380 < high <= 400

    def test_a_constant_volume_has_a_window_all_the_same(self):
        assert grey_window(np.full((3, 3, 3), 7.0)) == (7.0, 8.0)

    def test_foreground_is_the_brain_and_not_faint_noise(self, head):
        noisy = head + np.random.default_rng(1).uniform(0, 8, head.shape)
        np.testing.assert_array_equal(foreground(noisy), head > 0)
