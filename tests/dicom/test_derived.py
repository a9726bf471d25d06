"""Derived series are of the study they were made of, and others' tools read them back onto its grid."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

import scripts  # noqa: E402
from phantom_studies.study import write_study  # noqa: E402
from scripts.data.errors import BadInputError  # noqa: E402
from scripts.dicom.derived import FUSED_RANGE, check_compression, fused_values, write_derived  # noqa: E402


@pytest.fixture(scope="session")
def images(fused_study):
    return [pydicom.dcmread(file) for file in fused_study.files]


@pytest.fixture
def write_estimate(fused_study, tmp_path):
    """Return a function that writes the estimate of FLAIR, made of the fused series."""

    def write(volume, study=fused_study, **options):
        headers = [pydicom.dcmread(file, stop_before_pixels=True) for file in study.files]
        fused = replace(study.sources["t1gd"], headers=headers)
        return write_derived(
            tmp_path / "flair_estimated",
            kind="estimate",
            source="flair",
            volume=volume,
            reference=fused,
            sources={"fused": fused},
            sidecar=study.sidecar,
            **options,
        )

    return write


def errors_of(files):
    """Return what dciodvfy calls an error."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("no dciodvfy: install dicom3tools")
    found = set()
    for file in files:
        told = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True).stderr
        assert "MRImage" in told.splitlines(), told
        found |= {line for line in told.splitlines() if "Error" in line}
    return found


def test_every_slice_is_an_instance_of_the_same_study_and_place(fused_study, images):
    reference = fused_study.sources["t1gd"].headers
    assert len(images) == len(reference)
    for image, header in zip(images, reference, strict=True):
        for name in ("StudyInstanceUID", "FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient",
                     "PixelSpacing", "PatientName", "PatientID", "StudyDate"):  # fmt: skip
            assert image[name].value == header[name].value, name
        assert image.SeriesInstanceUID != header.SeriesInstanceUID
    assert len({image.SOPInstanceUID for image in images}) == len(images)
    assert len({image.SeriesInstanceUID for image in images}) == 1
    assert [image.InstanceNumber for image in images] == list(range(1, len(images) + 1))


def test_it_says_what_it_is(images):
    image = images[0]
    assert list(image.ImageType) == ["DERIVED", "SECONDARY", "OTHER", "FUSED"]
    assert image.SeriesDescription == "FusionINN fused (not for diagnostic use)"
    assert "t1gd and flair" in image.DerivationDescription
    assert scripts.RESEARCH_NOTICE in image.DerivationDescription
    assert image.SoftwareVersions == scripts.__version__
    software, scanner = image.ContributingEquipmentSequence
    assert (software.Manufacturer, software.SoftwareVersions) == ("FusionINN", scripts.__version__)
    assert scanner.Manufacturer == "SIEMENS"


def test_it_names_the_slices_of_both_sources(fused_study, images):
    for k in (0, 4):
        expected = {str(read.headers[k].SOPInstanceUID) for read in fused_study.sources.values()}
        assert {item.ReferencedSOPInstanceUID for item in images[k].SourceImageSequence} == expected
        named = {item.SeriesInstanceUID for item in images[k].ReferencedSeriesSequence}
        assert named == {read.series.uid for read in fused_study.sources.values()}


def test_a_source_that_was_resampled_is_named_with_all_its_slices(tmp_path, phantom_volumes, read_sources, fuse_study):
    write_study(tmp_path / "in", phantom_volumes, spacing={"flair": (1, 1, 6)}, localizer=False)
    sources = read_sources(tmp_path / "in")
    assert len(sources["flair"].headers) < 9
    files = fuse_study(tmp_path / "out", sources).files
    image = pydicom.dcmread(files[0])
    assert len(image.SourceImageSequence) == 1 + len(sources["flair"].headers)
    assert errors_of(files) == set()


@pytest.mark.parametrize("vendor", ["SIEMENS", "GE", "Philips"])
@pytest.mark.parametrize("enhanced", [False, True], ids=["classic", "enhanced"])
def test_dciodvfy_finds_no_error(tmp_path, phantom_volumes, read_sources, fuse_study, write_estimate, vendor, enhanced):
    write_study(tmp_path / "in", phantom_volumes, vendor=vendor, enhanced=enhanced, localizer=False)
    study = fuse_study(tmp_path / "out", read_sources(tmp_path / "in"))
    estimate = write_estimate(np.asarray(study.sources["flair"].volume), study)
    assert errors_of([study.files[0], estimate[-1]]) == set()


def test_frames_of_an_enhanced_source_are_named_by_number(tmp_path, phantom_volumes, read_sources, fuse_study):
    write_study(tmp_path / "in", phantom_volumes, enhanced=True, localizer=False)
    study = fuse_study(tmp_path / "out", read_sources(tmp_path / "in"))
    frames = [item.ReferencedFrameNumber for item in pydicom.dcmread(study.files[3]).SourceImageSequence]
    assert frames == [study.sources[source].headers[3].InstanceNumber for source in ("t1gd", "flair")]


def test_pydicom_reads_the_fused_image_back(fused_study, images):
    stored = np.stack([image.pixel_array.T for image in images], axis=2)
    assert np.array_equal(stored, np.rint(fused_study.fused.astype(np.float64) * 65535))
    slope = float(images[0].RescaleSlope)
    assert np.abs(stored * slope - fused_study.fused * FUSED_RANGE).max() < FUSED_RANGE / 65535
    for k, image in enumerate(images):
        low, high = (float(image.WindowCenter) + sign * float(image.WindowWidth) / 2 for sign in (-1, 1))
        assert low == pytest.approx(stored[:, :, k].min() * slope, abs=1)
        assert 0.5 * FUSED_RANGE < high <= FUSED_RANGE + 1


def test_dcm2niix_reads_it_onto_the_source_s_grid(fused_study, study_folder, tmp_path):
    if shutil.which("dcm2niix") is None:
        pytest.skip("no dcm2niix")
    volumes = {}
    for name, folder in (("fused", fused_study.folder / "fused"), ("source", study_folder / "09_t1gd")):
        (tmp_path / name).mkdir()
        command = ["dcm2niix", "-b", "n", "-f", name, "-o", str(tmp_path / name), str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        (file,) = (tmp_path / name).glob("*.nii")
        volumes[name] = nib.load(file)
    # It turns some series to other orders of voxels, which stand in the same places.
    read, source = (nib.as_closest_canonical(volumes[name]) for name in ("fused", "source"))
    assert np.allclose(read.affine, source.affine, atol=1e-4)
    affine = np.asarray(fused_study.sources["t1gd"].volume.affine)
    fused = nib.as_closest_canonical(nib.Nifti1Image(fused_study.fused, affine))
    assert np.allclose(read.affine, fused.affine, atol=1e-4)
    assert np.abs(read.get_fdata() - fused.get_fdata() * FUSED_RANGE).max() < FUSED_RANGE / 65535


def test_itk_reads_it_onto_the_source_s_grid(fused_study, study_folder):
    itk = pytest.importorskip("itk", reason="no itk: pip install -r requirements-clinic.txt")

    def read(folder):
        names = itk.GDCMSeriesFileNames.New()
        names.SetDirectory(str(folder))
        return itk.imread(list(names.GetInputFileNames()), itk.F)

    fused, source = read(fused_study.folder / "fused"), read(study_folder / "09_t1gd")
    for of in (itk.origin, itk.spacing):
        assert np.allclose(of(fused), of(source), atol=1e-4)
    assert np.allclose(itk.array_from_matrix(fused.GetDirection()), itk.array_from_matrix(source.GetDirection()))
    pixels = itk.array_from_image(source).T
    flip = () if np.array_equal(pixels, np.asarray(fused_study.sources["t1gd"].volume)) else (2,)
    assert np.array_equal(np.flip(pixels, flip), np.asarray(fused_study.sources["t1gd"].volume))
    read_back = np.flip(itk.array_from_image(fused).T, flip)
    assert np.abs(read_back - fused_study.fused * FUSED_RANGE).max() < FUSED_RANGE / 65535


@pytest.mark.parametrize("compression", ["rle", "jpeg2000"])
def test_compression_loses_nothing(tmp_path, fused_study, images, fuse_study, write_estimate, compression):
    study = fuse_study(tmp_path / "small", fused_study.sources, compression=compression)
    for file, image in zip(study.files, images, strict=True):
        small = pydicom.dcmread(file)
        assert small.file_meta.TransferSyntaxUID.is_compressed
        assert np.array_equal(small.pixel_array, image.pixel_array)
    assert errors_of(study.files[:1]) == set()
    source = np.asarray(fused_study.sources["flair"].volume) - 50.0
    for file, page in zip(write_estimate(source, compression=compression), np.rint(source).T, strict=True):
        small = pydicom.dcmread(file)
        assert np.array_equal(small.pixel_array.T, page.T)


def test_an_estimate_is_in_the_source_s_own_units_sign_and_rescale(
    tmp_path, phantom_volumes, read_sources, fuse_study, write_estimate
):
    write_study(tmp_path / "in", phantom_volumes, rescale=(0.5, -20.0), dtype="uint16", localizer=False)
    study = fuse_study(tmp_path / "out", read_sources(tmp_path / "in"))
    estimate = np.asarray(study.sources["flair"].volume) + 7.3
    read = [pydicom.dcmread(file) for file in write_estimate(estimate, study)]
    image = read[0]
    assert (image.PixelRepresentation, image.RescaleSlope, image.RescaleIntercept) == (0, 0.5, -20.0)
    values = np.stack([one.pixel_array.T * 0.5 - 20.0 for one in read], axis=2)
    assert np.abs(values - estimate).max() <= 0.25 + 1e-3
    assert errors_of(study.files[:1]) == set()


def test_an_estimate_says_that_it_is_one(fused_study, images, write_estimate):
    read = [pydicom.dcmread(file) for file in write_estimate(np.asarray(fused_study.sources["flair"].volume))]
    image = read[2]
    assert image.SeriesDescription == "ESTIMATED flair by FusionINN (not for diagnostic use)"
    assert list(image.ImageType) == ["DERIVED", "SECONDARY", "OTHER", "ESTIMATED"]
    assert "was not acquired" in image.DerivationDescription
    assert [item.ReferencedSOPInstanceUID for item in image.SourceImageSequence] == [images[2].SOPInstanceUID]
    assert image.PatientName == images[2].PatientName
    assert [item.Manufacturer for item in image.ContributingEquipmentSequence] == ["FusionINN", "SIEMENS"]
    assert "RescaleSlope" not in image
    assert image.InversionTime == fused_study.sources["flair"].headers[2].InversionTime


def test_a_volume_with_nan_is_not_written(tmp_path, fused_study):
    broken = fused_study.fused.copy()
    broken[3, 3, 3] = np.nan
    with pytest.raises(BadInputError, match="NaN"):
        write_derived(
            tmp_path / "fused",
            volume=broken,
            reference=fused_study.sources["t1gd"],
            sources=fused_study.sources,
            sidecar=fused_study.sidecar,
        )
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_compression_is_refused():
    with pytest.raises(BadInputError, match="compression is 'jpeg', expected one of none, rle, jpeg2000"):
        check_compression("jpeg")


def test_the_ends_of_the_range_are_the_ends_of_16_bits():
    assert fused_values(np.array([[[-0.1, 0.0, 0.5, 1.0, 1.2]]])).tolist() == [[[0, 0, 32768, 65535, 65535]]]
