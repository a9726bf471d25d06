import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from scripts.data.errors import BadInputError
from scripts.data.pictures import is_picture, read_picture

RAMP = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10


def saved(path, values, mode=None, **options):
    image = Image.fromarray(values)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def png(path, depth, colour_type, row_bytes, width, height, *chunks):
    """Write a PNG that Pillow cannot write, from rows of raw bytes."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in row_bytes))
    extra = b"".join(chunk(*each) for each in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    return path


@pytest.fixture(autouse=True)
def no_unexpected_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


class TestGrey:
    def test_8_bits_are_read_level_by_level(self, tmp_path):
        luminance, chroma, bits = read_picture(saved(tmp_path / "a.png", RAMP))
        assert chroma is None and bits == 8
        assert luminance.dtype == np.float32 and luminance.shape == (4, 6)
        assert (np.rint(luminance * 255) == RAMP).all()
        assert luminance[3, 5] == np.float32(230 / 255)

    def test_16_bits_keep_every_level(self, tmp_path):
        levels = np.linspace(0, 65535, 600).round().astype(np.uint16).reshape(20, 30)
        luminance, chroma, bits = read_picture(saved(tmp_path / "a.png", levels))
        assert chroma is None and bits == 16
        assert luminance.min() == 0 and luminance.max() == 1
        assert (np.rint(luminance.astype(np.float64) * 65535) == levels).all()

    def test_one_and_four_bits_reach_from_black_to_white(self, tmp_path):
        one = read_picture(png(tmp_path / "1.png", 1, 0, [b"\xa0", b"\x00"], 3, 2))
        assert one.bits == 8 and one.luminance.tolist() == [[1, 0, 1], [0, 0, 0]]
        four = read_picture(png(tmp_path / "4.png", 4, 0, [b"\x0f\x80"], 3, 1))
        np.testing.assert_allclose(four.luminance, [[0, 1, 8 / 15]], atol=1e-6)

    @pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
    def test_a_grey_picture_stored_otherwise_is_the_same_grey_picture(self, tmp_path, mode):
        plain = read_picture(saved(tmp_path / "plain.png", RAMP))
        other = read_picture(saved(tmp_path / "other.png", RAMP, mode))
        assert other.chroma is None and other.bits == 8
        assert (other.luminance == plain.luminance).all()


class TestColour:
    RGB = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [90, 90, 90]]], dtype=np.uint8)

    def test_colour_gives_bt_601_luminance_and_chroma(self, tmp_path):
        luminance, chroma, bits = read_picture(saved(tmp_path / "a.png", self.RGB))
        assert bits == 8 and chroma.dtype == np.float32 and chroma.shape == (2, 2, 2)
        np.testing.assert_allclose(luminance, [[0.299, 0.587], [0.114, 90 / 255]], atol=1e-6)
        np.testing.assert_allclose(chroma[:, 1, 0], [0.5, -0.081312], atol=1e-6)
        np.testing.assert_allclose(chroma[:, 1, 1], 0, atol=1e-6)

    def test_a_palette_gives_its_colours(self, tmp_path):
        image = Image.fromarray(self.RGB).quantize(4)
        image.save(tmp_path / "p.png")
        with Image.open(tmp_path / "p.png") as stored:
            assert stored.mode == "P"
        plain = read_picture(saved(tmp_path / "rgb.png", self.RGB))
        for one, other in zip(read_picture(tmp_path / "p.png")[:2], plain[:2], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)

    def test_colours_of_16_bits_are_read_with_8_and_reported(self, tmp_path):
        row = np.array([[65535, 0, 0], [0, 65535, 0]], dtype=">u2").tobytes()
        path = png(tmp_path / "deep.png", 16, 2, [row], 2, 1)
        with pytest.warns(UserWarning, match=r"deep\.png has 16 bits per channel"):
            picture = read_picture(path)
        assert picture.bits == 8
        np.testing.assert_allclose(picture.luminance, [[0.299, 0.587]], atol=1e-6)


class TestTransparency:
    def test_transparent_pixels_are_laid_over_black_and_reported(self, tmp_path):
        rgba = np.full((2, 2, 4), 200, dtype=np.uint8)
        rgba[..., 3] = [[255, 0], [51, 255]]
        saved(tmp_path / "veil.png", rgba)
        with pytest.warns(UserWarning, match=r"veil\.png has transparent pixels"):
            picture = read_picture(tmp_path / "veil.png")
        assert picture.chroma is None
        np.testing.assert_allclose(picture.luminance * 255, [[200, 0], [40, 200]], atol=1e-3)

    def test_a_transparent_colour_of_a_palette_counts_as_well(self, tmp_path):
        path = png(
            tmp_path / "p.png", 8, 3, [b"\0\1"], 2, 1, (b"PLTE", b"\xff\xff\xff\x80\x80\x80"), (b"tRNS", b"\0\xff")
        )
        with pytest.warns(UserWarning, match="transparent"):
            picture = read_picture(path)
        np.testing.assert_allclose(picture.luminance, [[0, 128 / 255]], atol=1e-6)


class TestBadInput:
    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(BadInputError, match=r"gone\.png does not exist"):
            read_picture(tmp_path / "gone.png")

    @pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
    def test_what_is_not_a_png_is_named(self, tmp_path, content):
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(BadInputError, match=r"a\.png cannot be read as PNG"):
            read_picture(tmp_path / "a.png")

    def test_a_jpeg_under_another_name_is_not_a_png(self, tmp_path):
        saved(tmp_path / "a.png", RAMP, format="JPEG")
        with pytest.raises(BadInputError, match=r"a\.png cannot be read as PNG"):
            read_picture(tmp_path / "a.png")

    def test_a_file_cut_short_is_named(self, tmp_path):
        noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
        path = saved(tmp_path / "a.png", noise)
        path.write_bytes(path.read_bytes()[:2000])
        with pytest.raises(BadInputError, match=r"a\.png cannot be read as PNG"):
            read_picture(path)

    def test_an_animation_is_refused(self, tmp_path):
        frames = [Image.fromarray(RAMP), Image.fromarray(RAMP[::-1].copy())]
        frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
        with pytest.raises(BadInputError, match="animation of 2 frames"):
            read_picture(tmp_path / "a.png")


class TestOtherFormats:
    @pytest.mark.parametrize("name", ["a.tif", "a.bmp", "A.TIFF"])
    def test_lossless_formats_hold_the_same_numbers_as_png(self, tmp_path, name):
        plain = read_picture(saved(tmp_path / "a.png", RAMP))
        other = read_picture(saved(tmp_path / name, RAMP))
        assert other.bits == 8 and other.chroma is None
        assert (other.luminance == plain.luminance).all()

    def test_jpeg_is_read_in_grey_and_colour(self, tmp_path):
        grey = read_picture(saved(tmp_path / "a.jpg", np.full((16, 16), 100, np.uint8)))
        assert grey.chroma is None and np.rint(grey.luminance[0, 0] * 255) == 100
        red = read_picture(saved(tmp_path / "b.jpeg", np.full((16, 16, 3), (200, 0, 0), np.uint8)))
        np.testing.assert_allclose(red.luminance * 255, 0.299 * 200, atol=2)

    @pytest.mark.parametrize("inverted", [False, True])
    def test_tiff_of_16_bits_keeps_every_level_whichever_way_grey_runs(self, tmp_path, inverted):
        levels = np.linspace(0, 65535, 600).round().astype(np.uint16).reshape(20, 30)
        stored, tag = (65535 - levels, 0) if inverted else (levels, 1)
        picture = read_picture(saved(tmp_path / "a.tif", stored, tiffinfo={262: tag}))
        assert picture.bits == 16
        assert (np.rint(picture.luminance.astype(np.float64) * 65535) == levels).all()

    def test_orientation_is_followed(self, tmp_path):
        exif = Image.Exif()
        exif[274] = 6  # shown turned by 90 degrees clockwise
        picture = read_picture(saved(tmp_path / "a.jpg", np.repeat(RAMP, 8, 0).repeat(8, 1), exif=exif, quality=100))
        assert picture.luminance.shape == (48, 32)
        assert picture.luminance[0, -1] < picture.luminance[0, 0] < picture.luminance[-1, 0]

    def test_several_pages_are_refused(self, tmp_path):
        page = Image.fromarray(RAMP)
        page.save(tmp_path / "a.tif", save_all=True, append_images=[page, page])
        with pytest.raises(BadInputError, match=r"a\.tif is a file of 3 pages\. Save each"):
            read_picture(tmp_path / "a.tif")

    @pytest.mark.parametrize("dtype", [np.float32, np.int32])
    def test_numbers_of_unknown_range_are_refused(self, tmp_path, dtype):
        with pytest.raises(BadInputError, match="floating-point, signed or 32-bit"):
            read_picture(saved(tmp_path / "a.tif", RAMP.astype(dtype)))

    @pytest.mark.parametrize("name", ["a.jpg", "a.tif", "a.bmp"])
    def test_a_file_cut_short_is_named(self, tmp_path, name):
        noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
        path = saved(tmp_path / name, noise)
        path.write_bytes(path.read_bytes()[:1500])
        with pytest.raises(BadInputError, match=f"{name} cannot be read as"):
            read_picture(path)

    def test_a_bomb_is_refused_by_its_header(self, tmp_path):
        with pytest.raises(BadInputError, match=r"a\.png is too large to be a medical image"):
            read_picture(png(tmp_path / "a.png", 8, 0, [], 40000, 40000))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("a.png", True), ("A.PNG", True), ("a.JPG", True), ("a.gif", False)),
        *(("._a.png", False), ("a.nii.gz", False), ("png", False)),
    ],
)
def test_pictures_are_recognised_by_their_names(name, expected):
    assert is_picture(f"some/folder/{name}") is expected
