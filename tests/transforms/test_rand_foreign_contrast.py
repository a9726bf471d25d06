"""Random contrasts that the training data lack."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.transforms import Compose
from scipy.ndimage import gaussian_filter

from scripts.transforms.rand_foreign_contrast import USUAL, RandForeignContrastd

CHANGES = ("same", "saturated", "inverted", "smoothed", "absent", "constant")
RAMP = torch.tensor([0.0, 0.1, 0.25, 0.5, 0.8]).expand(5, 5)


def transformed(image, seed=0, **arguments):
    """The changed image, and the drawn transform."""
    transform = RandForeignContrastd("image", **{"prob": 1.0, **arguments})
    transform.set_random_state(seed=seed)
    return transform({"image": image})["image"], transform


def one_of(kind, image=RAMP, **arguments):
    """A single source with one kind of change, and the transform that made it."""
    for seed in range(100):
        out, transform = transformed(image[None], seed, **arguments)
        if CHANGES[transform.change[0]] == kind:
            return out[0], transform
    raise AssertionError(f"none of 100 is {kind}")


class TestKnownAnswers:
    def test_the_brightest_becomes_black_and_the_darkest_that_is_not_black_bright(self):
        assert one_of("inverted")[0][0].tolist() == pytest.approx([0.0, 0.7, 0.55, 0.3, 0.0])

    def test_saturation_is_a_gain_that_ends_at_white(self):
        out, transform = one_of("saturated", max_gain=4.0)
        gain = float(transform.gain[0])
        assert out[0].tolist() == pytest.approx([min(1.0, gain * x) for x in RAMP[0].tolist()])
        assert 1 < gain <= 4

    def test_the_largest_gain_may_be_one(self):
        assert torch.equal(one_of("saturated", max_gain=1.0)[0], RAMP)

    def test_smoothing_is_a_gaussian_that_keeps_the_largest_value(self):
        image = torch.zeros(64, 64)
        image[20:30, 30:50] = 0.7
        out, transform = one_of("smoothed", image)
        expected = gaussian_filter(image.numpy(), transform.sigma[0], mode="constant", truncate=4)
        assert 1 <= transform.sigma[0] <= 5
        assert float(out.max()) == pytest.approx(0.7)
        np.testing.assert_allclose(out, expected * 0.7 / expected.max(), atol=0.015)

    def test_what_is_absent_is_black_in_a_region_and_as_before_elsewhere(self):
        image = 0.2 + 0.7 * torch.rand(32, 32)
        out, _ = one_of("absent", image)
        assert set(out[out != image].tolist()) == {0.0}
        assert 0.05 < (out == 0).float().mean() < 0.7

    def test_what_is_constant_has_one_bright_value_in_a_region_black_parts_included(self):
        image = torch.rand(32, 32)
        image[:16] = 0
        out, transform = one_of("constant", image)
        level = float(transform.level[0])
        assert out[out != image].tolist() == pytest.approx([level] * int((out != image).sum()))
        assert 0.5 <= level <= 1
        assert (out[:16] > 0).any()

    def test_regions_are_of_one_piece_or_few(self):
        out, _ = one_of("constant", torch.zeros(96, 96))
        inside = (out > 0).int()
        borders = inside.diff(dim=0).abs().sum() + inside.diff(dim=1).abs().sum()
        assert borders < 12 * 96


class TestEverySource:
    @pytest.mark.parametrize("sources", [2, 3, 4])
    def test_range_and_shape_are_kept(self, sources):
        image = torch.rand(sources, 9, 8)
        for seed in range(60):
            out, _ = transformed(image, seed)
            assert out.shape == image.shape
            assert out.dtype == image.dtype
            assert out.min() >= 0
            assert out.max() <= 1

    @pytest.mark.parametrize("sources", [2, 3])
    def test_each_is_drawn_on_its_own(self, sources):
        transform = RandForeignContrastd("image", prob=1.0)
        transform.set_random_state(seed=0)
        drawn = set()
        for _ in range(3000):
            transform.randomize(sources)
            drawn.add(tuple(transform.change))
        assert len(drawn) == len(CHANGES) ** sources

    def test_a_black_source_stays_black_or_gets_a_constant_region(self):
        for seed in range(20):
            out, transform = transformed(torch.zeros(1, 8, 8), seed)
            assert out.isfinite().all()
            assert (out > 0).any() == (CHANGES[transform.change[0]] == "constant" and transform.region[0].max() > 0.4)

    def test_probability_changes_and_sizes_are_those_asked_for(self):
        transform = RandForeignContrastd("image", prob=0.3, max_gain=4.0, max_sigma=9.0)
        transform.set_random_state(seed=0)
        chosen = []
        for _ in range(3000):
            transform.randomize(2)
            chosen.append(transform._do_transform)
        assert np.mean(chosen) == pytest.approx(0.3, abs=0.02)
        transform.randomize(6000)
        assert np.bincount(transform.change) / 6000 == pytest.approx(np.full(6, 1 / 6), abs=0.02)
        for drawn, largest in ((transform.gain, 4), (transform.sigma, 9)):
            assert 1 <= drawn.min() < 1.01
            assert 0.99 * largest < drawn.max() <= largest
            assert np.median(drawn) == pytest.approx(np.sqrt(largest), rel=0.05)

    def test_never_is_never(self):
        image = torch.rand(3, 5, 6)
        assert torch.equal(transformed(image, prob=0.0)[0], image)

    def test_images_without_a_changed_source_are_usual(self):
        image = torch.rand(2, 16, 16)
        seen = set()
        for seed in range(60):
            transform = RandForeignContrastd("image", prob=0.7)
            transform.set_random_state(seed=seed)
            out = transform({"image": image})
            changed = transform._do_transform and any(transform.change)
            assert bool(out[USUAL]) is not changed
            if out[USUAL]:
                assert torch.equal(out["image"], image)
            seen.add(changed)
        assert seen == {True, False}

    def test_volumes_are_changed_as_well(self):
        image = torch.rand(2, 12, 14, 10)
        seen = set()
        for seed in range(40):
            out, transform = transformed(image, seed)
            seen.update(transform.change)
            assert out.shape == image.shape
            assert out.min() >= 0
            assert out.max() <= 1
        assert seen == set(range(len(CHANGES)))

    def test_the_random_state_decides(self):
        image = torch.rand(2, 15, 16)

        def drawn(seed):
            pipeline = Compose([RandForeignContrastd("image", prob=1.0)])
            pipeline.set_random_state(seed=seed)
            return pipeline({"image": image})["image"]

        assert torch.equal(drawn(5), drawn(5))
        assert not torch.equal(drawn(5), drawn(6))

    def test_other_keys_and_the_original_are_left_alone(self):
        image, brain = torch.rand(2, 5, 6), torch.ones(1, 5, 6)
        before = image.clone()
        for seed in range(10):
            transform = RandForeignContrastd("image", prob=1.0)
            transform.set_random_state(seed=seed)
            out = transform({"image": image, "brain": brain})
            assert torch.equal(image, before)
            assert out["brain"] is brain


class TestBadArguments:
    @pytest.mark.parametrize("name", ["max_gain", "max_sigma"])
    @pytest.mark.parametrize("value", [0.5, float("nan")])
    def test_a_limit_below_one_is_refused(self, name, value):
        with pytest.raises(ValueError, match=f"{name} must be at least 1, got {value}"):
            RandForeignContrastd("image", **{name: value})

    @pytest.mark.parametrize("prob", [-0.1, 1.1])
    def test_what_is_not_a_probability_is_refused(self, prob):
        with pytest.raises(ValueError, match=f"prob must lie between 0 and 1, got {prob}"):
            RandForeignContrastd("image", prob=prob)
