"""Pictures side by side."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from scripts.outputs.panels import Panel, Row, draw_panels


def drawn(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def pixels_of(picture, colour):
    return (np.abs(picture - colour).max(axis=-1) < 12).sum()


def scene(**extra):
    grey = np.tile(np.linspace(0, 1, 48), (40, 1))
    colour = np.zeros((40, 48, 3), np.uint8)
    colour[..., 2] = 255
    return Row("slice 3", [Panel(grey, "SSIM 0.9"), Panel(colour)], **extra)


def test_grey_and_coloured_pictures_are_shown_as_they_are(tmp_path):
    draw_panels(tmp_path / "a.png", "A title", ["Sources", "Sources"], ["MRI", "PET"], [scene()], "A note.")
    picture = drawn(tmp_path / "a.png")
    assert picture.shape[1] <= 1500
    assert pixels_of(picture, (0, 0, 255)) > 20000


def test_the_lesion_is_outlined_in_red_and_enlarged_in_a_green_frame(tmp_path):
    mask = np.zeros((40, 48), bool)
    mask[10:16, 20:30] = True
    box = (slice(6, 20), slice(14, 36))
    draw_panels(tmp_path / "plain.png", "A", ["X", "Y"], ["", ""], [scene()], "")
    draw_panels(tmp_path / "boxed.png", "A", ["X", "Y"], ["", ""], [scene(outline=mask, box=box)], "")
    plain, boxed = drawn(tmp_path / "plain.png"), drawn(tmp_path / "boxed.png")
    assert boxed.shape[0] > plain.shape[0] + 150
    for colour in ((255, 59, 48), (52, 199, 89)):
        assert pixels_of(plain, colour) == 0
        assert pixels_of(boxed, colour) > 100


def test_a_footnote_is_broken_into_lines_that_fit(tmp_path):
    short, long = tmp_path / "short.png", tmp_path / "long.png"
    draw_panels(short, "", ["X", "Y"], ["", ""], [scene()], "Short.")
    draw_panels(long, "", ["X", "Y"], ["", ""], [scene()], "A long note, word by word. " * 12)
    one, other = drawn(short), drawn(long)
    assert other.shape[0] > one.shape[0]
    assert (np.abs(other[:, -20:] - other[0, 0]).max(axis=-1) == 0).all()


def test_pictures_without_heading_are_refused(tmp_path):
    with pytest.raises(ValueError, match="1 columns"):
        draw_panels(tmp_path / "a.png", "", ["X"], [""], [scene()], "")


def test_a_row_may_have_fewer_pictures_and_captions_of_two_lines(tmp_path):
    one, two = scene(), scene()
    two.panels[0].caption = "UNet\nSSIM 0.9"
    draw_panels(tmp_path / "one.png", "", [""] * 3, [""] * 3, [one], "")
    draw_panels(tmp_path / "two.png", "", [""] * 3, [""] * 3, [two], "")
    assert drawn(tmp_path / "two.png").shape[0] - drawn(tmp_path / "one.png").shape[0] == pytest.approx(20, abs=1)
