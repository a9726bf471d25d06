from __future__ import annotations

import io
import re
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from scripts import RESEARCH_NOTICE
from scripts.report.html import fill, write_report


class TestFile:
    def test_it_is_one_page_that_names_no_address_to_load_from(self, report):
        text = report.read_text(encoding="utf-8")
        own = text[: text.index('<script type="application/json"')]
        assert not re.search(r"""(src|href)=["'](?!data:)""", own)
        assert "@import" not in own and "@font-face" not in own and "url(" not in own
        assert "default-src 'none'" in own

    def test_it_says_what_it_is_for_and_where_it_comes_from(self, report):
        text = report.read_text(encoding="utf-8")
        assert RESEARCH_NOTICE in text
        assert "ab" * 32 in text
        assert "0.9510" in text and ">–<" in text
        assert "Unlike &lt;the&gt; training data" in text
        assert "BSD 2-Clause" in text

    def test_a_name_cannot_become_an_element(self, make_patient, tmp_path):
        name = "</script><img src=x>"
        text = write_report(tmp_path / "r.html", make_patient(patient=name)).read_text(encoding="utf-8")
        assert name not in text
        assert "&lt;/script&gt;" in text

    def test_a_phantom_is_no_patient(self, make_patient, report, tmp_path):
        text = write_report(tmp_path / "r.html", make_patient(phantom=True)).read_text(encoding="utf-8")
        assert "Digital phantom, not a patient" in text
        assert "Digital phantom, not a patient" not in report.read_text(encoding="utf-8")

    def test_a_missing_part_of_the_template_is_an_error(self):
        assert fill("a {{b}} {c}", {"b": "{{d}}"}) == "a {{d}} {c}"
        with pytest.raises(KeyError):
            fill("{{b}}", {})


@pytest.fixture(scope="module")
def page(open_page, report):
    return open_page(report)


@pytest.fixture
def fresh(page):
    """The page as it was opened: slider in the middle, sources at its ends, axial, first place."""
    page.click("[data-kind=source]")
    page.click("[data-plane='0']")
    page.click("#window-reset")
    page.click("#end-middle")
    page.focus("#canvas")
    page.keyboard.press("Home")
    settle(page)
    return page


def settle(page):
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 100))))"
    )


def picture(page):
    settle(page)
    return np.asarray(Image.open(io.BytesIO(page.locator("#canvas").screenshot())).convert("RGB")).astype(int)


def voxel(page):
    return tuple(int(number) for number in re.match(r"Voxel (\d+), (\d+), (\d+)", page.inner_text("#place")).groups())


def shown_value(page, name):
    return float(page.inner_text(f"[data-volume={name}]").replace(",", "").replace("−", "-"))


def click_at(page, across, down):
    box = page.locator("#canvas").bounding_box()
    page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])
    settle(page)


def grey(image, across, down):
    return image[int(down * image.shape[0]), int(across * image.shape[1])]


# Two places in the picture, off the crosshair: in the patient's right half and in the left.
RIGHT, LEFT = (0.42, 0.30), (0.57, 0.30)


@pytest.mark.slow
class TestViewer:
    def test_it_opens_without_errors_and_asks_nothing_of_the_network(self, page):
        assert page.complaints == []
        assert page.is_hidden("#missing")

    def test_values_under_the_crosshair_are_those_of_the_files(self, fresh, make_patient):
        data = make_patient()
        for across, down in ((0.42, 0.4), (0.58, 0.7), (0.5, 0.2)):
            click_at(fresh, across, down)
            place = voxel(fresh)
            for name in ("t1gd", "flair"):
                source, estimate = data.volumes[name][place], data.decomposed[name][place]
                assert shown_value(fresh, f"source-{name}") == source
                assert shown_value(fresh, f"estimate-{name}") == estimate
                assert shown_value(fresh, f"error-{name}") == abs(estimate - source)
                assert shown_value(fresh, f"uncertainty-{name}") == pytest.approx(
                    data.uncertainty[name][place], abs=0.02
                )
            assert shown_value(fresh, "fused") == pytest.approx(data.fused[place], abs=1e-4)

    def test_the_patient_s_right_is_on_the_left(self, fresh):
        click_at(fresh, 0.42, 0.3)
        assert " R " in fresh.inner_text("#place")
        assert voxel(fresh)[0] < 16
        click_at(fresh, 0.58, 0.3)
        assert " L " in fresh.inner_text("#place")

    def test_the_slider_blends_source_fused_and_source(self, fresh, make_patient):
        fresh.click("#crosshair")
        data = make_patient()
        windows = {"t1gd": 400, "flair": 300, "fused": data.fused.max()}

        def expected(half):
            x = {"right": 8, "left": 24}[half]
            volumes = {**data.volumes, "fused": data.fused}
            return {name: 255 * volume[x, 30, 6] / windows[name] for name, volume in volumes.items()}

        for value, shares in (
            (0, {"t1gd": 1}),
            (50, {"t1gd": 0.5, "fused": 0.5}),
            (100, {"fused": 1}),
            (180, {"fused": 0.2, "flair": 0.8}),
            (200, {"flair": 1}),
        ):
            fresh.locator("#blend").fill(str(value))
            image = picture(fresh)
            for half, place in (("right", RIGHT), ("left", LEFT)):
                wanted = sum(share * expected(half)[name] for name, share in shares.items())
                assert grey(image, *place) == pytest.approx([wanted] * 3, abs=4), (value, half)
        fresh.click("#crosshair")

    def test_buttons_show_estimates_errors_and_expected_errors(self, fresh):
        pictures = {}
        for kind in ("source", "estimate", "error", "uncertainty"):
            fresh.click(f"[data-kind={kind}]")
            fresh.click("#end-left")
            pictures[kind] = picture(fresh)
            assert fresh.get_attribute(f"[data-kind={kind}]", "aria-pressed") == "true"
            assert fresh.is_visible("#estimated") == (kind == "estimate")
            assert fresh.is_visible("#scale") == (kind in ("error", "uncertainty"))
        assert "T1-Gd expected error" in fresh.inner_text("#shown")
        # greys are grey, errors are coloured
        assert np.ptp(grey(pictures["estimate"], *RIGHT)) == 0
        assert np.ptp(grey(pictures["error"], *RIGHT)) > 50
        kinds = list(pictures)
        for one, other in pairwise(kinds):
            assert np.abs(pictures[one] - pictures[other]).max() > 3

    def test_the_lesion_is_outlined_and_the_outline_can_be_hidden(self, fresh):
        def red(image):
            return int(((image[..., 0] > 180) & (image[..., 1] < 120) & (image[..., 2] < 120)).sum())

        assert red(picture(fresh)) > 50
        fresh.click("#outline")
        assert red(picture(fresh)) == 0
        fresh.click("#outline")
        fresh.click("#end-right")
        assert red(picture(fresh)) > 50

    def test_the_window_changes_the_greys(self, fresh):
        fresh.click("#end-left")
        before = grey(picture(fresh), *LEFT)[0]
        fresh.locator("#width").fill("150")
        after = grey(picture(fresh), *LEFT)[0]
        assert before == pytest.approx(255 * 100 / 400, abs=4)
        assert after == pytest.approx(0, abs=4)
        assert "150" in fresh.inner_text("#width-value")

    def test_keys_move_slice_crosshair_and_slider(self, fresh):
        start = voxel(fresh)
        for key, moved in (("ArrowUp", (0, 0, 1)), ("Shift+ArrowUp", (0, -1, 0)), ("Shift+ArrowRight", (1, 0, 0))):
            fresh.keyboard.press("Home")
            fresh.keyboard.press(key)
            settle(fresh)
            assert tuple(np.subtract(voxel(fresh), start)) == moved
        fresh.keyboard.press("ArrowRight")
        settle(fresh)
        assert fresh.input_value("#blend") == "105"

    def test_planes_can_be_chosen_and_leafed_through(self, fresh):
        for plane, axis in ((1, 1), (2, 0), (0, 2)):
            fresh.click(f"[data-plane='{plane}']")
            before = voxel(fresh)
            fresh.focus("#slice")
            fresh.keyboard.press("ArrowRight")
            settle(fresh)
            assert [i for i in range(3) if voxel(fresh)[i] != before[i]] == [axis]
            assert f"{voxel(fresh)[axis] + 1} of " in fresh.inner_text("#slice-value")

    def test_every_control_has_a_name_and_can_be_focused(self, page):
        nameless = page.evaluate(
            """() => [...document.querySelectorAll("button, input, select, canvas, summary")]
            .filter((e) => e.offsetParent && !(e.innerText || e.ariaLabel || e.labels?.length
              || e.getAttribute("aria-labelledby")) || e.tabIndex < 0).map((e) => e.outerHTML)"""
        )
        assert nameless == []


OUTLINES = {"red": (255, 82, 66), "yellow": (255, 210, 63)}


@pytest.fixture(scope="module")
def page_of_segments(open_page, make_patient, tmp_path_factory):
    """The page of a patient with an edema, and in it a tumour whose name looks like an element."""
    seg = np.zeros((32, 40, 12), np.uint8)
    seg[17:27, 8:30, 3:10] = 1
    seg[19:24, 12:24, 3:9] = 2
    named = make_patient(seg=seg, segments={1: "Edema", 2: "Enhancing <tumor>"})
    return open_page(write_report(tmp_path_factory.mktemp("segments") / "r.html", named))


def outlined(page):
    image = picture(page)
    return {name: int((np.abs(image - colour).max(axis=-1) < 40).sum()) for name, colour in OUTLINES.items()}


class TestSegments:
    """Segments of a segmentation have outlines in their own colours, with their names below the picture."""

    @pytest.fixture
    def page(self, page_of_segments):
        return page_of_segments

    def test_each_has_its_colour_and_its_name(self, page):
        assert page.complaints == []
        assert page.locator("#segments li").all_inner_texts() == ["Edema", "Enhancing <tumor>"]
        colours = page.evaluate(
            "[...document.querySelectorAll('#segments i')].map((mark) => getComputedStyle(mark).borderColor)"
        )
        assert colours == [f"rgb({', '.join(map(str, colour))})" for colour in OUTLINES.values()]
        counts = outlined(page)
        assert counts["red"] > counts["yellow"] > 50

    def test_the_crosshair_says_in_which_one_it_is(self, page):
        page.focus("#canvas")
        page.keyboard.press("Home")
        settle(page)
        assert page.inner_text("#place").endswith("mm · in Enhancing <tumor>")
        for _ in range(12):
            page.keyboard.press("Shift+ArrowUp")
        settle(page)
        assert " in " not in page.inner_text("#place")

    def test_outlines_and_names_are_hidden_together(self, page):
        assert page.inner_text("#outline") == "Outlines of the lesion"
        page.click("#outline")
        assert outlined(page) == {"red": 0, "yellow": 0}
        assert page.is_hidden("#segments")
        page.click("#outline")
        assert outlined(page)["yellow"] > 50 and page.is_visible("#segments")


def test_a_lesion_without_names_has_no_list_of_segments(page):
    assert page.is_hidden("#segments") and page.inner_text("#outline") == "Outline of the lesion"


def test_a_phone_in_the_dark_needs_no_sideways_scrolling(open_page, report):
    page = open_page(report, viewport={"width": 360, "height": 740}, color_scheme="dark")
    assert page.complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    background, text = (
        [int(number) for number in re.findall(r"\d+", page.evaluate(f"getComputedStyle(document.body).{name}"))[:3]]
        for name in ("backgroundColor", "color")
    )
    assert max(background) < 40
    assert min(text) > 200
    assert page.locator(".notice").bounding_box()["y"] == 0
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert page.locator(".notice").bounding_box()["y"] == 0


def test_without_webgl_the_page_says_so_and_shows_slices(open_page, report):
    script = "HTMLCanvasElement.prototype.getContext = () => null"
    page = open_page(report, state="static", script=script)
    page.wait_for_function("document.getElementById('missing').textContent.includes('no WebGL 2')")
    assert page.is_visible("#still img")
    assert page.evaluate("document.querySelector('#still img').naturalWidth") == 1400
    assert page.is_hidden("#canvas")


def test_estimates_alone_make_a_report(open_page, make_patient, tmp_path):
    path = write_report(tmp_path / "r.html", make_patient(volumes={}, uncertainty=None, seg=None, scores={}))
    page = open_page(path)
    assert page.complaints == []
    assert page.locator("#kinds button").all_inner_texts() == ["Decomposed (ESTIMATED)"]
    page.click("#end-left")
    settle(page)
    assert page.is_visible("#estimated")
