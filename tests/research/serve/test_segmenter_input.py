"""What the segmenters see of a patient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fusioninn_research.measured_slices import measured_slices
from fusioninn_research.serve.segmenter_input import SegmenterInput, segmenter_input
from scripts.data.discovery import find_patients
from scripts.data.errors import BadInputError
from scripts.outputs.levels import as_stored

SOURCES = ["t1gd", "flair"]


@pytest.fixture
def slices(tmp_path, write_patient):
    seg = np.zeros((41, 48, 8))
    seg[15:24, 20:30, 2:6] = 1
    shape = (41, 48, 8)
    x, y, _ = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    head = x**2 + y**2 < 0.6
    t1ce, flair = (head * (300 + 100 * np.sin(k * x + y)) for k in (3, 5))
    write_patient(tmp_path, "P", t1ce=t1ce, flair=flair, seg=seg)
    (cut,) = measured_slices(find_patients(str(tmp_path)), SOURCES, slice_step=2, with_lesion=True)
    return cut


def test_images_are_means_of_four_pixels_in_the_box_of_the_brain(small_network, slices):
    made = segmenter_input(small_network, slices, ["uint16", "uint8"])
    rows, columns = (slices.brain.any(dim=(0, 1)).any(dim=axis).nonzero().flatten() for axis in (1, 0))
    first = slices.sources[:, :, rows[0] : rows[0] + 2, columns[0] + 10 : columns[0] + 12].mean(dim=(2, 3))
    assert torch.allclose(made.images["sources"][:, :, 0, 5], first)
    assert {name: image.shape[1] for name, image in made.images.items()} == {
        "sources": 2,
        "fused": 1,
        "estimates_uint16": 2,
        "estimates_uint8": 2,
        "mean": 1,
    }
    assert torch.allclose(made.images["mean"], made.images["sources"].mean(dim=1, keepdim=True))
    height, width = made.images["mean"].shape[-2:]
    assert made.lesion.shape == (4, 1, 2 * height, 2 * width)
    assert made.lesion.sum() == slices.lesion.sum() == 9 * 10 * 2


def test_estimates_are_of_the_stored_fused_image_alone(small_network, slices):
    made = segmenter_input(small_network, slices, ["uint8"], downsampling=1)
    with torch.no_grad():
        stored = as_stored(small_network(slices.sources)[0], "uint8")
        estimates = small_network.inverse(stored, torch.zeros_like(stored))
    rows, columns = (slices.brain.any(dim=(0, 1)).any(dim=axis).nonzero().flatten() for axis in (1, 0))
    box = (..., slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1))
    assert torch.allclose(made.images["fused"], stored[box], atol=1 / 255 + 1e-6)
    assert torch.allclose(made.images["estimates_uint8"], estimates[box].clamp(min=0), atol=0.03)


def test_a_box_that_ends_at_the_border_is_filled_with_background(small_network, slices):
    slices.brain[..., -1, :] = True
    made = segmenter_input(small_network, slices, ["uint8"])
    height = slices.brain.shape[-2] - int(slices.brain.any(dim=(0, 1)).any(dim=1).nonzero()[0])
    assert made.lesion.shape[-2] == height + height % 2


def test_padding_keeps_lesion_and_images_in_register(small_network, slices):
    made = segmenter_input(small_network, slices, ["uint8"])
    marked = SegmenterInput(
        {"mean": torch.nn.functional.avg_pool2d(made.lesion.float(), 2)},
        made.lesion,
    )
    sides = [side + more for side, more in zip(marked.images["mean"].shape[-2:], (3, 6), strict=True)]
    padded = marked.padded(tuple(sides), 2)
    assert list(padded.images["mean"].shape[-2:]) == sides
    assert torch.equal(torch.nn.functional.avg_pool2d(padded.lesion.float(), 2), padded.images["mean"])


def test_what_was_saved_is_read_again_and_half_a_file_is_not(tmp_path, small_network, slices):
    path = tmp_path / "P.npz"
    assert SegmenterInput.load(path) is None
    made = segmenter_input(small_network, slices, ["uint8"])
    made.save(path)
    again = SegmenterInput.load(path)
    assert again.images.keys() == made.images.keys()
    assert torch.equal(again.images["fused"], made.images["fused"])
    assert torch.equal(again.lesion, made.lesion)
    path.write_bytes(path.read_bytes()[:-100])
    assert SegmenterInput.load(path) is None


def test_a_patient_without_segmentation_is_told(tmp_path, write_patient):
    write_patient(tmp_path, "P")
    with pytest.raises(BadInputError, match="P has no segmentation"):
        list(measured_slices(find_patients(str(tmp_path)), SOURCES, with_lesion=True))
