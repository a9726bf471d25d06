"""Pictures with an embedded description."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from scripts.data.errors import BadInputError
from scripts.data.pictures import read_picture
from scripts.outputs.pictures import grey_levels, picture_name, picture_sidecar, save_picture
from sidecars import write_sidecar

LEVELS = {
    "grey": np.arange(35, dtype=np.uint8).reshape(5, 7),
    "grey 16": np.arange(35, dtype=np.uint16).reshape(5, 7) * 1800,
    "colour": np.arange(105, dtype=np.uint8).reshape(5, 7, 3),
}


def sidecar_for(path, fused_sha256="0" * 64):
    scale = {"mode": "slice", "slice_axis": 2, "offset": [[0.0], [0.1]], "factor": [[1.0], [0.5]]}
    return write_sidecar(
        path,
        sources={"MRI": "a.png", "PET": "b.png"},
        intensity_scale=scale,
        stored_dtype="uint8",
        checkpoint_sha256="0" * 64,
        fused_sha256=fused_sha256,
    )


@pytest.mark.parametrize("kind", LEVELS)
def test_levels_come_back_as_they_were_written(tmp_path, kind):
    save_picture(tmp_path / "a.png", LEVELS[kind], "a test")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), LEVELS[kind])
    assert read_picture(tmp_path / "a.png").bits == (16 if kind == "grey 16" else 8)


def test_the_file_says_what_it_shows_and_that_it_is_for_research_only(tmp_path):
    save_picture(tmp_path / "a.png", LEVELS["grey"], "ESTIMATE of PET")
    text = Image.open(tmp_path / "a.png").text
    assert text["Description"] == "ESTIMATE of PET"
    assert text["Disclaimer"] == "For research use only. Not for diagnosis or treatment."


@pytest.mark.parametrize("bits", [8, 16])
def test_grey_levels_are_the_nearest_and_cut_off(bits):
    highest = 2**bits - 1
    levels = grey_levels(np.array([[-0.2, 0.0, 0.5, 1.0, 1.7]], dtype=np.float32), bits)
    assert levels.tolist() == [[0, 0, round(highest / 2), highest, highest]]


def test_levels_that_png_cannot_hold_are_refused(tmp_path):
    with pytest.raises(ValueError, match="float64"):
        save_picture(tmp_path / "a.png", np.zeros((3, 3)), "")
    with pytest.raises(ValueError, match="uint16"):
        save_picture(tmp_path / "a.png", np.zeros((3, 3, 3), np.uint16), "")


def test_only_fused_pictures_have_a_name():
    assert picture_name("OUT/12_fused.png") == "12"
    assert picture_name("OUT/12_FUSED.PNG") == "12"
    assert picture_name("OUT/._12_fused.png") is None
    assert picture_name("OUT/12_decomposed-1_estimate.png") is None


def test_what_leads_back_is_in_the_picture_itself(tmp_path):
    content = sidecar_for(tmp_path / "12_fused.json")
    save_picture(tmp_path / "elsewhere.png", LEVELS["grey"], "", content)
    assert picture_sidecar(tmp_path / "elsewhere.png") == json.loads(json.dumps(content))


def test_the_sidecar_next_to_it_is_used_if_the_text_was_lost(tmp_path):
    content = sidecar_for(tmp_path / "12_fused.json")
    save_picture(tmp_path / "12_fused.png", LEVELS["grey"], "")
    assert picture_sidecar(tmp_path / "12_fused.png") == json.loads(json.dumps(content))


def test_a_picture_without_either_is_reported(tmp_path):
    save_picture(tmp_path / "12_fused.png", LEVELS["grey"], "")
    with pytest.raises(BadInputError, match=r"12_fused\.json is not next to it"):
        picture_sidecar(tmp_path / "12_fused.png")


def test_picture_and_sidecar_of_different_fusions_are_reported(tmp_path):
    content = sidecar_for(tmp_path / "x.json")
    sidecar_for(tmp_path / "12_fused.json", "1" * 64)
    save_picture(tmp_path / "12_fused.png", LEVELS["grey"], "", content)
    with pytest.raises(BadInputError, match="different fusions"):
        picture_sidecar(tmp_path / "12_fused.png")


def test_a_text_that_lacks_a_key_is_reported(tmp_path):
    content = sidecar_for(tmp_path / "x.json")
    del content["IntensityScale"]
    save_picture(tmp_path / "12_fused.png", LEVELS["grey"], "", content)
    with pytest.raises(BadInputError, match='no key "IntensityScale"'):
        picture_sidecar(tmp_path / "12_fused.png")
