"""Segments lie on the fused image where they were drawn, or nowhere."""

from __future__ import annotations

import logging

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from nibabel.processing import resample_from_to
from scipy.spatial.transform import Rotation

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from phantom_studies.study import write_series, write_study  # noqa: E402
from scripts.data.errors import BadInputError  # noqa: E402
from scripts.dicom.scan import scan_folder  # noqa: E402
from scripts.dicom.segmentation_files import find_segmentations  # noqa: E402
from scripts.dicom.volume import read_series  # noqa: E402
from scripts.registration.place_segmentation import PlaceSegmentationsd, sampled  # noqa: E402
from segmentations import CODES, ellipsoid, read_with_dcmqi, write_segmentation  # noqa: E402

SHAPE, AFFINE = (40, 36, 12), np.array([[-1.0, 0, 0, 20], [0, -1, 0, 18], [0, 0, 2, -10], [0, 0, 0, 1]])
CENTRE = (3.0, -2.0, 1.5)
STUDY_UID, FRAME_UID = "1.2.3.4.5", "1.2.3.4.6"


@pytest.fixture
def study(tmp_path):
    """A study of T1-Gd and FLAIR on one grid, and what the steps before give of it."""
    volume = np.random.default_rng(0).integers(1, 900, SHAPE)
    volumes = {"t1gd": (volume, AFFINE), "flair": (volume, AFFINE)}
    uids = {"study_uid": STUDY_UID, "frame_of_reference_uid": FRAME_UID}
    write_study(tmp_path / "in", volumes, localizer=False, **uids)
    read = {one.series.facts.number: one for one in map(read_series, scan_folder(tmp_path / "in").series)}
    series = {"t1gd": read[9], "flair": read[6]}
    return {
        "patient": "P",
        "image": MetaTensor(torch.zeros(2, *SHAPE), affine=series["t1gd"].volume.affine),
        "series": series,
        "registration": {source: {"matrix": np.eye(4).tolist()} for source in series},
    }


@pytest.fixture
def place(study, tmp_path):
    """Return a function that places the segmentations that were written."""

    def run(wish="auto", **changes):
        found = find_segmentations(scan_folder(tmp_path / "in"))
        return PlaceSegmentationsd(wish)({**study, "segmentations": found, **changes})

    return run


def files(tmp_path, source="t1gd"):
    return sorted((tmp_path / "in" / {"t1gd": "09_t1gd", "flair": "06_flair"}[source]).iterdir())


def other_series(tmp_path, shape, affine, **options):
    """Write another series of the study, which is no source."""
    identity = {"study_uid": STUDY_UID, "frame_of_reference_uid": FRAME_UID, "series_number": 3, "source": "t2"}
    volume = np.random.default_rng(1).integers(1, 900, shape)
    return write_series(tmp_path / "in" / "other", volume, affine, **{**identity, **options})


def names(placed):
    return {label: told["Name"] for label, told in placed["segmentation"]["Segments"].items()}


def test_on_the_same_grid_every_voxel_is_kept(tmp_path, place):
    mask = ellipsoid(SHAPE, AFFINE, CENTRE, (9, 7, 6))
    write_segmentation(tmp_path / "in" / "seg.dcm", files(tmp_path), {"Edema": mask})
    placed = place()
    assert np.array_equal(np.asarray(placed["seg"][0]), mask.astype(np.uint8))
    assert names(placed) == {"1": "Edema"}
    assert placed["segmentation"]["Segments"]["1"]["Voxels"] == mask.sum()
    assert "warnings" not in placed


def test_segments_inside_others_stay_visible_under_their_names(tmp_path, place):
    masks = {
        "Necrosis": ellipsoid(SHAPE, AFFINE, CENTRE, (3, 2, 3)),
        "Edema": ellipsoid(SHAPE, AFFINE, CENTRE, (11, 9, 7)),
        "Enhancing tumor": ellipsoid(SHAPE, AFFINE, CENTRE, (6, 5, 5)),
    }
    write_segmentation(tmp_path / "in" / "seg.dcm", files(tmp_path), masks)
    placed = place()
    assert names(placed) == {"1": "Edema", "2": "Enhancing tumor", "3": "Necrosis"}
    labels = np.asarray(placed["seg"][0])
    assert np.array_equal(labels == 3, masks["Necrosis"])
    assert np.array_equal(labels >= 2, masks["Enhancing tumor"])
    assert np.array_equal(labels >= 1, masks["Edema"])


SAGITTAL = np.array([[0.0, 0, 1.5, -20.13], [-0.8, 0, 0, 17.11], [0, -0.8, 0, 14.07], [0, 0, 0, 1]])
OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = Rotation.from_euler("xyz", (25, -15, 40), degrees=True).as_matrix() @ np.diag([0.7, 0.7, 1.3])
OBLIQUE[:3, 3] = np.array(CENTRE) - OBLIQUE[:3, :3] @ (21.3, 20.2, 13.4)


@pytest.mark.parametrize("affine", [SAGITTAL, OBLIQUE], ids=["sagittal", "oblique"])
def test_a_segmentation_of_another_orientation_is_sampled_as_nibabel_does_it(tmp_path, place, affine):
    shape = (44, 40, 28)
    mask = ellipsoid(shape, affine, CENTRE, (9, 7, 6))
    assert mask.sum() > 500
    path = write_segmentation(tmp_path / "in" / "seg.dcm", other_series(tmp_path, shape, affine), {"Edema": mask})
    labels = np.asarray(place()["seg"][0])
    grid = (SHAPE, AFFINE)
    # written by highdicom, read by dcmqi, resampled by nibabel, for which the outer half of a last slice is outside
    read = read_with_dcmqi(path, tmp_path / "dcmqi")
    shift = np.eye(4)
    shift[:3, 3] = -1
    other = nib.Nifti1Image(np.pad(np.asarray(read.dataobj), 1), read.affine @ shift)
    expected = np.asarray(resample_from_to(other, grid, order=0).dataobj) > 0
    assert np.array_equal(labels > 0, expected)
    analytic = ellipsoid(SHAPE, AFFINE, CENTRE, (9, 7, 6))
    assert 2 * (expected & analytic).sum() / (expected.sum() + analytic.sum()) > 0.93


def test_a_finer_segmentation_that_covers_some_slices_only_keeps_its_place(tmp_path, place):
    fine = AFFINE @ np.diag([0.5, 0.5, 0.5, 1])
    fine[:3, 3] = (AFFINE @ [-0.25, -0.25, -0.25, 1])[:3]
    shape = tuple(2 * n for n in SHAPE)
    mask = np.zeros(SHAPE, bool)
    mask[10:20, 8:15, 4:6] = True
    stretched = mask.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    write_segmentation(tmp_path / "in" / "seg.dcm", other_series(tmp_path, shape, fine), {"Edema": stretched})
    assert np.array_equal(np.asarray(place()["seg"][0]) > 0, mask)


def test_what_was_drawn_on_a_source_moves_with_it(tmp_path, study, place):
    mask = ellipsoid(SHAPE, AFFINE, CENTRE, (9, 7, 6))
    write_segmentation(tmp_path / "in" / "seg.dcm", files(tmp_path, "flair"), {"Edema": mask})
    moved = np.eye(4)
    moved[:3, 3] = (3.0, -2.0, 4.0)
    registration = {**study["registration"], "flair": {"matrix": moved.tolist()}}
    labels = np.asarray(place(registration=registration)["seg"][0]) > 0
    # a point p of the fused image shows what lies at p + (3, -2, 4) mm in FLAIR
    assert np.array_equal(labels, np.roll(mask, (3, -2, -2), axis=(0, 1, 2)))


def test_drawn_on_another_series_of_the_study_it_lies_where_the_frame_of_reference_puts_it(tmp_path, study, place):
    mask = ellipsoid(SHAPE, AFFINE, CENTRE, (9, 7, 6))
    write_segmentation(tmp_path / "in" / "seg.dcm", other_series(tmp_path, SHAPE, AFFINE), {"Edema": mask})
    moved = np.eye(4)
    moved[:3, 3] = (3.0, -2.0, 4.0)
    registration = {**study["registration"], "flair": {"matrix": moved.tolist()}}
    assert np.array_equal(np.asarray(place(registration=registration)["seg"][0]) > 0, mask)


@pytest.mark.parametrize("frame", ["1.2.3.999", None], ids=["another", "none"])
def test_without_a_known_frame_of_reference_it_is_left_out_and_refused_if_it_was_named(tmp_path, place, caplog, frame):
    series = other_series(tmp_path, SHAPE, AFFINE, frame_of_reference_uid=frame or "1.2.3.999")
    path = write_segmentation(tmp_path / "in" / "seg.dcm", series, {"Edema": np.ones(SHAPE)})
    if frame is None:
        dataset = pydicom.dcmread(path)
        del dataset.FrameOfReferenceUID
        dataset.save_as(path)
    placed = place()
    assert "seg" not in placed and "segmentation" not in placed
    assert "its place is unknown" in placed["warnings"][0] and "not outlined" in placed["warnings"][0]
    assert "its place is unknown" in caplog.text
    with pytest.raises(BadInputError, match="its place is unknown.*Name another one by --segmentation"):
        place(20)


def test_a_segmentation_whose_two_statements_of_its_place_differ_is_refused(tmp_path, place):
    path = write_segmentation(tmp_path / "in" / "seg.dcm", files(tmp_path), {"Edema": np.ones(SHAPE)})
    dataset = pydicom.dcmread(path)
    dataset.FrameOfReferenceUID = "1.2.3.999"
    dataset.save_as(path)
    with pytest.raises(BadInputError, match="names the series of t1gd but another frame of reference"):
        place(20)


def test_anatomy_is_not_the_lesion_unless_it_was_named(tmp_path, place, caplog):
    mask = ellipsoid(SHAPE, AFFINE, CENTRE, (9, 7, 6))
    write_segmentation(tmp_path / "in" / "seg.dcm", files(tmp_path), {"Brain": np.ones(SHAPE), "Edema": mask})
    with caplog.at_level(logging.INFO):
        assert names(place()) == {"1": "Edema"}
    assert "Brain is not a lesion" in caplog.text
    assert names(place(20)) == {"1": "Brain", "2": "Edema"}


def test_a_segment_that_says_nothing_is_outlined_where_no_other_is_a_lesion(tmp_path, place):
    mask = {"Segment_1": ellipsoid(SHAPE, AFFINE, CENTRE, (9, 7, 6))}
    write_segmentation(tmp_path / "in" / "a.dcm", files(tmp_path), mask)
    placed = place()
    assert names(placed) == {"1": "Segment 1"}
    assert "does not say what Segment 1 shows" in placed["warnings"][0]
    write_segmentation(tmp_path / "in" / "b.dcm", files(tmp_path), {"Edema": mask["Segment_1"]}, number=21)
    assert names(place()) == {"1": "Edema"}


def test_segments_of_several_series_are_told_apart(tmp_path, place):
    for number, radius in ((20, 9), (21, 5)):
        mask = {"Edema": ellipsoid(SHAPE, AFFINE, CENTRE, (radius, 7, 6))}
        write_segmentation(tmp_path / "in" / f"{number}.dcm", files(tmp_path), mask, number=number)
    assert names(place()) == {"1": "Edema (series 20)", "2": "Edema (series 21)"}
    assert names(place("21")) == {"1": "Edema"}


def test_segments_of_one_name_are_numbered(tmp_path, place):
    codes = {"Edema 1": CODES["Edema"], "Necrosis of Musterfrau": CODES["Necrosis"], "Necrosis": CODES["Necrosis"]}
    masks = {label: ellipsoid(SHAPE, AFFINE, CENTRE, (9 - i, 7, 6)) for i, label in enumerate(codes)}
    write_segmentation(tmp_path / "in" / "seg.dcm", files(tmp_path), masks, codes=codes)
    assert names(place()) == {"1": "Edema 1", "2": "Necrosis", "3": "Necrosis, 2"}


def test_what_lies_outside_is_told(tmp_path, place):
    far = AFFINE.copy()
    far[:3, 3] += (30, 0, 0)
    series = other_series(tmp_path, SHAPE, far)
    masks = {"Edema": np.ones(SHAPE), "Necrosis": np.indices(SHAPE)[0] < 5}
    write_segmentation(tmp_path / "in" / "seg.dcm", series, masks)
    placed = place()
    assert names(placed) == {"1": "Edema"}
    partly, outside = sorted(placed["warnings"])
    assert "Edema lies in the fused image by 25% only" in partly
    assert "Necrosis lies outside the fused image" in outside


def test_an_empty_segment_is_not_named(tmp_path, place):
    path = tmp_path / "in" / "seg.dcm"
    write_segmentation(path, files(tmp_path), {"Edema": np.ones(SHAPE), "Necrosis": np.zeros(SHAPE)})
    assert names(place()) == {"1": "Edema"}


def test_a_damaged_segmentation_stops_nothing_unless_it_was_named(tmp_path, place):
    path = write_segmentation(tmp_path / "in" / "seg.dcm", files(tmp_path), {"Edema": np.ones(SHAPE)})
    dataset = pydicom.dcmread(path)
    dataset.PixelData = dataset.PixelData[:100]
    dataset.save_as(path)
    assert "fewer pixels" in place()["warnings"][0]
    with pytest.raises(BadInputError, match="fewer pixels"):
        place(20)


def test_without_a_report_nothing_is_read(study):
    data = {**study, "segmentations": [object()]}
    assert PlaceSegmentationsd("auto", enabled="false")(data) is data
    assert PlaceSegmentationsd("none")(data) == data


def test_a_voxel_between_two_is_the_next_one():
    mask = np.zeros((4, 1, 1), bool)
    mask[2:] = True
    there = np.eye(4)
    there[0, 3] = 0.5
    assert sampled(mask, there, (4, 1, 1)).ravel().tolist() == [False, True, True, False]
