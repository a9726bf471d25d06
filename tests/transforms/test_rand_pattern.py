"""Images unlike any brain."""

from __future__ import annotations

import numpy as np
import torch

from scripts.transforms.rand_pattern import RandPatternd


def drawn(seed: int, prob: float = 1.0) -> torch.Tensor:
    transform = RandPatternd("image", prob=prob)
    transform.set_random_state(seed=seed)
    return transform({"image": torch.full((2, 6, 8), 0.5)})["image"]


def test_the_range_is_kept() -> None:
    images = torch.stack([drawn(seed) for seed in range(50)])
    assert images.min() >= 0
    assert images.max() <= 1
    assert images.dtype == torch.float32


def test_some_are_nearly_the_pattern_alone() -> None:
    assert max(float(np.ptp(drawn(seed).numpy())) for seed in range(50)) > 0.9


def test_nothing_happens_at_probability_zero() -> None:
    assert torch.equal(drawn(0, prob=0.0), torch.full((2, 6, 8), 0.5))


def test_one_seed_gives_one_image() -> None:
    assert torch.equal(drawn(3), drawn(3))
    assert not torch.equal(drawn(3), drawn(4))


def test_a_checkerboard_alternates_in_both_directions() -> None:
    transform = RandPatternd("image")
    boards = []
    for seed in range(60):
        transform.set_random_state(seed=seed)
        pattern = transform.pattern((4, 4))
        black_and_white = set(np.unique(pattern)) == {0.0, 1.0}
        if black_and_white and np.all(np.diff(pattern, axis=0)) and np.all(np.diff(pattern, axis=1)):
            boards.append(pattern)
    assert boards
    assert all(board.sum() == 8 for board in boards)


def test_volumes_have_patterns_in_three_dimensions() -> None:
    transform = RandPatternd("image", prob=1.0)
    alternating = set()
    for seed in range(60):
        transform.set_random_state(seed=seed)
        pattern = transform.pattern((4, 5, 6))
        assert pattern.shape == (4, 5, 6)
        if set(np.unique(pattern)) == {0.0, 1.0}:
            alternating.add(tuple(bool(np.all(np.diff(pattern, axis=axis))) for axis in range(3)))
    # planes across the first and across the last axis, the checkerboard, and noise
    assert {(True, False, False), (False, False, True), (True, True, True), (False, False, False)} == alternating
