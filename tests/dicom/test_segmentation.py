"""Segmentations are read as other programs wrote them, on the grid where they lie."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from phantom_studies.study import write_series  # noqa: E402
from scripts.data.errors import BadInputError  # noqa: E402
from scripts.dicom.segmentation import Segmentation  # noqa: E402
from scripts.dicom.segments import Shows  # noqa: E402
from segmentations import ellipsoid, read_with_dcmqi, write_segmentation, write_with_dcmqi  # noqa: E402

SHAPE = (31, 25, 9)
"""Frames of 775 bits: they do not end with a byte."""


def turned(*degrees: float, spacing: tuple[float, float, float] = (0.9, 1.1, 2.5)) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() @ np.diag(
        [-1, -1, 1] * np.array(spacing)
    )
    affine[:3, 3] = [14.0, 11.0, -8.0]
    return affine


AFFINES = {"axial": turned(0, 0, 0), "oblique": turned(12, -20, 7), "sagittal": turned(90, 0, 90)}


@pytest.fixture(scope="module", params=AFFINES, ids=str)
def series(request, tmp_path_factory):
    """Files and affine of a series of each orientation."""
    values = np.random.default_rng(0).integers(1, 900, SHAPE)
    affine = AFFINES[request.param]
    return write_series(tmp_path_factory.mktemp(request.param) / "series", values, affine), affine


def two_masks(affine: np.ndarray) -> dict[str, np.ndarray]:
    """Return an edema and a necrosis inside it, which other slices lack."""
    centre = (affine @ [15, 12, 4, 1])[:3]
    return {
        "Edema": ellipsoid(SHAPE, affine, centre, (8, 8, 6)),
        "Necrosis": ellipsoid(SHAPE, affine, centre, (4, 3, 3)),
    }


def onto(read: Segmentation, mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Return a mask on the whole grid of the series, whose voxels it must coincide with."""
    there = np.linalg.inv(affine) @ read.grid.affine
    assert np.allclose(there[:3, :3], np.eye(3), atol=1e-4)
    corner = np.rint(there[:3, 3]).astype(int)
    assert np.allclose(there[:3, 3], corner, atol=1e-3)
    whole = np.zeros(SHAPE, bool)
    whole[tuple(slice(a, a + n) for a, n in zip(corner, mask.shape, strict=True))] = mask
    return whole


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_every_voxel_is_that_of_highdicom(series, tmp_path, kind):
    files, affine = series
    masks = two_masks(affine)
    read = Segmentation(write_segmentation(tmp_path / "seg.dcm", files, masks, kind=kind))
    assert [segment.name for segment in read.segments] == ["Edema", "Necrosis"]
    assert {segment.shows for segment in read.segments} == {Shows.LESION}
    edema, necrosis = (onto(read, read.mask(segment), affine) for segment in read.segments)
    assert np.array_equal(necrosis, masks["Necrosis"])
    # a label map has no room for both
    assert np.array_equal(edema, masks["Edema"] & ~(masks["Necrosis"] if kind == "LABELMAP" else False))
    assert read.grid.shape[2] < SHAPE[2], "only the slices with a frame are stored"


def test_every_voxel_is_that_of_dcmqi(series, tmp_path):
    files, affine = series
    mask = two_masks(affine)["Edema"]
    path = write_with_dcmqi(tmp_path / "seg.dcm", files[0].parent, mask, affine)
    read = Segmentation(path)
    (segment,) = read.segments
    assert (segment.name, segment.shows) == ("Edema", Shows.LESION)
    assert np.array_equal(onto(read, read.mask(segment), affine), mask)
    assert {pydicom.dcmread(file).SOPInstanceUID for file in files} & read.references


def test_dcmqi_reads_the_same_of_a_segmentation_by_highdicom(series, tmp_path):
    files, affine = series
    mask = two_masks(affine)["Edema"]
    path = write_segmentation(tmp_path / "seg.dcm", files, {"Edema": mask})
    other = read_with_dcmqi(path, tmp_path / "read")
    read = Segmentation(path)
    ours = onto(read, read.mask(read.segments[0]), affine)
    corner = np.rint((np.linalg.inv(affine) @ other.affine)[:3, 3]).astype(int)
    theirs = np.zeros(SHAPE, bool)
    stored = np.asarray(other.dataobj) > 0
    theirs[tuple(slice(a, a + n) for a, n in zip(corner, stored.shape, strict=True))] = stored
    assert np.array_equal(ours, theirs)


def test_slices_without_a_frame_are_empty_and_keep_their_place(series, tmp_path):
    files, affine = series
    mask = np.zeros(SHAPE, bool)
    mask[5:20, 6:13, [1, 3, 7]] = True
    read = Segmentation(write_segmentation(tmp_path / "seg.dcm", files, {"Edema": mask}))
    assert read.grid.shape[2] == 7
    assert np.array_equal(onto(read, read.mask(read.segments[0]), affine), mask)


def test_every_second_slice_is_not_taken_for_thick_slices(series, tmp_path):
    files, affine = series
    mask = np.zeros(SHAPE, bool)
    mask[5:20, 6:13, ::2] = True
    read = Segmentation(write_segmentation(tmp_path / "seg.dcm", files, {"Edema": mask}))
    assert np.array_equal(onto(read, read.mask(read.segments[0]), affine), mask)


def test_a_single_slice_has_the_thickness_of_its_header(series, tmp_path):
    files, affine = series
    mask = np.zeros(SHAPE, bool)
    mask[5:20, 6:13, 4] = True
    read = Segmentation(write_segmentation(tmp_path / "seg.dcm", files, {"Edema": mask}))
    assert np.array_equal(onto(read, read.mask(read.segments[0]), affine), mask)
    assert np.linalg.norm(read.grid.affine[:3, 2]) == pytest.approx(2.5)


def test_frames_in_reverse_order_are_sorted(series, tmp_path):
    files, affine = series
    masks = {"Edema": two_masks(affine)["Edema"][:, :, ::-1]}
    read = Segmentation(write_segmentation(tmp_path / "seg.dcm", files[::-1], masks))
    assert np.array_equal(onto(read, read.mask(read.segments[0]), affine), masks["Edema"][:, :, ::-1])


@pytest.mark.parametrize(
    ("kind", "syntax"),
    [("BINARY", pydicom.uid.DeflatedExplicitVRLittleEndian), ("FRACTIONAL", pydicom.uid.RLELossless)],
    ids=["deflated", "rle"],
)
def test_compressed_segmentations_are_read(series, tmp_path, kind, syntax):
    files, affine = series
    mask = two_masks(affine)["Edema"]
    path = write_segmentation(tmp_path / "seg.dcm", files, {"Edema": mask}, kind=kind)
    dataset = pydicom.dcmread(path)
    if syntax.is_encapsulated:
        dataset.compress(syntax, encoding_plugin="pydicom", generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path)
    read = Segmentation(path)
    assert np.array_equal(onto(read, read.mask(read.segments[0]), affine), mask)


def test_probabilities_of_a_half_and_more_are_inside(series, tmp_path):
    files, affine = series
    share = np.zeros(SHAPE)
    share[5:20, 6:13, 3:6] = 0.3
    share[8:12, 6:13, 3:6] = 0.7
    read = Segmentation(write_segmentation(tmp_path / "seg.dcm", files, {"Edema": share}, kind="FRACTIONAL"))
    assert np.array_equal(onto(read, read.mask(read.segments[0]), affine), share > 0.5)


def change_frame_of_a_plane(dataset):
    groups = dataset.PerFrameFunctionalGroupsSequence
    position = groups[1].PlanePositionSequence[0]
    position.ImagePositionPatient = [value + 0.9 for value in position.ImagePositionPatient]


def lose_a_frame(dataset):
    del dataset.PerFrameFunctionalGroupsSequence[-1]


def lose_the_pixels(dataset):
    dataset.PixelData = dataset.PixelData[:40]


def lose_the_position(dataset):
    del dataset.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence


def lose_the_segments(dataset):
    del dataset.SegmentSequence


def number_segments_twice(dataset):
    dataset.SegmentSequence.append(dataset.SegmentSequence[0])


def name_another_segment(dataset):
    dataset.PerFrameFunctionalGroupsSequence[0].SegmentIdentificationSequence[0].ReferencedSegmentNumber = 7


def be_one_of_several_parts(dataset):
    dataset.InConcatenationNumber = 1


def lie_far_away(dataset):
    dataset.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient = [0, 0, -2.5e7]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (change_frame_of_a_plane, "no regular grid|spaced unevenly"),
        (lose_a_frame, "frames are described"),
        (lose_the_pixels, "fewer pixels than its header describes"),
        (lose_the_position, "lacks ImagePositionPatient"),
        (lose_the_segments, "not described"),
        (number_segments_twice, "of segments that are not described"),
        (name_another_segment, "of segments that are not described"),
        (be_one_of_several_parts, "a concatenation"),
        (lie_far_away, "which no image has|spaced unevenly"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_damaged_segmentation_is_refused(tmp_path, damage, message):
    affine = AFFINES["axial"]
    files = write_series(tmp_path / "series", np.random.default_rng(0).integers(1, 900, SHAPE), affine)
    path = write_segmentation(tmp_path / "seg.dcm", files, two_masks(affine))
    dataset = pydicom.dcmread(path)
    damage(dataset)
    dataset.save_as(path)
    with pytest.raises(BadInputError, match=message):
        Segmentation(path)


def test_images_are_no_segmentations(series):
    with pytest.raises(BadInputError, match="not a segmentation"):
        Segmentation(series[0][0])
