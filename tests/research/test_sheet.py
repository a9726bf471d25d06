"""The sheet of pictures: tiles, headings, gaps."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fusioninn_research.sheet import Row, Sheet, Tile, wrapped

PICTURE = np.linspace(0, 1, 40 * 30).reshape(40, 30)
FRAME = (slice(0, 40), slice(0, 30))
ZOOM = (slice(10, 20), slice(5, 20))


def tile(name: str, group: str = "Fused", score: str = "SSIM 0.900") -> Tile:
    return Tile(group, name, PICTURE, score=score)


def words(sheet: Sheet) -> list[str]:
    figure = sheet.draw("Methods", "P1, axial slice 3.").figure
    return [text.get_text() for text in [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]]


def pictures(sheet: Sheet) -> int:
    return sum(len(axes.images) for axes in sheet.draw("Methods", "P1.").figure.axes)


def test_every_tile_is_a_picture_with_name_and_score():
    sheet = Sheet(wrapped([tile(name) for name in ("A", "B", "C")], 2), FRAME)
    assert pictures(sheet) == 3
    assert {"A", "B", "C"} < set(words(sheet))
    assert words(sheet).count("SSIM 0.900") == 3


def test_the_enlarged_part_doubles_the_pictures():
    rows = wrapped([tile("A"), tile("B")], 2)
    plain, zoomed = Sheet(rows, FRAME), Sheet(rows, FRAME, zoom=ZOOM)
    assert pictures(zoomed) == 2 * pictures(plain) == 4
    assert zoomed.height - plain.height == pytest.approx(zoomed.zoom_height + 8)
    assert zoomed.zoom_height == pytest.approx(zoomed.tile_width * 10 / 15)


def test_a_gap_says_what_is_missing_and_shows_nothing():
    sheet = Sheet([Row([tile("A"), Tile("Fused", "DDFM", None, score="not trained yet")])], FRAME, zoom=ZOOM)
    assert pictures(sheet) == 2
    assert {"DDFM", "not trained yet"} < set(words(sheet))


def test_neighbours_share_a_heading_and_a_new_row_repeats_it():
    sheet = Sheet(wrapped([tile("A", "Sources"), tile("B"), tile("C")], 2), FRAME)
    assert [word for word in words(sheet) if word in ("Sources", "Fused")] == ["Sources", "Fused", "Fused"]


def test_rows_of_the_same_groups_are_headed_once():
    rows = [Row([tile("A", "k"), tile("B", "λ")], label) for label in ("fused", "estimates")]
    told = words(Sheet(rows, FRAME))
    assert (told.count("k"), told.count("A"), told.count("fused"), told.count("estimates")) == (1, 1, 1, 1)


def test_title_subtitle_notice_and_notes_are_told():
    told = "\n".join(words(Sheet([Row([tile(c) for c in "ABCD"])], FRAME, notes=["small setting"])))
    assert "Methods" in told
    assert "P1, axial slice 3.  For research use only." in told
    assert "small setting" in told


def test_the_file_is_small_and_of_the_size_that_was_measured(tmp_path):
    rng = np.random.default_rng(0)
    noise = [Tile("Fused", str(i), rng.random((150, 120)), score="SSIM 0.900") for i in range(18)]
    sheet = Sheet(wrapped(noise, 6), (slice(0, 150), slice(0, 120)))
    sheet.save(tmp_path / "sheet.png", "Methods", "P1.")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.width <= 1600
        assert image.size == pytest.approx((sheet.width, sheet.height), abs=1)
    assert (tmp_path / "sheet.png").stat().st_size < 1_500_000, "white noise is the worst there is"
