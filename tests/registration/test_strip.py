"""Skulls are detected and removed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from phantom_studies.skull import add_skull
from scripts.data.errors import BadInputError
from scripts.registration import strip
from scripts.registration.strip import StripSkulld, brain_mask, is_stripped
from scripts.registration.volume import Volume


@pytest.fixture(scope="module")
def heads(pair):
    """The pair with skull and noise."""
    return tuple(Volume(add_skull(v.values, tuple(v.spacing), seed=i), v.affine) for i, v in enumerate(pair))


def patient(*volumes):
    image = MetaTensor(
        torch.from_numpy(np.stack([v.values for v in volumes])), affine=torch.from_numpy(volumes[0].affine)
    )
    return {"patient": "P1", "image": image, "volumes": dict(zip(("t1gd", "flair"), volumes, strict=True))}


class TestIsStripped:
    def test_a_brain_is(self, pair):
        assert is_stripped(pair[0])
        assert is_stripped(pair[1])

    def test_a_resampled_brain_is(self, pair, moved):
        assert is_stripped(moved(pair[1], (6, -5, 8), (7, -4, 5), (2.0, 2.0, 5.0))[0])

    def test_a_brain_on_a_background_of_another_value_is(self, pair):
        assert is_stripped(Volume(pair[0].values - 1024, pair[0].affine))

    @pytest.mark.parametrize("noise", [0.03, 0.0])
    def test_a_head_is_not_whether_its_air_is_noisy_or_black(self, pair, noise):
        for volume in pair:
            head = add_skull(volume.values, tuple(volume.spacing), noise=noise)
            assert not is_stripped(Volume(head, volume.affine))

    def test_the_upper_part_of_a_head_with_black_air_is_not(self, pair):
        head = add_skull(pair[0].values, tuple(pair[0].spacing), noise=0)
        present = np.flatnonzero((pair[0].values > 0).any((0, 1)))
        upper = Volume(head[..., int(present.mean()) :].copy(), pair[0].affine)
        assert not is_stripped(upper)

    def test_nothing_is_not(self):
        assert not is_stripped(Volume(np.zeros((5, 5, 5), np.float32), np.eye(4)))


class TestStripSkulld:
    def test_what_is_taken_off_becomes_the_lowest_value(self, pair, heads):
        brain, head = pair[0], Volume(heads[1].values - 300, heads[1].affine)
        image = StripSkulld()(patient(brain, head))["image"]
        changed = image[1].numpy() != head.values
        assert changed.mean() > 0.5
        assert (image[1].numpy()[changed] == head.values.min()).all()
        assert image[0].min() == 0

    def test_stripped_sources_are_left_alone(self, pair):
        data = patient(*pair)
        result = StripSkulld()(data)
        assert result["image"] is data["image"]
        assert result["preparation"] == ["skulls were stripped already"]

    def test_false_does_nothing(self, heads):
        data = patient(*heads)
        assert StripSkulld("false")(data) is data

    def test_a_source_that_is_stripped_lends_its_mask(self, pair, heads):
        result = StripSkulld()(patient(pair[0], heads[1]))
        assert "mask of the source that was stripped already" in result["preparation"][0]
        outside = pair[0].values == 0
        assert (result["image"][1].numpy()[outside] == 0).mean() > 0.99

    def test_both_sources_lose_the_same_voxels(self, pair, heads):
        pytest.importorskip("deepbet", reason="no deepbet: pip install -r requirements-clinic.txt")
        result = StripSkulld()(patient(*heads))
        kept = result["image"].numpy() != 0
        assert np.array_equal(kept[0], kept[1])
        brain = pair[0].values > 0
        assert 2 * (kept[0] & brain).sum() / (kept[0].sum() + brain.sum()) > 0.9
        assert "by deepbet on t1gd" in result["preparation"][0]
        assert np.array_equal(result["image"][0][kept[0]], heads[0].values[kept[0]])

    def test_a_missing_deepbet_is_reported_with_the_command_that_installs_it(self, heads, monkeypatch):
        monkeypatch.setattr("scripts.dicom.packages.find_spec", lambda name: None)
        with pytest.raises(BadInputError, match="skull_stripping needs the package deepbet.*pip install"):
            StripSkulld()(patient(*heads))

    def test_it_is_not_missed_where_nothing_is_to_be_stripped(self, pair, monkeypatch):
        monkeypatch.setattr("scripts.dicom.packages.find_spec", lambda name: None)
        StripSkulld()(patient(*pair))

    def test_other_words_are_refused(self):
        with pytest.raises(BadInputError, match="skull_stripping is 'perhaps', expected auto, true or false"):
            StripSkulld("perhaps")


def test_where_deepbet_finds_no_brain_that_is_said():
    pytest.importorskip("deepbet", reason="no deepbet: pip install -r requirements-clinic.txt")
    flat = Volume(np.zeros((32, 32, 32), np.float32), np.eye(4))
    with pytest.raises(BadInputError, match="deepbet finds no brain"):
        brain_mask(flat)
    assert strip.SMALLEST_BRAIN < strip.LARGEST_BRAIN
