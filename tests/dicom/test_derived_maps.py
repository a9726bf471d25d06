"""Maps are series of the study in their own units, and other programs read the same numbers at the same places."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

import scripts  # noqa: E402
from other_readers import READERS, dciodvfy_errors, expected, with_highdicom  # noqa: E402
from phantom_studies.study import write_study  # noqa: E402
from scripts.dicom.derived import FUSED_RANGE, write_derived  # noqa: E402
from scripts.dicom.map_pixels import map_pixels  # noqa: E402
from scripts.dicom.scan import scan_folder  # noqa: E402
from scripts.dicom.series_words import IMAGE_TYPES, KINDS, series_words  # noqa: E402
from scripts.dicom.stored import find_fused_series  # noqa: E402

TURNS = {"axial": (0, 0, 0), "oblique": (12, -17, 25), "sagittal": (90, 0, 90)}


class Maps(NamedTuple):
    """A fused study, the maps that were written of it, and their files by kind."""

    study: Any
    maps: dict[str, np.ndarray]
    files: dict[str, list]


@pytest.fixture(scope="module", params=TURNS, ids=str)
def written(request, tmp_path_factory, phantom_volumes, read_sources, fuse_study) -> Maps:
    """Expected error of FLAIR and contribution of T1-Gd, of a study in each orientation."""
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("xyz", TURNS[request.param], degrees=True).as_matrix()
    folder = tmp_path_factory.mktemp(request.param)
    turned = {source: (volume, turn @ affine) for source, (volume, affine) in phantom_volumes.items()}
    write_study(folder / "in", turned, localizer=False)
    study = fuse_study(folder / "out", read_sources(folder / "in"))
    rng = np.random.default_rng(4)
    maps = {
        "uncertainty": (rng.gamma(2.0, 3.0, study.fused.shape) * (study.fused > 0)).astype(np.float32),
        "contribution": (study.fused * rng.normal(0.5, 0.4, study.fused.shape)).astype(np.float32),
    }
    headers = [pydicom.dcmread(file, stop_before_pixels=True) for file in study.files]
    fused = replace(study.sources["t1gd"], headers=headers)
    files = {
        kind: write_derived(
            folder / "out" / f"{source}_{kind}", kind=kind, source=source, volume=maps[kind], reference=fused,
            sources={"fused": fused}, sidecar=study.sidecar,
        )
        for kind, source in (("uncertainty", "flair"), ("contribution", "t1gd"))
    }  # fmt: skip
    return Maps(study, maps, files)


SCALE = {"uncertainty": 1.0, "contribution": FUSED_RANGE}


@pytest.mark.parametrize(("kind", "reader"), list(itertools.product(SCALE, READERS)))
def test_other_programs_read_the_same_numbers_at_the_same_places(written, tmp_path, kind, reader):
    affine = np.asarray(written.study.sources["t1gd"].volume.affine)
    truth = expected(written.maps[kind] * SCALE[kind], affine)
    read = READERS[reader](written.files[kind][0].parent, tmp_path / "read")
    assert read.shape == truth.shape
    assert np.allclose(read.affine, truth.affine, atol=1e-3)
    slope = float(pydicom.dcmread(written.files[kind][0]).RescaleSlope)
    # half a step, and single precision
    assert np.abs(read.get_fdata() - truth.get_fdata()).max() <= 0.501 * slope + 1e-6 * SCALE[kind]
    assert slope < np.abs(truth.get_fdata()).max() / 32000


@pytest.mark.parametrize("reader", READERS)
def test_other_programs_read_a_fused_series_of_any_orientation(written, tmp_path, reader):
    study = written.study
    truth = expected(study.fused * FUSED_RANGE, np.asarray(study.sources["t1gd"].volume.affine))
    read = READERS[reader](study.folder / "fused", tmp_path / "read")
    assert np.allclose(read.affine, truth.affine, atol=1e-3)
    assert np.abs(read.get_fdata() - truth.get_fdata()).max() < FUSED_RANGE / 65535


@pytest.mark.parametrize("kind", SCALE)
def test_real_world_values_are_those_of_the_rescale_and_have_a_unit(written, kind):
    folder = written.files[kind][0].parent
    rescaled, real = with_highdicom(folder), with_highdicom(folder, real_world=True)
    assert np.allclose(real.get_fdata(), rescaled.get_fdata(), rtol=1e-12)
    mapping = pydicom.dcmread(written.files[kind][0]).RealWorldValueMappingSequence[0]
    unit = mapping.MeasurementUnitsCodeSequence[0]
    expected_unit = {"uncertainty": "[arb'U]", "contribution": "[ppth]"}[kind]
    assert (unit.CodeValue, unit.CodingSchemeDesignator) == (expected_unit, "UCUM")


@pytest.mark.parametrize("kind", SCALE)
def test_a_map_lies_in_the_frame_of_reference_of_the_fused_series(written, kind):
    fused = [pydicom.dcmread(file) for file in written.study.files]
    for image, of_fused in zip(map(pydicom.dcmread, written.files[kind]), fused, strict=True):
        for name in ("StudyInstanceUID", "FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient",
                     "PixelSpacing", "PatientName", "PatientID"):  # fmt: skip
            assert image[name].value == of_fused[name].value, name
        assert image.SeriesInstanceUID != of_fused.SeriesInstanceUID
        assert of_fused.SOPInstanceUID in {item.ReferencedSOPInstanceUID for item in image.SourceImageSequence}


@pytest.mark.parametrize("kind", SCALE)
def test_dciodvfy_finds_no_error_in_a_map(written, kind):
    assert dciodvfy_errors(written.files[kind][:2]) == set()


def test_a_map_says_that_it_is_an_estimate_and_for_research(written):
    error, contribution = (pydicom.dcmread(written.files[kind][0]) for kind in SCALE)
    assert error.SeriesDescription == "ESTIMATED ERROR flair, FusionINN (not for diagnostic use)"
    assert contribution.SeriesDescription == "CONTRIBUTION t1gd, FusionINN (not for diagnostic use)"
    assert list(error.ImageType) == ["DERIVED", "SECONDARY", "OTHER", "ESTIMATED_ERROR"]
    assert "may still be wrong" in error.DerivationDescription
    assert "to first order only" in contribution.DerivationDescription
    for image in (error, contribution):
        assert scripts.RESEARCH_NOTICE in image.DerivationDescription and image.ImageComments == scripts.RESEARCH_NOTICE
    assert (error.SeriesNumber, contribution.SeriesNumber) == (9103, 9202)


def test_a_map_is_never_taken_for_a_fused_series_or_a_source(written):
    (found,) = find_fused_series(str(written.study.folder))
    assert found["fused"] == str(written.study.folder / "fused")
    assert all(series.facts.ours for series in scan_folder(written.study.folder).series)


def test_all_slices_share_rescale_and_window(written):
    names = ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth")
    for kind, files in written.files.items():
        headers = [pydicom.dcmread(file, stop_before_pixels=True) for file in files]
        assert len({tuple(str(header[name].value) for name in names) for header in headers}) == 1, kind
    assert pydicom.dcmread(written.files["contribution"][0]).WindowWidth == FUSED_RANGE


@pytest.mark.parametrize("compression", ["rle", "jpeg2000"])
def test_compressed_maps_hold_the_same_numbers(written, tmp_path, compression):
    study = written.study
    for kind, source in (("uncertainty", "flair"), ("contribution", "t1gd")):
        small = write_derived(
            tmp_path / kind, kind=kind, source=source, volume=written.maps[kind], reference=study.sources["t1gd"],
            sources=study.sources, sidecar=study.sidecar, compression=compression,
        )  # fmt: skip
        for one, other in zip(small, written.files[kind], strict=True):
            assert np.array_equal(pydicom.dcmread(one).pixel_array, pydicom.dcmread(other).pixel_array)


def test_zero_stays_zero_and_the_ends_are_kept():
    values = np.array([[[-0.25, 0.0, 0.1, 1.0]]], dtype=np.float32)
    pixels = map_pixels(values)
    assert pixels.stored.dtype == np.int16 and pixels.stored.max() == 32767
    assert pixels.stored[0, 0, 1] == 0
    assert np.allclose(pixels.stored * pixels.slope, values, atol=pixels.slope / 2)
    assert map_pixels(values.clip(min=0)).stored.max() == 65535


def test_an_empty_map_is_written_as_zeros():
    pixels = map_pixels(np.zeros((2, 3, 4)))
    assert (pixels.stored.any(), pixels.slope) == (False, 1.0)
    assert pixels.window[1] > pixels.window[0]


def test_small_errors_have_a_window_that_the_standard_allows(written, tmp_path):
    study = written.study
    files = write_derived(
        tmp_path / "small", kind="uncertainty", source="flair", volume=written.maps["uncertainty"] / 1000,
        reference=study.sources["t1gd"], sources=study.sources, sidecar=study.sidecar,
    )  # fmt: skip
    image = pydicom.dcmread(files[0])
    assert 0 < image.WindowWidth < 1 and image.VOILUTFunction == "LINEAR_EXACT"
    assert dciodvfy_errors(files[:1]) == set()


@pytest.mark.parametrize("kind", KINDS)
def test_descriptions_fit_their_header_and_no_two_series_share_a_number(kind):
    sidecar = {"SourceModalities": ["t1gd", "a_very_long_name_of_a_source"], "CheckpointSHA256": "f" * 64}
    words = series_words(kind, None if kind == "fused" else "a_very_long_name_of_a_source", sidecar)
    assert len(words.description) <= 64 and len(words.derivation) <= 1024 and len(words.image_type) <= 16
    assert len(set(IMAGE_TYPES.values())) == len(KINDS)
