"""A head around a brain."""

from __future__ import annotations

import numpy as np

from phantom_studies.skull import add_skull


def ball():
    axes = np.meshgrid(*(np.arange(-30, 31),) * 3, indexing="ij")
    return 100.0 * (sum(a**2 for a in axes) <= 12**2)


def test_layers_lie_around_the_brain_in_millimetres():
    head = add_skull(ball(), (1.0, 1.0, 1.0), noise=0)
    line = head[30, 30, 30:]
    assert (line[:12] == 100).all()
    assert line[18] < 12
    assert line[23] > 110
    assert (line[29:] == 0).all()
    assert np.array_equal(head, add_skull(ball(), (1.0, 1.0, 1.0), noise=0))


def test_noise_reaches_the_air_and_is_the_same_for_one_seed():
    head = add_skull(ball(), (1.0, 1.0, 1.0), noise=0.03, seed=4)
    assert (head[0] > 0).all()
    assert head[0].mean() < 6
    assert np.array_equal(head, add_skull(ball(), (1.0, 1.0, 1.0), noise=0.03, seed=4))
    assert not np.array_equal(head, add_skull(ball(), (1.0, 1.0, 1.0), noise=0.03, seed=5))
