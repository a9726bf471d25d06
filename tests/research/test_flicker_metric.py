"""Changes from slice to slice with known answers."""

from __future__ import annotations

import pytest
import torch

from fusioninn_research.flicker_metric import flicker, matched

AXES = (0, 1, 2)


@pytest.fixture
def reference():
    return torch.rand(1, 7, 6, 5)


def everywhere(volume):
    return torch.ones_like(volume[:1])


def along(values, axis):
    """A number for each slice, to be added to a volume."""
    shape = [1, 1, 1, 1]
    shape[axis + 1] = -1
    return torch.tensor(values).view(shape)


@pytest.mark.parametrize("axis", AXES)
def test_the_reference_does_not_flicker_nor_what_is_brighter_by_a_constant(reference, axis):
    for volume in (reference, reference + 0.3):
        for value in flicker(volume, reference, everywhere(reference), axis).values():
            assert value.item() == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("axis", AXES)
def test_an_offset_of_each_slice_gives_its_differences(reference, axis):
    offsets = [0.1 * i * i for i in range(reference.shape[axis + 1])]
    steps = [0.1 * (2 * i + 1) for i in range(len(offsets) - 1)]
    expected = (sum(step**2 for step in steps) / len(steps)) ** 0.5
    measured = flicker(reference + along(offsets, axis), reference, everywhere(reference), axis)
    assert measured["flicker"].item() == pytest.approx(expected, rel=1e-5)
    assert measured["jitter"].item() == pytest.approx(expected, rel=1e-5)


def test_a_ramp_through_the_slices_counts_as_what_it_adds(reference):
    measured = flicker(reference + along([0.0, 0.02, 0.04, 0.06, 0.08], 2), reference, everywhere(reference), 2)
    assert measured["flicker"].item() == pytest.approx(0.02, rel=1e-5)


def test_noise_flickers_and_hardly_jitters():
    """Independent noise of σ has differences of √2 σ; the mean over n places of them has √n less."""
    reference = torch.zeros(1, 60, 60, 30)
    measured = flicker(0.1 * torch.randn(1, 60, 60, 30), reference, everywhere(reference), 2)
    assert measured["flicker"].item() == pytest.approx(0.1 * 2**0.5, rel=0.02)
    assert measured["jitter"].item() == pytest.approx(0.1 * 2**0.5 / 60, rel=0.35)


def test_another_scale_adds_the_changes_of_the_reference(reference):
    changes = (reference[..., 1:] - reference[..., :-1]).square().mean().sqrt().item()
    measured = flicker(1.5 * reference, reference, everywhere(reference), 2)
    assert measured["flicker"].item() == pytest.approx(0.5 * changes, rel=1e-5)


def test_only_places_in_the_brain_of_both_slices_count(reference):
    brain = torch.zeros_like(reference)
    brain[:, :3, :, 0:3] = 1
    brain[:, :, :2, 2:4] = 1
    offsets = torch.zeros_like(reference)
    offsets[..., 1] = 0.1
    # outside of the brain, and where only one of the two slices has some
    offsets[:, 3:, :, :3] = 9
    offsets[..., 4] = -9
    brain[:, 3:, :, 2] = 0
    measured = flicker(reference + offsets, reference, brain, 2)
    # 18 places from slice 0 to 1, 18 from 1 to 2, 6 from 2 to 3
    assert measured["flicker"].item() == pytest.approx((36 * 0.01 / 42) ** 0.5, rel=1e-5)
    assert measured["jitter"].item() == pytest.approx((2 * 0.01 / 3) ** 0.5, rel=1e-5)


def test_each_image_has_its_own_figure_against_one_reference(reference):
    volumes = torch.cat((reference, reference + along([0.0, 0.1, 0.0, 0.1, 0.0], 2)))
    measured = flicker(volumes, reference, everywhere(reference), 2)
    assert measured["flicker"].tolist() == pytest.approx([0, 0.1], abs=1e-6)


def test_without_two_slices_of_brain_there_is_no_figure(reference):
    brain = torch.zeros_like(reference)
    brain[..., ::2] = 1
    assert all(value.isnan().all() for value in flicker(reference, reference, brain, 2).values())


def test_one_gain_and_one_offset_of_the_volume_are_no_flicker(reference):
    volumes = torch.cat((0.5 * reference - 0.1, 3 * reference + 2, 1 - reference))
    brain = everywhere(reference)
    assert not torch.allclose(volumes, reference, atol=0.05)
    back = matched(volumes, reference, brain)
    torch.testing.assert_close(back, reference.expand_as(volumes), rtol=0, atol=1e-6)
    assert flicker(back, reference, brain, 0)["flicker"].max() < 1e-6


def test_a_gain_of_each_slice_stays(reference):
    volume = reference * along([0.5, 1.0, 0.5, 1.0, 0.5], 2)
    brain = everywhere(reference)
    assert flicker(matched(volume, reference, brain), reference, brain, 2)["jitter"] > 0.05


def test_only_the_brain_is_matched_and_a_constant_becomes_the_mean(reference):
    brain = torch.zeros_like(reference)
    brain[:, :3] = 1
    volume = torch.where(brain > 0, 2 * reference, 7.0)
    torch.testing.assert_close(matched(volume, reference, brain)[:, :3], reference[:, :3], rtol=0, atol=1e-6)
    constant = matched(torch.ones_like(reference), reference, brain)
    torch.testing.assert_close(constant, torch.full_like(reference, reference[:, :3].mean()))
