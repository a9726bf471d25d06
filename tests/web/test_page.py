"""The page for browsers gives what the bundle gives, refuses what it refuses, and sends nothing anywhere."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import struct
from pathlib import Path

import monai.bundle
import nibabel as nib
import numpy as np
import pytest

from fusion_page import give, saved
from scripts import BUNDLE_ROOT
from scripts.cases.decompose import ReadFused
from scripts.data.errors import BadInputError
from scripts.outputs.identity import check_belongs
from scripts.outputs.sidecar import read_sidecar, sidecar_of
from scripts.outputs.volumes import load_fused
from scripts.transforms.load_sources import LoadSourcesd

pytestmark = pytest.mark.slow

LEVEL = 1 / 65535
RANGE = 1e-3
OBLIQUE = np.array([[0.1, 0.95, -0.2, -30.0], [-0.9, 0.1, 0.3, 40.5], [0.3, 0.15, 2.9, -12.0], [0, 0, 0, 1]])
SAGITTAL = np.array([[3.0, 0, 0, -20], [0, -0.9, 0, 31], [0, 0, 0.9, -9], [0, 0, 0, 1]])
CASES = {
    "whole numbers, axial": {"shape": (40, 48, 8)},
    "odd sizes, floats": {"shape": (37, 41, 5), "dtype": "float32"},
    "oblique": {"shape": (32, 36, 6), "affine": OBLIQUE},
    "thick sagittal slices": {"shape": (7, 44, 40), "affine": SAGITTAL},
}


@pytest.fixture(scope="module")
def page(open_page, built):
    """The page, open in a browser without a network."""
    return open_page(built, state="busy", offline=True)


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES)
def fused(request, tmp_path_factory, page, fuse_in_python, write_patient):
    """A patient fused in the page and by the bundle: its record, and the folder of each."""
    folder = tmp_path_factory.mktemp("case")
    record = write_patient(folder / "sources", "P1", **request.param)
    give(page, record["t1gd"], record["flair"])
    return record, saved(page, folder / "page"), fuse_in_python(record, folder / "bundle")


class TestSameAsTheBundle:
    def test_the_fused_image_differs_by_one_level_at_most(self, fused):
        _, here, there = fused
        one, other = (nib.load(folder / "P1_fused.nii.gz") for folder in (here, there))
        levels = [np.asarray(image.dataobj.get_unscaled(), dtype=int) for image in (one, other)]
        assert np.abs(levels[0] - levels[1]).max() <= 1

    def test_the_estimates_agree_to_a_thousandth_of_the_range(self, fused):
        record, here, there = fused
        for source in ("t1gd", "flair"):
            span = np.ptp(nib.load(record[source]).get_fdata())
            one, other = (nib.load(folder / f"P1_{source}_decomposed.nii.gz") for folder in (here, there))
            assert one.get_data_dtype() == other.get_data_dtype()
            rounding = 1 if one.get_data_dtype().kind == "i" else 0
            assert np.abs(one.get_fdata() - other.get_fdata()).max() <= max(RANGE * span, rounding)

    def test_headers_agree_in_every_byte_but_the_id(self, fused):
        _, here, there = fused
        for name in ("P1_fused.nii.gz", "P1_t1gd_decomposed.nii.gz"):
            one, other = (nib.load(folder / name).header for folder in (here, there))
            differing = [field for field in one if one[field].tobytes() != other[field].tobytes()]
            assert [field for field in differing if field != "descrip"] == []
            assert re.sub(rb"id \w+", b"", one["descrip"].item()) == re.sub(rb"id \w+", b"", other["descrip"].item())

    def test_the_record_has_one_form_and_the_same_scale(self, fused):
        _, here, there = fused
        texts = [(folder / "P1_fused.json").read_text(encoding="utf-8") for folder in (here, there)]
        one, other = map(json.loads, texts)
        assert list(one) == list(other)
        same = [key for key in other if key not in ("GeneratedBy", "FusedSHA256", "FusionID", "SSIM")]
        assert [key for key in same if one[key] != other[key]] == []
        for of in ("fused", "decomposed"):
            assert one["SSIM"][of] == pytest.approx(other["SSIM"][of], abs=2e-4)
        # The page has its own name among the programs, its own checksums, and scores that may differ in the last digit.
        differing = re.compile(r'("Name": "[^"]*"|"\w*(SHA256|ID)": "\w+"|": 0\.\d{2,4}(?=,?\n))')
        assert differing.sub("", texts[0]) == differing.sub("", texts[1])


class TestBackAndForth:
    @pytest.mark.usefixtures("process_as_it_was")
    def test_the_bundle_decomposes_what_the_page_fused(self, fused, tmp_path):
        record, here, _ = fused
        shutil.copytree(here, tmp_path / "P1")
        for estimate in (tmp_path / "P1").glob("*_decomposed.nii.gz"):
            estimate.unlink()
        config = str(Path(BUNDLE_ROOT) / "configs" / "decompose.json")
        monai.bundle.run(
            config_file=config, dataset_dir=str(tmp_path), device="cpu", overview=False, logging_file=False
        )
        for source in ("t1gd", "flair"):
            name = f"P1_{source}_decomposed.nii.gz"
            span = np.ptp(nib.load(record[source]).get_fdata())
            one, other = nib.load(here / name), nib.load(tmp_path / "decomposed" / "P1" / name)
            rounding = 1 if one.get_data_dtype().kind == "i" else 0
            assert np.abs(one.get_fdata() - other.get_fdata()).max() <= max(RANGE * span, rounding)
            np.testing.assert_allclose(one.affine, other.affine, atol=1e-6)

    def test_the_page_decomposes_what_the_bundle_fused(self, fused, page, tmp_path):
        record, _, there = fused
        give(page, there / "P1_fused.nii.gz", there / "P1_fused.json")
        here = saved(page, tmp_path)
        for source in ("t1gd", "flair"):
            name = f"P1_{source}_decomposed.nii.gz"
            span = np.ptp(nib.load(record[source]).get_fdata())
            one, other = nib.load(here / name), nib.load(there / name)
            rounding = 1 if one.get_data_dtype().kind == "i" else 0
            assert np.abs(one.get_fdata() - other.get_fdata()).max() <= max(RANGE * span, rounding)
        assert page.locator("#small figure").count() == 2

    def test_the_record_of_the_page_belongs_to_its_image(self, fused):
        _, here, _ = fused
        path = here / "P1_fused.nii.gz"
        record = read_sidecar(sidecar_of(path))
        values, affine, dtype = load_fused(path, clip=False)
        check_belongs(path, record, values, affine)
        assert dtype == "uint16"
        assert ReadFused()({"patient": "P1", "fused": str(path)})["image"].shape[0] == 1


def two_members(content: bytes) -> bytes:
    """Compress in two members and padding, as bgzip and tapes leave it."""
    half = len(content) // 2
    return gzip.compress(content[:half]) + gzip.compress(content[half:]) + b"\0" * 64


def stored(values: np.ndarray, how: str) -> bytes:
    """Return a volume as a compressed file, stored in one of several ways."""
    affine = OBLIQUE if how == "qform alone" else np.diag([-1.0, -1.0, 2.0, 1.0])
    if how == "big-endian":
        header = nib.Nifti1Header(endianness=">")
        header.set_data_shape(values.shape)
        header.set_data_dtype(np.int16)
        header.set_sform(affine, 1)
        header["magic"], header["vox_offset"] = b"n+1", 352
        return gzip.compress(header.binaryblock + b"\0" * 4 + values.astype(">i2").tobytes(order="F"))
    if how == "NIfTI-2":
        return gzip.compress(nib.Nifti2Image(values.astype(np.float64) / 3, affine).to_bytes())
    if how == "with a scale factor":
        image = nib.Nifti1Image(values.astype(np.uint8), affine)
        image.header.set_slope_inter(0.37, -1.5)
        return gzip.compress(image.to_bytes())
    kind = np.int64 if how == "64 bits" else np.int16
    image = nib.Nifti1Image(values.astype(kind), affine, dtype=kind)
    if how == "qform alone":
        rotation = nib.quaternions.quat2mat([0.8, 0.2, -0.4, 0.4])
        place = np.eye(4)
        place[:3, :3], place[:3, 3] = rotation * [1.1, 0.9, 2.5], (-20, 33, 5)
        image = nib.Nifti1Image(values.astype(np.int16), place)
        image.header["sform_code"], image.header["qform_code"] = 0, 1
        image.header.set_qform(place, 1)
    if how == "no orientation":
        image.header["sform_code"] = image.header["qform_code"] = 0
    if how == "in metres":
        image = nib.Nifti1Image(values.astype(np.int16), np.diag([-1e-3, -1e-3, 2e-3, 1]))
        image.header.set_xyzt_units("meter")
    return two_members(image.to_bytes()) if how == "two members" else gzip.compress(image.to_bytes())


@pytest.mark.parametrize(
    "how",
    [
        *("big-endian", "NIfTI-2", "with a scale factor", "64 bits", "two members"),
        *("qform alone", "no orientation", "in metres"),
    ],
)
def test_however_a_file_is_stored_the_page_reads_what_the_bundle_reads(
    how, page, write_patient, fuse_in_python, tmp_path
):
    record = write_patient(tmp_path / "sources", "P1", shape=(20, 24, 4))
    for source in ("t1gd", "flair"):
        values = np.rint(nib.load(record[source]).get_fdata() / 5)
        Path(record[source]).write_bytes(stored(values, how))
    give(page, record["t1gd"], record["flair"])
    here, there = saved(page, tmp_path / "page"), fuse_in_python(record, tmp_path / "bundle")
    records = [json.loads((folder / "P1_fused.json").read_text(encoding="utf-8")) for folder in (here, there)]
    for key in ("IntensityScale", "SliceAxis", "Shape", "Affine", "SourceDtypes"):
        assert records[0][key] == records[1][key], key
    images = [nib.load(folder / "P1_fused.nii.gz") for folder in (here, there)]
    np.testing.assert_allclose(images[0].affine, images[1].affine, atol=1e-5)
    for code in ("sform_code", "qform_code"):
        assert images[0].header[code] == images[1].header[code]
    levels = [np.asarray(image.dataobj.get_unscaled(), dtype=int) for image in images]
    assert np.abs(levels[0] - levels[1]).max() <= 1


def damaged_files(folder: Path, write) -> dict[str, tuple[str, ...]]:
    """Write files that cannot be fused, and return pairs of them by what is wrong."""
    good = write(folder / "good", "P1", shape=(16, 20, 4))
    t1gd, flair = Path(good["t1gd"]), Path(good["flair"])
    content = gzip.decompress(flair.read_bytes())
    pairs: dict[str, tuple[str, ...]] = {}

    def bad(what: str, data: bytes, name: str = "P1_flair.nii.gz") -> None:
        path = folder / what.replace(" ", "_") / name
        path.parent.mkdir()
        path.write_bytes(data)
        pairs[what] = (str(t1gd), str(path))

    def header(at: int, form: str, *values: float) -> bytes:
        changed = bytearray(content)
        struct.pack_into(f"<{form}", changed, at, *values)
        return gzip.compress(bytes(changed))

    def volume(values: np.ndarray, affine: np.ndarray | None = None) -> bytes:
        image = nib.Nifti1Image(values.astype(np.float32), np.diag([-1.0, -1, 1, 1]) if affine is None else affine)
        return gzip.compress(image.to_bytes())

    values = nib.load(flair).get_fdata()
    bad("empty", b"")
    bad("web page", b"<!DOCTYPE html><html></html>")
    bad("lfs pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n")
    bad("no nifti", gzip.compress(b"PK" * 400))
    bad("truncated", flair.read_bytes()[:-900])
    bad("wrong checksum", flair.read_bytes()[:-8] + b"\0\0\0\0" + flair.read_bytes()[-4:])
    bad("too short", gzip.compress(content[:-100]))
    bad("too long", gzip.compress(content + b"\0" * 10))
    bad("not compressed", content)
    bad("compressed in secret", flair.read_bytes(), "P1_flair.nii")
    bad("colour", header(70, "h", 128))
    bad("unknown type", header(70, "h", 77))
    bad("huge", header(40, "8h", 3, 30000, 30000, 30000, 1, 1, 1, 1))
    bad("pair", header(344, "4s", b"ni1\0"))
    bad("constant", volume(np.full(values.shape, 7.0)))
    bad("all zero", volume(np.zeros(values.shape)))
    bad("nan inside", volume(np.where(values == values.max(), np.nan, values)))
    bad("infinite", volume(np.where(values == values.max(), np.inf, values)))
    bad("four dimensions", volume(np.stack([values, values], axis=-1)))
    bad("two dimensions", volume(values[..., 0]))
    bad("other shape", volume(values[:-1]))
    bad("other place", volume(values, np.diag([-1.0, -1, 2, 1])))
    bad("singular", header(312, "4f", 0, 0, 0, 0))
    bad("other patient", flair.read_bytes(), "P2_flair.nii.gz")
    return pairs


def told_by_python(pair: tuple[str, ...]) -> str:
    """Return what the bundle says about two files, with names instead of paths."""
    with pytest.raises(BadInputError) as error:
        LoadSourcesd(with_seg=False)({"patient": "P1", "t1gd": pair[0], "flair": pair[1]})
    text = str(error.value)
    for path in pair:
        text = text.replace(f"{Path(path).parent}/", "")
    return text


SAID_OTHERWISE = {"wrong checksum", "colour", "unknown type", "pair", "four dimensions"}
"""Where a reason inside the message is that of another library; the beginning and the remedy are the same."""


def test_the_page_refuses_what_the_bundle_refuses_in_the_same_words(page, write_patient, tmp_path):
    pairs = damaged_files(tmp_path, write_patient)
    differing = {}
    for what, pair in pairs.items():
        give(page, *pair, state="stopped")
        said, expected = page.inner_text("#problem"), told_by_python(pair)
        same = said == expected
        if what in SAID_OTHERWISE:
            same = said.split()[:3] == expected.split()[:3]
        if not same:
            differing[what] = (said, expected)
        assert page.is_hidden("#main")
    assert differing == {}


@pytest.fixture(scope="module")
def pair(tmp_path_factory, write_patient, fuse_in_python) -> tuple[Path, Path]:
    """A fused image of the bundle and its record."""
    folder = tmp_path_factory.mktemp("record")
    there = fuse_in_python(write_patient(folder, "P1", shape=(16, 20, 4)), folder / "OUT")
    return there / "P1_fused.nii.gz", there / "P1_fused.json"


class TestRecords:
    """What the page says about a fused image whose record does not fit."""

    def told(self, page, folder: Path, image: Path, **changes) -> str:
        record = {**json.loads((image.with_name("P1_fused.json")).read_text(encoding="utf-8")), **changes}
        (folder / "P1_fused.json").write_text(json.dumps({k: v for k, v in record.items() if v is not None}))
        give(page, image, folder / "P1_fused.json", state="stopped")
        return page.inner_text("#problem")

    def test_a_changed_record_is_refused(self, page, pair, tmp_path):
        assert 'does not match its "FusionID"' in self.told(page, tmp_path, pair[0], LatentKind="ones")

    def test_a_record_that_lacks_a_key_is_refused(self, page, pair, tmp_path):
        assert 'P1_fused.json has no key "IntensityScale"' in self.told(page, tmp_path, pair[0], IntensityScale=None)

    def test_other_weights_are_refused(self, page, pair, tmp_path):
        said = self.told(page, tmp_path, pair[0], CheckpointSHA256="ab" * 32, FusedSHA256=None, FusionID=None)
        assert "was fused with other weights (sha256 abababababab…" in said

    def test_changed_voxels_are_refused(self, page, pair, tmp_path):
        image = nib.load(pair[0])
        values = np.asarray(image.dataobj.get_unscaled()).copy()
        values[3, 4, 2] ^= 1
        changed = nib.Nifti1Image(values, image.affine, image.header)
        changed.header.set_slope_inter(1 / 65535, 0)
        path = tmp_path / "P1_fused.nii.gz"
        nib.save(changed, path)
        give(page, path, pair[1], state="stopped")
        assert "P1_fused.nii.gz does not contain the voxels that were written (uint16)" in page.inner_text("#problem")

    def test_a_fused_image_waits_for_its_record(self, page, pair):
        give(page, pair[0], state="stopped")
        assert "Add P1_fused.json" in page.inner_text("#warnings")
        give(page, pair[1])
        assert page.is_hidden("#warnings")


class TestUse:
    def test_sources_may_be_dropped_one_after_the_other(self, page, write_patient, tmp_path):
        record = write_patient(tmp_path, "P1", shape=(16, 20, 4))
        give(page, record["flair"], state="stopped")
        assert "Add the T1-Gd of the same patient." in page.inner_text("#warnings")
        give(page, record["t1gd"])
        assert page.inner_text("#patient") == "P1"

    def test_names_that_say_nothing_are_asked_for(self, page, write_patient, tmp_path):
        record = write_patient(tmp_path, "P1", shape=(16, 20, 4))
        one, other = (tmp_path / name for name in ("a.nii.gz", "b.nii.gz"))
        shutil.copy(record["t1gd"], one)
        shutil.copy(record["flair"], other)
        give(page, one, other, state="stopped")
        assert "Say which image is which" in page.inner_text("#warnings")
        page.select_option("select[aria-label^='a.nii.gz']", "t1gd")
        page.select_option("select[aria-label^='b.nii.gz']", "flair")
        page.wait_for_selector("html[data-state=ready]")

    def test_swapped_files_can_be_put_right_in_the_list(self, page, write_patient, tmp_path):
        record = write_patient(tmp_path / "sources", "P1", shape=(16, 20, 4))
        give(page, record["t1gd"], record["flair"])
        page.select_option("select[aria-label^='P1_t1ce']", "flair")
        assert page.input_value("select[aria-label^='P1_flair']") == "t1gd"
        page.wait_for_selector("html[data-state=ready]")
        here = saved(page, tmp_path / "page")
        record = json.loads((here / "P1_fused.json").read_text(encoding="utf-8"))
        assert record["Sources"] == ["P1_flair.nii.gz", "P1_t1ce.nii.gz"]

    def test_other_contrasts_and_formats_are_refused(self, page, write_patient, tmp_path):
        record = write_patient(tmp_path, "P1", shape=(16, 20, 4))
        shutil.copy(record["flair"], tmp_path / "P1_t2w.nii.gz")
        give(page, record["t1gd"], tmp_path / "P1_t2w.nii.gz", state="stopped")
        assert "P1_t2w.nii.gz is T2 by its name" in page.inner_text("#problem")
        (tmp_path / "slice.dcm").write_bytes(b"DICM")
        give(page, tmp_path / "slice.dcm", state="stopped")
        assert "slice.dcm has an unsupported extension" in page.inner_text("#problem")

    def test_cancelling_stops_and_saves_nothing(self, page):
        page.click("#phantom")
        page.wait_for_selector("html[data-state=busy]")
        page.click("#cancel")
        page.wait_for_selector("html[data-state=stopped]")
        assert "Cancelled. Nothing was saved." in page.inner_text("#warnings")
        assert page.is_hidden("#main")

    def test_keys_move_slice_crosshair_and_slider(self, page, write_patient, tmp_path):
        record = write_patient(tmp_path, "P1", shape=(16, 20, 6))
        give(page, record["t1gd"], record["flair"])

        def voxel() -> np.ndarray:
            return np.array([int(n) for n in re.findall(r"\d+", page.inner_text("#place").split("·")[0])])

        start = voxel()
        page.focus("#stage")
        for key, moved in (("ArrowUp", (0, 0, 1)), ("Shift+ArrowUp", (0, -1, 0)), ("Shift+ArrowRight", (1, 0, 0))):
            page.keyboard.press("Home")
            page.keyboard.press(key)
            assert tuple(voxel() - start) == moved
        page.keyboard.press("ArrowLeft")
        assert page.input_value("#blend") == "95"
        assert page.inner_text("#large-name") == "95 % fused, 5 % T1-Gd"
        assert page.is_visible("#large-estimated")

    def test_the_slider_draws_a_slice_in_less_than_50_ms_from_the_fused_file_alone(
        self, page, write_patient, fuse_in_python, tmp_path
    ):
        there = fuse_in_python(write_patient(tmp_path, "P1", shape=(240, 240, 5)), tmp_path / "OUT")
        give(page, there / "P1_fused.nii.gz", there / "P1_fused.json")
        page.evaluate("performance.clearMeasures()")
        for value in range(0, 201, 10):
            page.fill("#blend", str(value))
            page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        drawn = page.evaluate("performance.getEntriesByName('draw').map((entry) => entry.duration)")
        assert len(drawn) >= 15
        assert np.median(drawn) < 50

    def test_a_phone_in_the_dark_needs_no_sideways_scrolling(self, open_with, write_patient, tmp_path):
        record = write_patient(tmp_path, "P1", shape=(16, 20, 4))
        look = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}
        page = open_with(record["t1gd"], record["flair"], **look)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 16, 19)"
        assert page.inner_text(".notice").startswith("For research use only. Not for diagnosis or treatment.")
        page.close()


def test_nothing_was_asked_of_the_network_and_nothing_went_wrong(page):
    # Chromium tells that the machine has no graphics card.
    assert [text for text in page.complaints if "adapter" not in text] == []


class TestBuild:
    def test_the_page_is_one_file_below_25_megabytes(self, built, tool):
        assert built.stat().st_size < tool.LIMIT
        text = built.read_text(encoding="utf-8")
        assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']?https?:", text)
        assert "connect-src data: blob:;" in text

    def test_the_parts_of_reports_are_those_that_are_built(self, built, tool):
        # After a change of web/src/engine or the lockfile, make web writes them again.
        for name, content in tool.report_parts().items():
            assert gzip.decompress((tool.REPORT_ASSETS / name).read_bytes()) == content, name

    def test_the_lockfile_pins_every_package_and_names_no_host(self, repository):
        lock = json.loads((repository / "web" / "package-lock.json").read_text(encoding="utf-8"))
        packages = {name: entry for name, entry in lock["packages"].items() if name}
        assert all("integrity" in entry and "resolved" not in entry for entry in packages.values())
