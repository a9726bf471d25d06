"""An estimate is stored as its source was."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from scripts.dicom.source_pixels import describe_source, is_phantom, nifti_dtype, stored_values  # noqa: E402


def source(volume=(0.0, 100.0), slices=2, **values):
    """Return what of a `SeriesVolume` counts here."""
    header = pydicom.Dataset()
    header.BitsAllocated = 16
    header.PixelRepresentation = 0
    for name, value in values.items():
        setattr(header, name, value)
    return SimpleNamespace(headers=[header] * slices, volume=np.array(volume))


def test_sign_rescale_and_acquisition_are_noted_in_json():
    described = describe_source(
        source(PixelRepresentation=1, RescaleSlope="2.5", RescaleIntercept="-10", EchoTime="3.2", ScanOptions="",
               ScanningSequence=["SE", "IR"], PatientName="Doe^Jane")
    )  # fmt: skip
    assert described == json.loads(json.dumps(described))
    assert (described["Signed"], described["RescaleSlope"], described["RescaleIntercept"]) == (True, 2.5, -10.0)
    assert described["Acquisition"] == {"EchoTime": 3.2, "ScanningSequence": ["SE", "IR"]}


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ({}, "uint16"),
        ({"PixelRepresentation": 1}, "int16"),
        ({"RescaleSlope": "2", "RescaleIntercept": "0"}, "float32"),
    ],
)
def test_nifti_takes_the_source_s_type_where_its_values_are_whole(values, dtype):
    assert nifti_dtype(describe_source(source(**values))) == dtype


def test_values_are_rounded_in_the_source_s_steps_and_cut_off_at_the_type_s_ends():
    described = describe_source(source(PixelRepresentation=1, RescaleSlope="0.5", RescaleIntercept="-3"))
    stored = stored_values(np.array([[[-3.0, -2.6, 1e6, -1e6]]]), described)
    assert stored.dtype == np.int16
    assert stored.tolist() == [[[0, 1, 32767, -32768]]]


@pytest.mark.parametrize("case", ["bits", "slices"])
def test_a_range_that_16_bits_do_not_hold_is_divided_evenly(case):
    found = source((-2.0, 1e6), BitsAllocated=32 if case == "bits" else 16)
    if case == "slices":
        found.headers[1] = pydicom.Dataset()
        found.headers[1].RescaleSlope = "3"
    described = describe_source(found)
    stored = stored_values(np.array([[[-2.0, 1e6]]]), described)
    assert stored.tolist() == [[[0, 65535]]]


def test_a_phantom_is_known_by_its_name():
    header = pydicom.Dataset()
    assert not is_phantom(header)
    header.PatientName = "Phantom^One"
    assert is_phantom(header)
