"""Disturbances with known answers."""

from __future__ import annotations

import pytest
import torch

from fusioninn_research import disturbances
from fusioninn_research.disturbances import DISTURBANCES, disturbed, through_jpeg2000
from scripts.data.errors import BadInputError
from scripts.outputs.levels import as_stored


@pytest.fixture
def fused():
    """Two slices of 12 x 10 pixels between -0.1 and 1.1, black around."""
    fused = torch.zeros(2, 1, 12, 10)
    fused[:, :, 2:-2, 2:-2] = 1.2 * torch.rand(2, 1, 8, 6) - 0.1
    return fused


def levels(image):
    """Grey values of 8 bits; refuses what has others."""
    scaled = image.double() * 255
    assert torch.allclose(scaled, scaled.round(), atol=1e-4)
    return scaled.round().int()


def test_all_are_made_and_named(fused):
    found = dict(disturbed(fused, fused > 0, torch.zeros_like(fused)))
    assert list(found) == list(DISTURBANCES)
    assert all(image.shape == fused.shape for image in found.values())


def test_16_bits_are_nearer_to_what_the_network_gave(fused):
    found = dict(disturbed(fused, fused > 0, torch.zeros_like(fused)))
    assert (found["bits16"] - fused.clamp(0, 1)).abs().max() <= 0.5 / 65535 + 1e-7
    assert (found["jpeg2000"] - fused.clamp(0, 1)).abs().max() <= 0.5 / 255 + 1e-6


def test_a_gain_multiplies_and_an_offset_moves_the_object_alone():
    fused = torch.tensor([0.0, 0.0, 100.0, 255.0]).view(1, 1, 2, 2) / 255
    inside = torch.tensor([False, True, True, True]).view(1, 1, 2, 2)
    found = {
        name: levels(image).flatten().tolist()
        for name, image in disturbed(fused, inside, 0 * fused)
        if image.max() <= 1 and name != "bits16"
    }
    assert found["gain_up"] == [0, 0, 102, 255]
    assert found["gain_down"] == [0, 0, 98, 250]
    assert found["offset_up"] == [0, 5, 105, 255]
    assert found["offset_down"] == [0, 0, 95, 250]


def test_noise_is_cut_off_and_rounded_in_a_file_and_not_without_one(fused):
    noise = torch.randn_like(fused)
    found = dict(disturbed(fused, fused > 0, noise))
    stored = as_stored(fused, "uint8")
    assert torch.allclose((found["noise"] - stored) * 255, noise, atol=1e-4)
    assert found["noise"].min() < 0
    assert torch.equal(found["noise8"], as_stored(found["noise"], "uint8"))
    assert levels(found["noise8"]).min() == 0


@pytest.mark.parametrize(("dtype", "largest"), [("uint8", 255), ("uint16", 65535)])
def test_lossless_jpeg_2000_is_identical_bit_by_bit(dtype, largest, monkeypatch):
    stored = torch.randint(0, largest + 1, (3, 1, 37, 26)).float() / largest
    written = []
    save = disturbances.Image.Image.save
    monkeypatch.setattr(
        disturbances.Image.Image,
        "save",
        lambda image, file, **how: (save(image, file, **how), written.append(file.read_bytes()))[0],
    )
    assert torch.equal(through_jpeg2000(stored, dtype), stored)
    # signature of a JP2 file, and the marker of the reversible 5/3 wavelet in its COD segment
    assert len(written) == 3
    assert all(content[4:8] == b"jP  " for content in written)
    for content in written:
        cod = content.index(b"\xff\x52")
        assert content[cod + 13] == 1


def test_pillow_without_jpeg_2000_is_told(fused, monkeypatch):
    monkeypatch.setattr(disturbances.features, "check", lambda name: False)
    with pytest.raises(BadInputError, match="built without JPEG-2000"):
        through_jpeg2000(fused)
