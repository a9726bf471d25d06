"""Random contrasts that the training data lack."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.transforms import Compose

from scripts.transforms.rand_foreign_contrast import RandForeignContrastd

RAMP = torch.tensor([0.0, 0.1, 0.25, 0.5, 0.8])


def transformed(image, seed=0, **arguments):
    """The changed image, and the drawn transform."""
    transform = RandForeignContrastd("image", **{"prob": 1.0, **arguments})
    transform.set_random_state(seed=seed)
    return transform({"image": image})["image"], transform


def one_of(kind, **arguments):
    """A single source, saturated or inverted as requested, with its gain."""
    for seed in range(20):
        out, transform = transformed(RAMP[None], seed, **arguments)
        if bool(transform.inverted[0]) == (kind == "inverted"):
            return out[0], float(transform.gain[0])
    raise AssertionError(f"none of 20 is {kind}")


class TestKnownAnswers:
    def test_the_brightest_becomes_black_and_the_darkest_that_is_not_black_bright(self):
        assert one_of("inverted")[0].tolist() == pytest.approx([0.0, 0.7, 0.55, 0.3, 0.0])

    def test_saturation_is_a_gain_that_ends_at_white(self):
        out, gain = one_of("saturated", max_gain=4.0)
        assert out.tolist() == pytest.approx([min(1.0, gain * x) for x in RAMP.tolist()])
        assert 1 < gain <= 4

    def test_the_largest_gain_may_be_one(self):
        assert torch.equal(one_of("saturated", max_gain=1.0)[0], RAMP)

    def test_a_black_source_stays_as_it_is(self):
        for seed in range(10):
            assert transformed(torch.zeros(2, 4, 4), seed)[0].abs().max() == 0


class TestEverySource:
    @pytest.mark.parametrize("sources", [2, 3, 4])
    def test_range_black_and_shape_are_kept(self, sources):
        image = torch.rand(sources, 9, 8)
        image[:, :, :3] = 0
        for seed in range(30):
            out, _ = transformed(image, seed)
            assert out.shape == image.shape
            assert out.dtype == image.dtype
            assert out.min() >= 0
            assert out.max() <= 1
            assert out[:, :, :3].abs().max() == 0

    @pytest.mark.parametrize("sources", [2, 3, 4])
    def test_each_is_drawn_on_its_own(self, sources):
        transform = RandForeignContrastd("image", prob=0.5)
        transform.set_random_state(seed=0)
        drawn = []
        for _ in range(200):
            transform.randomize(sources)
            drawn.append(tuple(transform.chosen))
        assert len(set(drawn)) == 2**sources

    def test_a_source_that_is_not_chosen_is_untouched(self):
        image = torch.rand(4, 5, 6)
        for seed in range(10):
            out, transform = transformed(image, seed, prob=0.5)
            for source, before, chosen in zip(out, image, transform.chosen, strict=True):
                assert torch.equal(source, before) != chosen

    def test_probability_and_gains_are_those_asked_for(self):
        transform = RandForeignContrastd("image", prob=0.3, max_gain=4.0)
        transform.set_random_state(seed=0)
        transform.randomize(5000)
        assert transform.chosen.mean() == pytest.approx(0.3, abs=0.02)
        assert transform.inverted.mean() == pytest.approx(0.5, abs=0.02)
        assert 1 <= transform.gain.min() < 1.01
        assert 3.96 < transform.gain.max() <= 4
        assert np.median(transform.gain) == pytest.approx(2, rel=0.05)

    def test_never_is_never(self):
        image = torch.rand(3, 5, 6)
        assert torch.equal(transformed(image, prob=0.0)[0], image)

    def test_volumes_are_changed_as_well(self):
        assert transformed(torch.rand(2, 3, 4, 5))[0].shape == (2, 3, 4, 5)

    def test_the_random_state_decides(self):
        image = torch.rand(2, 5, 6)

        def drawn(seed):
            pipeline = Compose([RandForeignContrastd("image", prob=1.0)])
            pipeline.set_random_state(seed=seed)
            return pipeline({"image": image})["image"]

        assert torch.equal(drawn(5), drawn(5))
        assert not torch.equal(drawn(5), drawn(6))

    def test_other_keys_and_the_original_are_left_alone(self):
        image, brain = torch.rand(2, 5, 6), torch.ones(1, 5, 6)
        before = image.clone()
        out = RandForeignContrastd("image", prob=1.0)({"image": image, "brain": brain})
        assert torch.equal(image, before)
        assert out["brain"] is brain


class TestBadArguments:
    @pytest.mark.parametrize("gain", [0.5, float("nan")])
    def test_a_gain_that_darkens_is_refused(self, gain):
        with pytest.raises(ValueError, match=f"max_gain must be at least 1, got {gain}"):
            RandForeignContrastd("image", max_gain=gain)

    @pytest.mark.parametrize("prob", [-0.1, 1.1])
    def test_what_is_not_a_probability_is_refused(self, prob):
        with pytest.raises(ValueError, match=f"prob must lie between 0 and 1, got {prob}"):
            RandForeignContrastd("image", prob=prob)
