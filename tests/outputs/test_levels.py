from __future__ import annotations

import numpy as np

from scripts.outputs.levels import to_levels


def test_numbers_become_the_nearest_level_and_stay_within_the_limits():
    page = np.array([[-0.1, 0.0, 0.5], [0.9999, 1.0, 1.2]], dtype=np.float32)
    assert to_levels(page, 1 / 255, 0.0, 0, 255).tolist() == [[0, 0, 128], [255, 255, 255]]
    assert to_levels(page, 0.1, 0.5, -3, 3).tolist() == [[-3, -3, 0], [3, 3, 3]]


def test_every_level_of_16_bits_comes_back():
    levels = np.arange(65536)
    stored = (levels / 65535).astype(np.float32)
    assert np.array_equal(to_levels(stored, 1 / 65535, 0.0, 0, 65535), levels)
