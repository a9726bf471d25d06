"""Fused pictures as they are stored."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.cases.fuse_pictures import FusePictures, read_back, stored_levels
from scripts.data.colour import luminance_and_chroma
from scripts.data.errors import BadInputError
from scripts.data.pictures import Picture
from scripts.networks import FusionINN


def pair(shape=(25, 31), coloured=None):
    y, x = np.mgrid[: shape[0], : shape[1]] / max(shape)
    grey = np.stack([x, y]).astype(np.float32)
    chroma = 0.2 * luminance_and_chroma(np.stack([y, 1 - x, x], axis=-1))[1]
    return {
        "patient": "7",
        "files": ["MRI/7.png", "PET/7.png"],
        "intensity_scale": {"mode": "slice", "slice_axis": 2, "offset": [[0.0]] * 2, "factor": [[1.0]] * 2},
        "image": torch.from_numpy(grey / grey.max(axis=(1, 2), keepdims=True))[..., None],
        "coloured": coloured,
        "pictures": [Picture(channel, chroma if coloured == i else None, 8) for i, channel in enumerate(grey)],
    }


@pytest.mark.parametrize(("bits", "step"), [(8, 1 / 255), (16, 1 / 65535)])
def test_what_is_decomposed_is_what_a_reader_of_the_file_gets(bits, step):
    network = FusionINN()
    data = pair()
    case = FusePictures(bits)(network, data)
    assert case.levels.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert case.levels.shape == (25, 31)
    shown = torch.from_numpy(read_back(case.levels)[0])[None, None]
    fused = network(data["image"][..., 0][None])[0]
    assert (shown - fused.clamp(0, 1)).abs().max() <= step * 0.501
    again = network.decompose(shown, "zeros").clamp(min=0)[0]
    assert torch.allclose(case.decomposed[..., 0], again, atol=1e-5)
    assert case.ssim["fused"].shape == (1, 2)


def test_the_colour_of_a_source_is_that_of_the_fused_picture():
    data = pair(coloured=1)
    case = FusePictures()(FusionINN(), data)
    assert case.levels.shape == (25, 31, 3)
    chroma = read_back(case.levels)[1]
    wanted = data["pictures"][1].chroma
    along = (chroma * wanted).sum() / np.sqrt((chroma**2).sum() * (wanted**2).sum())
    assert along > 0.97


def test_a_picture_smaller_than_the_window_has_no_ssim_but_is_fused():
    case = FusePictures()(FusionINN(), pair((3, 5)))
    assert case.levels.shape == (3, 5)
    assert np.isnan(case.ssim["fused"]).all()


def test_levels_are_read_back_to_half_a_step():
    luminance = np.linspace(0, 1, 77).reshape(7, 11)
    for bits in (8, 16):
        shown, chroma = read_back(stored_levels(luminance, None, bits))
        assert chroma is None
        assert np.abs(shown - luminance).max() <= 0.5001 / (2**bits - 1)


@pytest.mark.parametrize("bits", [1, 12, "8"])
def test_other_bits_are_told(bits):
    with pytest.raises(BadInputError, match="expected 8 or 16"):
        FusePictures(bits)


def test_another_number_of_sources_is_told():
    with pytest.raises(BadInputError, match="2 sources are given, but the network fuses 3"):
        FusePictures()(FusionINN(in_channels=3), pair())
