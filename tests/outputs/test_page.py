"""The page that pictures are laid on."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from scripts.data.errors import BadInputError
from scripts.outputs.page import Page, shared_headings


def test_a_panel_lies_where_its_pixels_say(tmp_path):
    page = Page(120, 90)
    page.panel(30, 20, 40, 50).imshow(np.ones((5, 4)), cmap="gray", vmin=0, vmax=1, aspect="auto")
    page.save(tmp_path / "page.png")
    picture = np.asarray(Image.open(tmp_path / "page.png").convert("L"))
    assert picture.shape == (90, 120)
    rows, columns = np.nonzero(picture > 200)
    assert (rows.min(), rows.max() + 1) == (20, 70)
    assert (columns.min(), columns.max() + 1) == (30, 70)


def test_texts_and_rules_leave_marks(tmp_path):
    page = Page(200, 60)
    page.text(10, 10, "Fused")
    page.rule(100, 190, 50)
    page.save(tmp_path / "page.png")
    picture = np.asarray(Image.open(tmp_path / "page.png").convert("L")).astype(int)
    assert picture[8:30, 8:80].max() > 150
    assert (picture[49:52, 105:185].max(axis=0) > picture[5, 105]).all()


def test_a_page_that_cannot_be_written_is_reported(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(BadInputError, match="cannot be written"):
        Page(50, 50).save(tmp_path / "out" / "page.png")


def test_fewer_greys_take_less_space_and_keep_the_accents(tmp_path):
    page = Page(300, 300)
    noise = np.random.default_rng(0).normal(0.5, 0.1, (100, 100))
    page.panel(0, 0, 300, 250).imshow(noise, cmap="gray", vmin=0, vmax=1)
    page.panel(0, 260, 300, 40).imshow(np.full((1, 1, 3), (0xF0, 0xB3, 0x5A), dtype=np.uint8), aspect="auto")
    page.save(tmp_path / "all.png")
    page.save(tmp_path / "few.png", greys=56)
    every, few = (np.asarray(Image.open(tmp_path / name).convert("RGB")).astype(int) for name in ("all.png", "few.png"))
    assert np.abs(every - few)[:250].max() <= 8
    assert few[280, 150] == pytest.approx([0xF0, 0xB3, 0x5A], abs=4)
    assert (tmp_path / "few.png").stat().st_size < 0.75 * (tmp_path / "all.png").stat().st_size


def test_neighbours_share_a_heading_and_others_of_that_name_have_their_own():
    assert [*shared_headings(["A", "A", "B", "A"])] == [("A", 0, 1), ("B", 2, 2), ("A", 3, 3)]


def test_lines_stand_below_each_other():
    page = Page(300, 300)
    page.lines(10, 60, ["one", "two"], spacing=30)
    assert [(text.get_text(), text.get_position()[1]) for text in page.figure.texts] == [
        ("one", pytest.approx(0.8)),
        ("two", pytest.approx(0.7)),
    ]
