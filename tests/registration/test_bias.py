"""Smooth changes of brightness are removed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

pytest.importorskip("itk", reason="no itk: pip install -r requirements-clinic.txt")

from scripts.registration.bias import CorrectBiasd, bias_field
from scripts.registration.volume import Volume, foreground


def smooth_field(shape):
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    return np.exp(0.35 * x - 0.2 * y + 0.15 * z * x)


@pytest.fixture(scope="module")
def shaded(pair):
    field = smooth_field(pair[0].values.shape)
    return Volume((pair[0].values * field).astype(np.float32), pair[0].affine), field


@pytest.mark.slow
def test_a_known_field_is_found(pair, shaded):
    volume, field = shaded
    head = foreground(pair[0].values)
    # the estimated field is the phantom's own field times the added one
    own = bias_field(pair[0])
    shaded_field = bias_field(volume)
    found = shaded_field[head] / own[head]
    assert np.corrcoef(found, field[head])[0, 1] > 0.97
    ratio = field[head] / found
    assert ratio.std() / ratio.mean() < 0.3 * field[head].std() / field[head].mean()
    assert shaded_field[head].mean() == pytest.approx(1, abs=0.02)


def test_nothing_has_no_field():
    assert (bias_field(Volume(np.zeros((6, 6, 6), np.float32), np.eye(4))) == 1).all()


def test_the_transform_corrects_every_source_and_says_so():
    x, y, z = np.meshgrid(*(np.arange(12.0),) * 3, indexing="ij")
    ball = (x - 6) ** 2 + (y - 6) ** 2 + (z - 6) ** 2 < 25
    values = (ball * (100 + 5 * x + np.sin(y) * 9)).astype(np.float32)
    image = MetaTensor(
        torch.from_numpy(np.stack([values, values * 2])), affine=torch.diag(torch.tensor([4.0, 4, 4, 1]))
    )
    data = CorrectBiasd("true")({"image": image, "preparation": ["before"]})
    for channel, source in zip(data["image"].numpy(), image.numpy(), strict=True):
        assert not np.array_equal(channel, source)
        assert np.array_equal(channel == 0, source == 0)
    assert np.array_equal(data["image"].affine, image.affine)
    assert data["preparation"][0] == "before"
    assert data["preparation"][1].startswith("bias field corrected by N4")


def test_by_default_nothing_is_done():
    data = {"image": object()}
    assert CorrectBiasd()(data) is data
