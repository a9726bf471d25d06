"""What is written of decomposed pictures."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from scripts.cases.case import DecomposedCase
from scripts.cases.picture_files import EstimatedPictures, estimates_with_colour
from scripts.data.colour import luminance_and_chroma
from scripts.data.pictures import Picture, read_picture

RECORD = {"ColourFrom": 2, "SourceBits": [16, 8], "FusionID": "0123456789ab"}


def case(luminances, chroma=None, record=None):
    """Decomposed pictures of the luminances [N, H, W]."""
    return DecomposedCase(
        patient="7",
        sources=("MRI", "PET"),
        fused=torch.zeros(1, 1, 1, 1),
        decomposed=torch.from_numpy(luminances)[..., None],
        scale={"mode": "volume", "slice_axis": 2, "offset": [[0.0], [0.0]], "factor": [[1.0], [1.0]]},
        affine=np.eye(4),
        record=record or {},
        file="7_fused.png",
        picture=Picture(luminances[0], chroma, 8),
    )


def test_only_the_coloured_source_gets_the_colour(tmp_path):
    rng = np.random.default_rng(0)
    luminance, chroma = luminance_and_chroma(rng.random((13, 9, 3)))
    both = case(np.stack([luminance, luminance]), chroma, RECORD)
    first, second = estimates_with_colour(both)
    assert first.chroma is None
    assert second.chroma is chroma

    EstimatedPictures()(both, tmp_path)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["7_decomposed-1_estimate.png", "7_decomposed-2_estimate.png"]
    one, other = (read_picture(file) for file in files)
    assert (one.bits, one.chroma) == (16, None)
    assert np.abs(one.luminance - luminance).max() <= 0.5001 / 65535
    assert np.abs(other.luminance - luminance).max() < 0.5 / 255
    assert np.abs(other.chroma - chroma).max() < 1.5 / 255
    assert Image.open(files[1]).text["Description"].startswith("ESTIMATE of PET")
    assert "0123456789ab" in Image.open(files[1]).text["Description"]


def test_estimates_out_of_range_are_cut_off():
    luminances = np.array([[[-0.3]], [[1.4]]], np.float32)
    assert [float(picture.luminance[0, 0]) for picture in estimates_with_colour(case(luminances))] == [0, 1]
