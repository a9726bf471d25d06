"""What is written of decomposed pictures."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from scripts.cases.picture_files import with_colour, write_estimates
from scripts.data.colour import luminance_and_chroma
from scripts.data.pictures import read_picture

SIDECAR = {"ColourFrom": 2, "SourceBits": [16, 8], "SourceModalities": ["MRI", "PET"], "FusionID": "0123456789ab"}


def test_only_the_coloured_source_gets_the_colour(tmp_path):
    rng = np.random.default_rng(0)
    luminance, chroma = luminance_and_chroma(rng.random((13, 9, 3)))
    both = torch.from_numpy(np.stack([luminance, luminance]))[..., None]
    first, second = with_colour(both, chroma, SIDECAR)
    assert first.chroma is None
    assert second.chroma is chroma

    files = write_estimates(tmp_path / "7", [first, second], SIDECAR)
    assert [file[len(str(tmp_path)) + 1 :] for file in files] == [
        "7_decomposed-1_estimate.png",
        "7_decomposed-2_estimate.png",
    ]
    one, other = (read_picture(file) for file in files)
    assert (one.bits, one.chroma) == (16, None)
    assert np.abs(one.luminance - luminance).max() <= 0.5001 / 65535
    assert np.abs(other.luminance - luminance).max() < 0.5 / 255
    assert np.abs(other.chroma - chroma).max() < 1.5 / 255
    assert Image.open(files[1]).text["Description"].startswith("ESTIMATE of PET")
    assert "0123456789ab" in Image.open(files[1]).text["Description"]


def test_estimates_out_of_range_are_cut_off():
    luminance = torch.tensor([[[-0.3]], [[1.4]]])[..., None]
    assert [float(picture.luminance[0, 0]) for picture in with_colour(luminance, None, {})] == [0, 1]
