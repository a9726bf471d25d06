"""Volumes with simulated thick slices."""

from __future__ import annotations

import pytest
import torch

from scripts.transforms.rand_thick_slices import RandThickSlicesd


def drawn(data: dict, seed: int = 0, prob: float = 1.0, most: int = 5) -> dict:
    transform = RandThickSlicesd(list(data), prob=prob, most=most)
    transform.set_random_state(seed=seed)
    return transform(data)


def test_a_slice_becomes_the_mean_of_its_neighbours() -> None:
    """A ramp shows which slices were averaged."""
    ramp = torch.arange(20.0).expand(2, 3, 3, 20)
    counts = set()
    for seed in range(40):
        values = drawn({"image": ramp}, seed)["image"][0, 0, 0]
        (joined,) = values.diff().unique().tolist()
        counts.add(int(joined))
        first = float(values[0]) - (joined - 1) / 2
        assert 0 <= first < joined
        assert len(values) == (20 - first) // joined
    assert counts == {2, 3, 4, 5}


def test_a_mask_stays_one_and_goes_with_its_image() -> None:
    image = torch.zeros(1, 2, 2, 12)
    image[..., 7] = 1
    for seed in range(10):
        changed = drawn({"image": image, "brain": image > 0}, seed)
        assert changed["brain"].dtype == torch.bool
        assert torch.equal(changed["brain"], changed["image"] > 0)


def test_a_volume_of_fewer_slices_stays_as_it_is() -> None:
    image = torch.rand(2, 4, 4, 1)
    assert torch.equal(drawn({"image": image})["image"], image)


def test_nothing_happens_at_probability_zero() -> None:
    image = torch.rand(2, 4, 4, 9)
    assert torch.equal(drawn({"image": image}, prob=0.0)["image"], image)


def test_fewer_than_two_slices_cannot_be_joined() -> None:
    with pytest.raises(ValueError, match="most must be at least 2, got 1"):
        RandThickSlicesd("image", most=1)
