"""Random order of the sources."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.transforms import Compose

from scripts.transforms.rand_source_order import RandSourceOrderd


def constants(sources):
    """An image whose sources are constant: 0, 1, 2, …"""
    return torch.arange(float(sources)).view(-1, 1, 1).expand(-1, 3, 4).clone()


def orders(sources, prob=1.0, draws=60):
    """The order of the sources in successive draws."""
    transform = RandSourceOrderd("image", prob=prob)
    transform.set_random_state(seed=0)
    image = constants(sources)
    return [tuple(int(source[0, 0]) for source in transform({"image": image})["image"]) for _ in range(draws)]


class TestOrder:
    def test_two_sources_are_exchanged(self):
        assert set(orders(2)) == {(1, 0)}

    def test_three_and_four_move_on_and_never_stay(self):
        assert set(orders(3)) == {(2, 0, 1), (1, 2, 0)}
        assert set(orders(4)) == {(3, 0, 1, 2), (2, 3, 0, 1), (1, 2, 3, 0)}

    def test_sources_stay_whole(self):
        image = torch.rand(2, 5, 6)
        out = RandSourceOrderd("image", prob=1.0)({"image": image})["image"]
        assert torch.equal(out, image.flip(0))

    def test_volumes_are_changed_as_well(self):
        image = torch.rand(2, 3, 4, 5)
        assert torch.equal(RandSourceOrderd("image", prob=1.0)({"image": image})["image"], image.flip(0))

    def test_it_happens_with_the_given_probability(self):
        assert np.mean([order == (1, 0) for order in orders(2, prob=0.3, draws=3000)]) == pytest.approx(0.3, abs=0.03)
        assert set(orders(2, prob=0.0)) == {(0, 1)}

    def test_the_random_state_decides(self):
        def drawn(seed):
            pipeline = Compose([RandSourceOrderd("image", prob=0.5)])
            pipeline.set_random_state(seed=seed)
            return [tuple(pipeline({"image": constants(4)})["image"][:, 0, 0].tolist()) for _ in range(20)]

        assert drawn(5) == drawn(5)
        assert drawn(5) != drawn(6)

    def test_other_keys_and_the_original_are_left_alone(self):
        image, brain = constants(2), torch.ones(1, 3, 4)
        out = RandSourceOrderd("image", prob=1.0)({"image": image, "brain": brain, "patient": "P1"})
        assert torch.equal(image, constants(2))
        assert out["brain"] is brain
        assert out["patient"] == "P1"


@pytest.mark.parametrize("prob", [-0.1, 1.1])
def test_what_is_not_a_probability_is_refused(prob):
    with pytest.raises(ValueError, match=f"prob must lie between 0 and 1, got {prob}"):
        RandSourceOrderd("image", prob=prob)
