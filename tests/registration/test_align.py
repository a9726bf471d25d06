"""Sources are resampled to the reference's grid and moved only if necessary."""

from __future__ import annotations

import contextlib
import json
import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

pytest.importorskip("itk", reason="no itk: pip install -r requirements-clinic.txt")

from scripts.data.errors import BadInputError
from scripts.registration.align import AlignSourcesd
from scripts.registration.motion import largest_displacement
from scripts.registration.resample import resample
from scripts.registration.volume import Volume, head_points

pytestmark = pytest.mark.slow


def patient(fixed, moving, frames=None):
    """A patient as returned by a loader; `frames` are the UIDs of the frames of reference."""
    volumes = {
        source: MetaTensor(torch.from_numpy(volume.values), affine=torch.from_numpy(volume.affine))
        for source, volume in (("t1gd", fixed), ("flair", moving))
    }
    data = {"patient": "P1", "volumes": volumes, "files": {"t1gd": "a.nii", "flair": "b.nii"}}
    if frames is not None:
        data["series"] = {
            source: SimpleNamespace(headers=[SimpleNamespace(FrameOfReferenceUID=uid)])
            for source, uid in zip(volumes, frames, strict=True)
        }
    return data


class TestAPairThatLiesRight:
    def test_voxels_are_bit_identical(self, pair):
        data = AlignSourcesd()(patient(*pair))
        assert data["image"].shape == (2, *pair[0].values.shape)
        assert data["image"].dtype == torch.float32
        assert np.array_equal(data["image"][0], pair[0].values)
        assert np.array_equal(data["image"][1], pair[1].values)
        assert np.array_equal(data["image"].affine, pair[0].affine)

    def test_the_report_says_why_and_is_json(self, pair):
        registration = AlignSourcesd()(patient(*pair))["registration"]
        assert json.loads(json.dumps(registration)) == registration
        flair = registration["flair"]
        assert flair["applied"] is False
        assert flair["matrix"] == np.eye(4).tolist()
        assert flair["similarity_before"] == flair["similarity_after"] > 0.1
        assert flair["outside"] == 0
        assert registration["t1gd"]["why"] == "the reference"

    def test_what_came_along_stays(self, pair):
        data = AlignSourcesd()({**patient(*pair), "warnings": ["x"]})
        assert data["warnings"] == ["x"]
        assert set(data["volumes"]) == {"t1gd", "flair"}


@pytest.fixture(scope="module")
def thick(pair, moved):
    return moved(pair[1], (6, -5, 8), (7, -4, 5), (2.0, 2.0, 5.0))


class TestAMovedPair:
    def test_it_is_moved_back(self, pair, thick):
        moving, truth = thick
        data = AlignSourcesd()(patient(pair[0], moving))
        flair = data["registration"]["flair"]
        assert flair["applied"] is True
        assert flair["similarity_after"] > 2 * flair["similarity_before"]
        assert largest_displacement(np.array(flair["matrix"]), head_points(pair[0]), truth) < 0.5
        assert np.allclose(flair["rotation_degrees"], (6, -5, 8), atol=0.3)
        assert np.allclose(flair["translation_mm"], (7, -4, 5), atol=0.3)
        inside = pair[1].values > 0
        right = resample(moving.values, moving.affine, pair[0].affine, inside.shape, truth).volume
        assert np.corrcoef(data["image"][1][inside], right[inside])[0, 1] > 0.98
        assert data["image"].min() == 0

    def test_the_header_s_word_is_taken_where_that_is_asked_for(self, pair, thick):
        flair = AlignSourcesd(register="never")(patient(pair[0], thick[0]))["registration"]["flair"]
        assert flair["applied"] is False
        assert flair["why"] == "not registered, as asked for"

    def test_the_header_s_word_is_doubted_where_the_head_lies_15_mm_aside(self, pair):
        aside = np.eye(4)
        aside[0, 3] = 15
        data = AlignSourcesd(register="never")(patient(pair[0], Volume(pair[1].values, aside @ pair[1].affine)))
        (warning,) = data["warnings"]
        assert warning.startswith("flair does not seem to lie on t1gd where its header places it (local correlation")
        assert "warnings" not in AlignSourcesd(register="never")(patient(*pair))

    def test_another_frame_of_reference_is_always_registered(self, pair):
        away = np.eye(4)
        away[:3, 3] = (250, 40, -60)
        far = Volume(pair[1].values, away @ pair[1].affine)
        flair = AlignSourcesd()(patient(pair[0], far, frames=("1.2", "1.3")))["registration"]["flair"]
        assert flair["applied"] is True
        assert "frames of reference differ" in flair["why"]
        assert largest_displacement(np.array(flair["matrix"]), head_points(pair[0]), away) < 0.5


class TestWhatIsRefused:
    def test_noise(self, fine_pair):
        t1gd, _ = fine_pair
        noise = np.random.default_rng(0).normal(100, 10, t1gd.values.shape).astype(np.float32)
        with pytest.raises(BadInputError, match="P1: flair and t1gd do not show the same head.*--register never"):
            AlignSourcesd()(patient(t1gd, Volume(noise, t1gd.affine)))

    def test_noise_named_as_a_kind_of_image_that_was_not_measured_is_warned_about(self, pair):
        noise = np.random.default_rng(0).normal(100, 10, pair[0].values.shape).astype(np.float32)
        data = patient(pair[0], Volume(noise, pair[0].affine))
        data["volumes"]["ct"] = data["volumes"].pop("flair")
        assert "ct and t1gd may not show the same head" in AlignSourcesd()(data)["warnings"][0]

    def test_left_and_right_exchanged_are_noticed(self, pair):
        # the phantom is less symmetric than a head; without this it is rejected
        t1gd, flair = (Volume(0.65 * v.values + 0.35 * v.mirrored().values, v.affine) for v in pair)
        assert AlignSourcesd()(patient(t1gd, flair)).get("warnings", []) == []
        data = AlignSourcesd()(patient(t1gd, flair.mirrored()))
        assert "flair fits t1gd better with left and right exchanged" in data["warnings"][-1]

    @pytest.mark.parametrize("axis", [pytest.param(1, marks=pytest.mark.slow), 2])
    def test_a_head_that_is_flipped_is_never_taken_silently(self, pair, axis):
        flipped = Volume(np.flip(pair[1].values, axis).copy(), pair[1].affine)
        with contextlib.suppress(BadInputError):
            assert "may not show the same head" in "".join(AlignSourcesd()(patient(pair[0], flipped))["warnings"])

    def test_a_small_part_of_the_head(self, pair):
        present = np.flatnonzero((pair[1].values > 0).any((0, 1)))
        part = Volume(pair[1].values[..., : present[0] + 6].copy(), pair[1].affine)
        with pytest.raises(BadInputError, match=r"reaches \d+% of the head in t1gd, expected 25% or more"):
            AlignSourcesd(register="never")(patient(pair[0], part))

    def test_a_reference_that_is_no_source(self, pair):
        with pytest.raises(BadInputError, match="reference is 't2', expected one of t1gd, flair"):
            AlignSourcesd(reference="t2")(patient(*pair))

    def test_other_words_than_the_three(self):
        with pytest.raises(BadInputError, match="register is 'maybe', expected one of auto, always, never"):
            AlignSourcesd(register="maybe")


def test_part_of_the_head_is_filled_with_zeros_and_told(pair, caplog):
    present = np.flatnonzero((pair[1].values > 0).any((0, 1)))
    part = Volume(pair[1].values[..., : int(np.quantile(present, 0.6))].copy(), pair[1].affine)
    with caplog.at_level(logging.WARNING):
        data = AlignSourcesd()(patient(pair[0], part))
    assert "P1: flair reaches" in caplog.text
    (warning,) = data["warnings"]
    assert warning.startswith("flair reaches")
    assert warning.endswith("of the head in t1gd; the rest of its image is 0.")
    assert data["registration"]["flair"]["outside"] > 0.3
    assert (data["image"][1][..., int(np.quantile(present, 0.6)) + 1 :] == 0).all()
