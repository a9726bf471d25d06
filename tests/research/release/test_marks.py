from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fusioninn_research.release.marks import CHUNK, mark_of, mark_of_picture, write_marked
from scripts.data.errors import BadInputError


@pytest.fixture
def picture(tmp_path):
    """A picture with a text of its own."""
    text = PngInfo()
    text.add_text("Software", "someone")
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png", pnginfo=text)
    return tmp_path / "a.png"


def test_the_mark_is_the_beginning_of_the_checksum(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"weights")
    assert mark_of(tmp_path / "model.pt") == hashlib.sha256(b"weights").hexdigest()[:12]


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(BadInputError, match=r"No weights at .*model.pt"):
        mark_of(tmp_path / "model.pt")


class TestWriteMarked:
    def test_a_picture_without_a_mark_has_none(self, picture):
        assert mark_of_picture(picture) is None
        assert mark_of_picture(picture.with_name("none.png")) is None

    def test_the_copy_has_the_mark_and_all_else_as_before(self, picture, tmp_path):
        write_marked(picture, tmp_path / "b.png", "6583c010f98b")
        assert mark_of_picture(tmp_path / "b.png") == "6583c010f98b"
        with Image.open(picture) as one, Image.open(tmp_path / "b.png") as other:
            assert (np.asarray(one) == np.asarray(other)).all()
            assert other.text == {"Software": "someone", CHUNK: "6583c010f98b"}

    def test_a_second_mark_replaces_the_first(self, picture):
        write_marked(picture, picture, "6583c010f98b")
        once = picture.read_bytes()
        write_marked(picture, picture, "0123456789ab")
        assert mark_of_picture(picture) == "0123456789ab"
        assert picture.stat().st_size == len(once)
        write_marked(picture, picture, "6583c010f98b")
        assert picture.read_bytes() == once

    @pytest.mark.parametrize("content", [None, b"", b"GIF89a"])
    def test_what_is_no_png_is_refused_and_the_old_picture_stays(self, content, picture, tmp_path):
        if content is not None:
            (tmp_path / "new.png").write_bytes(content)
        before = picture.read_bytes()
        with pytest.raises(BadInputError, match="missing or not a PNG"):
            write_marked(tmp_path / "new.png", picture, "6583c010f98b")
        assert picture.read_bytes() == before
