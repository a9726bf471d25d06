"""A fused series is read back only as it was written."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from scripts.data.errors import BadInputError  # noqa: E402
from scripts.dicom.private_block import CREATOR, DIGEST, GROUP, SIDECAR, VERSION  # noqa: E402
from scripts.dicom.stored import ReadFusedSeries, find_fused_series, patient_of_study, read_fused_series  # noqa: E402


@pytest.fixture
def copy(fused_study, tmp_path):
    """Return a copy of the fused series to change."""
    return shutil.copytree(fused_study.folder / "fused", tmp_path / "copy" / "fused")


def edit(folder, change, names="*.dcm"):
    for file in sorted(folder.glob(names)):
        image = pydicom.dcmread(file)
        change(image)
        image.save_as(file)


def refused(folder, match, **options):
    (record,) = find_fused_series(str(folder), **options)
    with pytest.raises(BadInputError, match=match):
        ReadFusedSeries()(record)


def test_the_fused_image_comes_back_with_what_leads_to_its_sources(fused_study):
    read = read_fused_series(fused_study.folder)
    assert np.abs(read["image"][0].numpy() - fused_study.fused).max() <= 0.5 / 65535 + 1e-7
    assert np.allclose(read["affine"], np.asarray(fused_study.sources["t1gd"].volume.affine), atol=1e-4)
    said = {key: value for key, value in fused_study.sidecar.items() if key not in ("Patient", "FusedSHA256")}
    assert read["sidecar"] == json.loads(json.dumps(said))
    assert read["latent"] is None


def test_it_is_found_among_other_series_by_a_name_that_tells_nothing(fused_study, study_folder, tmp_path):
    shutil.copytree(study_folder, tmp_path / "all" / "in")
    shutil.copytree(fused_study.folder / "fused", tmp_path / "all" / "out" / "deep")
    (record,) = find_fused_series(str(tmp_path / "all"))
    assert record["fused"].endswith("deep")
    assert record["patient"] == patient_of_study(fused_study.sources["t1gd"].series.study_uid)
    assert record["patient"].startswith("study-") and len(record["patient"]) == 16


def test_names_and_order_of_files_do_not_matter(fused_study, copy):
    for i, file in enumerate(sorted(copy.iterdir())):
        file.rename(copy / f"{(i * 5) % 9}-IM")
    again = read_fused_series(copy)
    assert np.array_equal(again["image"].numpy(), read_fused_series(fused_study.folder)["image"].numpy())


def test_two_fusions_of_one_study_get_names_of_their_own(fused_study, fuse_study, tmp_path):
    for name in ("a", "b"):
        fuse_study(tmp_path / name, fused_study.sources)
    first, second = find_fused_series(str(tmp_path))
    assert first["patient"] != second["patient"]


@pytest.mark.parametrize("name", ["0001.dcm", "0005.dcm", "0009.dcm"])
def test_a_missing_slice_is_told(copy, name):
    (copy / name).unlink()
    refused(copy, "incomplete|missing")


def test_changed_pixels_are_told(copy):
    def change(image):
        pixels = image.pixel_array.copy()
        pixels[10, 10] ^= 1
        image.PixelData = pixels.tobytes()

    edit(copy, change, "0004.dcm")
    refused(copy, r"the pixels of 1 of 9 slices \(4\) are not those that were written")


def test_slices_that_changed_places_are_told(copy):
    positions = [pydicom.dcmread(copy / f"000{k}.dcm").ImagePositionPatient for k in (3, 6)]
    for k, position in zip((6, 3), positions, strict=True):
        edit(copy, lambda image, position=position: setattr(image, "ImagePositionPatient", position), f"000{k}.dcm")
    refused(copy, "2 slices have changed places")


def test_a_series_that_was_moved_is_told(copy):
    def change(image):
        x, y, z = image.ImagePositionPatient
        image.ImagePositionPatient = [x + 3, y, z]

    edit(copy, change)
    refused(copy, "has different coordinates than when it was fused")


def test_a_resampled_series_is_told(copy):
    def change(image):
        image.PixelData = image.pixel_array[::2, ::2].tobytes()
        image.Rows, image.Columns = (size // 2 for size in (image.Rows, image.Columns))
        image.PixelSpacing = [2 * float(size) for size in image.PixelSpacing]

    edit(copy, change)
    refused(copy, "it was resampled or cropped")


def test_a_series_that_an_archive_scaled_down_is_told(copy):
    def change(image):
        image.PixelData = (image.pixel_array // 16).tobytes()

    edit(copy, change)
    refused(copy, "are not those that were written")


def test_without_private_elements_the_sidecar_beside_leads_back(fused_study, copy):
    edit(copy, lambda image: image.remove_private_tags())
    refused(copy, "lacks the private elements .* by --sidecar")
    for sidecar in (fused_study.folder / "P-1_fused.json", fused_study.folder):
        (record,) = find_fused_series(str(copy), str(sidecar))
        read = ReadFusedSeries()(record)
        assert read["sidecar"] == json.loads(json.dumps(fused_study.sidecar))


def as_version_0_4_0_with(change):
    """Return an edit that changes the record and leaves out the checksum, which version 0.4.0 did not write."""

    def edited(image):
        block = image.private_block(GROUP, CREATOR)
        content = json.loads(block[SIDECAR].value)
        change(content)
        block[SIDECAR].value = json.dumps(content)
        block[VERSION].value = "0.4.0"
        if DIGEST in block:
            del block[DIGEST]

    return edited


def test_a_series_of_version_0_4_0_still_comes_back(fused_study, copy):
    edit(copy, as_version_0_4_0_with(lambda content: None))
    assert np.array_equal(
        read_fused_series(copy)["image"].numpy(), read_fused_series(fused_study.folder)["image"].numpy()
    )


CHANGES = {
    "offset": lambda content: content["IntensityScale"]["offset"][0].__setitem__(0, -1000.0),
    "factor": lambda content: content["IntensityScale"]["factor"][1].__setitem__(0, 1.0),
    "order": lambda content: content["SourceModalities"].reverse(),
    "name": lambda content: content.update(SourceModalities=["t1gd", "t2"]),
    "pixels": lambda content: content["SliceSHA256"].__setitem__(0, "0" * 16),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_record_is_told(copy, change):
    def edited(image):
        element = image.private_block(GROUP, CREATOR)[SIDECAR]
        content = json.loads(element.value)
        change(content)
        element.value = json.dumps(content, separators=(",", ":"))

    edit(copy, edited)
    refused(copy, "were changed since they were written")


def test_a_record_that_differs_between_slices_is_told(copy):
    edit(copy, as_version_0_4_0_with(lambda content: content.update(LatentKind="normal")), "0004.dcm")
    refused(copy, "differ between its slices")


IMPOSSIBLE = {
    "a path as a name": (lambda content: content.update(SourceModalities=["../../x", "flair"]), "a name of letters"),
    "one name twice": (lambda content: content.update(SourceModalities=["flair", "flair"]), "different names"),
    "a number as text": (
        lambda content: content["IntensityScale"].update(offset=[["1"] * 9] * 2), "expected a finite number"
    ),
    "a truth as a number": (
        lambda content: content["IntensityScale"].update(factor=[[True], [True]]), "expected a finite number"
    ),
    "a negative factor": (lambda content: content["IntensityScale"].update(factor=[[-1.0], [1.0]]), "from 0 on"),
    "another axis": (lambda content: content.update(SliceAxis=7), "0, 1 or 2"),
    "a huge shape": (lambda content: content.update(Shape=[1 << 40, 40, 9]), "a whole number from 1"),
    "an affine of text": (lambda content: content.update(Affine="x"), "three rows"),
    "no description": (lambda content: content.update(SourceSeries={}), "descriptions of t1gd, flair"),
    "a rescale of 0": (lambda content: content["SourceSeries"]["flair"].update(RescaleSlope=0), "other than 0"),
    "no checksums": (lambda content: content.pop("SliceSHA256"), "no key .SliceSHA256."),
}  # fmt: skip


@pytest.mark.parametrize(("change", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_an_impossible_record_is_told(copy, change, message):
    edit(copy, as_version_0_4_0_with(change))
    refused(copy, message)


def test_free_text_of_an_older_record_is_not_taken_over(copy):
    def change(content):
        content["SourceSeries"]["flair"]["RescaleType"] = "Musterfrau"
        content["SourceSeries"]["flair"]["Acquisition"]["ScanOptions"] = ["Erika", "FS"]

    edit(copy, as_version_0_4_0_with(change))
    described = read_fused_series(copy)["sidecar"]["SourceSeries"]["flair"]
    assert described["RescaleType"] == "US"
    assert described["Acquisition"]["ScanOptions"] == ["FS"]


def test_a_sidecar_of_another_fusion_is_refused(fused_study, copy, tmp_path):
    edit(copy, lambda image: image.remove_private_tags())
    other = json.loads((fused_study.folder / "P-1_fused.json").read_text())
    other["SliceSHA256"] = ["0" * 16] * 9
    del other["FusedSHA256"]
    (tmp_path / "x_fused.json").write_text(json.dumps(other))
    refused(copy, "does not belong to the fused series", sidecar=str(tmp_path / "x_fused.json"))


def test_a_sidecar_that_is_not_there_is_told(copy):
    with pytest.raises(BadInputError, match="--sidecar"):
        find_fused_series(str(copy), str(copy / "none.json"))


def test_sources_alone_hold_no_fused_series(study_folder):
    with pytest.raises(BadInputError, match=r"No fused series in .*fusioninn study"):
        find_fused_series(str(study_folder))


def test_there_is_no_latent_to_be_exact_with():
    with pytest.raises(BadInputError, match="leave out --lossless"):
        ReadFusedSeries(lossless="true")
