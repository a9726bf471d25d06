import numpy as np
import pytest

from scripts.data.colour import luminance_and_chroma, to_rgb


@pytest.mark.parametrize(
    ("rgb", "expected"),
    # Known answers of BT.601, full range: (Y, Cb, Cr).
    [
        ((1, 0, 0), (0.299, -0.168736, 0.5)),
        ((0, 1, 0), (0.587, -0.331264, -0.418688)),
        ((0, 0, 1), (0.114, 0.5, -0.081312)),
        ((1, 1, 0), (0.886, -0.5, 0.081312)),
        ((0.4, 0.4, 0.4), (0.4, 0, 0)),
    ],
)
def test_primary_colours_have_their_published_luminance_and_chroma(rgb, expected):
    luminance, chroma = luminance_and_chroma(np.array(rgb, dtype=np.float32)[None, None])
    assert luminance.dtype == chroma.dtype == np.float32
    assert luminance.shape == (1, 1) and chroma.shape == (2, 1, 1)
    np.testing.assert_allclose([luminance.item(), *chroma.ravel()], expected, atol=1e-6)


def test_every_8_bit_colour_comes_back_to_the_same_level():
    levels = np.stack(np.meshgrid(*(np.arange(0, 256, 5),) * 3, indexing="ij"), axis=-1).reshape(52, -1, 3)
    back = to_rgb(*luminance_and_chroma(levels / 255))
    assert back.dtype == np.float32
    assert (np.rint(back * 255) == levels).all()


def test_another_luminance_keeps_the_chroma():
    rgb = np.random.default_rng(0).random((4, 5, 3)).astype(np.float32)
    luminance, chroma = luminance_and_chroma(rgb)
    again, kept = luminance_and_chroma(to_rgb(luminance * 0.5 + 0.25, chroma))
    np.testing.assert_allclose(again, luminance * 0.5 + 0.25, atol=1e-6)
    np.testing.assert_allclose(kept, chroma, atol=1e-6)
