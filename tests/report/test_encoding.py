from __future__ import annotations

import base64
import gzip

import nibabel as nib
import numpy as np
import pytest

from scripts.report.encoding import encode, encode_mask

AFFINE = np.diag([-1.0, 2.0, 3.0, 1.0])


def decoded(volume):
    return nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(volume.text)))


@pytest.mark.parametrize(("low", "high"), [(0, 255), (-300, 4000), (0, 60000), (100000, 160000)])
def test_whole_numbers_are_stored_as_they_are(low, high):
    values = np.linspace(low, high, 60).round().reshape(3, 4, 5)
    encoded = encode(values, AFFINE)
    image = decoded(encoded)
    assert encoded.step is None
    assert (encoded.low, encoded.high) == (low, high)
    np.testing.assert_array_equal(np.asarray(image.dataobj), values)
    np.testing.assert_array_equal(image.affine, AFFINE)


@pytest.mark.parametrize("bits", [16, 12, 8])
def test_others_are_rounded_to_the_step_that_is_told(bits):
    values = np.random.default_rng(0).normal(size=(6, 5, 4)).astype(np.float32)
    encoded = encode(values, AFFINE, bits)
    read = np.asarray(decoded(encoded).dataobj)
    assert encoded.step == pytest.approx(np.ptp(values) / 2**bits, rel=0.02)
    assert np.abs(read - values).max() <= encoded.step * 0.501


def test_zero_stays_zero_between_negative_and_positive_values():
    values = np.array([-0.731, 0.0, 1.613], np.float32).reshape(3, 1, 1)
    assert np.asarray(decoded(encode(values, AFFINE, 8)).dataobj)[1, 0, 0] == pytest.approx(0, abs=1e-6)


def test_a_fused_image_of_sixteen_bits_loses_nothing():
    values = np.array([0, 1, 777, 65535], np.float32).reshape(4, 1, 1) / 65535
    encoded = encode(values, AFFINE, levels=65535)
    assert encoded.step is None
    np.testing.assert_allclose(np.asarray(decoded(encoded).dataobj), values, atol=1e-7)


def test_whole_numbers_of_a_wide_range_are_rounded_where_few_bits_are_granted():
    encoded = encode(np.arange(4096.0).reshape(16, 16, 16), AFFINE, 8)
    assert encoded.step == pytest.approx(4095 / 254)


def test_what_is_no_number_becomes_zero():
    values = np.array([np.nan, np.inf, 3.0]).reshape(3, 1, 1)
    np.testing.assert_array_equal(np.asarray(decoded(encode(values, AFFINE)).dataobj).ravel(), [0, 0, 3])


def test_a_constant_volume_can_be_stored():
    assert encode(np.full((2, 2, 2), 0.3), AFFINE).low == pytest.approx(0.3)


def test_a_mask_is_where_any_label_is():
    image = decoded(encode_mask(np.array([0, 1, 4]).reshape(3, 1, 1), AFFINE))
    np.testing.assert_array_equal(np.asarray(image.dataobj).ravel(), [0, 1, 1])
    assert image.get_data_dtype() == np.uint8
