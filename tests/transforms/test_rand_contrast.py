"""Random contrast changes, as between scanners."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.transforms.rand_contrast import RandContrastd


@pytest.fixture
def image():
    return torch.rand(3, 8, 9)


def transformed(image, seed=0, **arguments):
    transform = RandContrastd("image", **arguments)
    transform.set_random_state(seed)
    return transform({"image": image})["image"]


class TestContrast:
    def test_it_is_a_power_and_a_gain_of_each_source(self, image):
        transform = RandContrastd("image", prob=1.0)
        transform.set_random_state(2)
        out = transform({"image": image})["image"]
        for i in range(3):
            expected = transform.gain[i] * image[i].double() ** transform.gamma[i]
            assert torch.allclose(out[i].double(), expected, rtol=0, atol=1e-6)
        assert len(set(transform.gamma)) == len(set(transform.gain)) == 3

    def test_black_stays_black_and_the_range_is_kept(self):
        ramp = torch.linspace(0, 1, 101).expand(2, 101)
        for seed in range(30):
            out = transformed(ramp, seed, prob=1.0)
            assert (out[:, 0] == 0).all()
            assert (out.diff(dim=1) > 0).all()
            assert out.max() <= 1

    def test_powers_and_gains_stay_within_their_bounds(self):
        transform = RandContrastd("image", prob=1.0, log_gamma=0.35, min_gain=0.6)
        transform.set_random_state(0)
        transform.randomize(2000)
        assert np.exp(-0.35) <= transform.gamma.min() < 0.72
        assert 1.40 < transform.gamma.max() <= np.exp(0.35)
        assert 0.6 <= transform.gain.min() < 0.61
        assert 0.99 < transform.gain.max() <= 1

    def test_it_happens_to_each_source_with_the_given_probability(self):
        transform = RandContrastd("image", prob=0.3)
        transform.set_random_state(0)
        transform.randomize(5000)
        assert np.mean(transform.gamma != 1) == pytest.approx(0.3, abs=0.02)
        assert ((transform.gamma == 1) == (transform.gain == 1)).all()

    def test_never_is_never(self, image):
        assert torch.equal(transformed(image, prob=0.0), image)
        assert torch.equal(transformed(image, prob=1.0, log_gamma=0.0, min_gain=1.0), image)

    def test_the_random_state_decides(self, image):
        assert torch.equal(transformed(image, seed=5), transformed(image, seed=5))
        assert not torch.equal(transformed(image, seed=5, prob=1.0), transformed(image, seed=6, prob=1.0))

    def test_values_outside_the_range_are_clipped_not_nan(self):
        out = transformed(torch.tensor([[-0.5, 0.5, 1.5]]), prob=1.0)
        assert out.isfinite().all()
        assert out[0, 0] == 0
        assert out.max() <= 1

    def test_other_keys_and_the_original_are_left_alone(self, image):
        before, brain = image.clone(), torch.ones(1, 8, 9)
        transform = RandContrastd("image", prob=1.0)
        out = transform({"image": image, "brain": brain, "patient": "P1"})
        assert torch.equal(image, before)
        assert out["brain"] is brain
        assert out["patient"] == "P1"

    def test_volumes_are_changed_as_well(self):
        assert transformed(torch.rand(2, 3, 4, 5), prob=1.0).shape == (2, 3, 4, 5)


class TestBadArguments:
    @pytest.mark.parametrize("arguments", [{"min_gain": 0.0}, {"min_gain": 1.1}, {"log_gamma": -0.1}])
    def test_bounds_that_are_none_are_refused(self, arguments):
        with pytest.raises(ValueError, match="expected 0 < min_gain <= 1 and log_gamma >= 0"):
            RandContrastd("image", **arguments)
