"""Loading pictures for the network."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from scripts.data.errors import BadInputError
from scripts.transforms.load_pictures import LoadPicturesd
from scripts.transforms.normalize import restore_intensity


@pytest.fixture
def write(tmp_path):
    """Return a function that writes an array as a picture and returns its path."""

    def write(name, levels):
        path = tmp_path / f"{name}.png"
        Image.fromarray(levels).save(path)
        return str(path)

    return write


def grey(shape=(9, 7), low=20, high=220):
    return np.linspace(low, high, shape[0] * shape[1]).reshape(shape).astype(np.uint8)


def coloured(shape=(9, 7)):
    levels = np.zeros((*shape, 3), np.uint8)
    levels[..., 0] = grey(shape)
    return levels


def load(*files, **settings):
    return LoadPicturesd(**settings)({"patient": "P", "files": list(files)})


def test_each_luminance_fills_the_range_and_the_scale_leads_back(write):
    data = load(write("a", grey()), write("b", coloured()))
    assert data["image"].shape == (2, 9, 7, 1)
    assert data["image"].amin(dim=(1, 2, 3)).tolist() == [0, 0]
    assert data["image"].amax(dim=(1, 2, 3)).tolist() == [1, 1]
    back = restore_intensity(data["image"], data["intensity_scale"])[..., 0].numpy()
    assert np.allclose(back[0] * 255, grey(), atol=1e-4)
    assert np.allclose(back[1] * 255, 0.299 * grey(), atol=1e-4)


def test_the_coloured_source_is_the_one_whose_colour_counts(write):
    assert load(write("a", grey()), write("b", coloured()))["coloured"] == 1
    assert load(write("a", coloured()), write("b", grey()))["coloured"] == 0
    assert load(write("a", grey()), write("b", grey(high=99)))["coloured"] is None


def test_of_two_coloured_ones_the_user_chooses(write):
    files = (write("a", coloured()), write("b", coloured()))
    with pytest.raises(BadInputError, match="a.png and .*b.png are coloured.*--colour_from 1"):
        load(*files)
    assert load(*files, colour_from=2)["coloured"] == 1
    assert load(write("c", grey()), files[1], colour_from=1)["coloured"] is None


@pytest.mark.parametrize("number", [0, -1, "PET", 1.5])
def test_a_colour_of_no_source_is_reported(number):
    with pytest.raises(BadInputError, match="expected the number of a source"):
        LoadPicturesd(number)


def test_a_colour_of_a_third_of_two_sources_is_reported(write):
    with pytest.raises(BadInputError, match="colour_from is 3, but only 2 sources"):
        load(write("a", grey()), write("b", grey()), colour_from=3)


def test_sizes_that_differ_are_reported(write):
    with pytest.raises(BadInputError, match=r"7 x 9 in .*a.png, 8 x 9 in .*b.png"):
        load(write("a", grey()), write("b", grey((9, 8))))


def test_a_constant_picture_is_reported(write):
    with pytest.raises(BadInputError, match="b.png has the same brightness everywhere"):
        load(write("a", grey()), write("b", np.full((9, 7), 31, np.uint8)))


def test_the_problem_of_a_record_is_reported():
    with pytest.raises(BadInputError, match="there is no 2.png"):
        LoadPicturesd()({"patient": "2", "problem": "there is no 2.png in PET."})
