"""Coordinates of files, and of written files as read by two other readers."""

from __future__ import annotations

import itertools

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from scripts.data.coordinates import largest_distance, lps_coordinates, nifti_coordinates
from scripts.data.errors import BadInputError
from scripts.data.nifti_file import read_coordinates
from scripts.outputs.volumes import save_volume

SHAPE = (7, 6, 5)
MICRON, MM, METRE, UNKNOWN = 3, 2, 1, 0
TO_MM = {UNKNOWN: 1.0, METRE: 1e3, MM: 1.0, MICRON: 1e-3}
PERMUTED = np.eye(3)[:, [1, 2, 0]]
# Near half a turn the quaternion's first number is small, and recomputing it from the affine is least accurate.
OBLIQUE = Rotation.from_euler("xyz", [0.07, 0.03, 179.8], degrees=True).as_matrix()
SHEAR = np.array([[1, 0.3, 0], [0, 1, 0], [0, 0, 1]])


def placed(steps: np.ndarray, origin: tuple[float, float, float] = (80.25, -100.5, 40.75)) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = steps, origin
    return affine


PLACES = {
    "left-handed": placed(np.diag([-0.9, 1.1, 5.0])),
    "permuted": placed(PERMUTED @ np.diag([1.0, 2.0, 3.0])),
    "oblique": placed(OBLIQUE @ np.diag([0.9, 0.9, 5.5])),
    "scaled": placed(np.diag([0.01, 7.5, 120.0])),
    "sheared": placed(SHEAR @ np.diag([1.0, 1.0, 3.0])),
}


def header_of(affine: np.ndarray, sform: int, qform: int, unit: int = MM) -> nib.Nifti1Header:
    """Return a header whose forms hold `affine` (mm) under these codes, in this unit; other forms hold nonsense."""
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape(SHAPE)
    native = affine.copy()
    native[:3] /= TO_MM[unit]
    header.set_qform(native, qform)  # without its shear, as every writer does it
    header.set_sform(native if sform else np.diag([9.0, 9, 9, 1]), sform)
    if not qform:
        header["quatern_b"], header["qoffset_x"] = 0.5, 1000
    header["xyzt_units"] = unit
    return header


def write_source(path, header: nib.Nifti1Header) -> None:
    """Write the header unchanged, bypassing nibabel's corrections."""
    header["magic"], header["vox_offset"] = b"n+1", 352
    values = np.arange(np.prod(SHAPE), dtype=np.int16)
    path.write_bytes(header.binaryblock + bytes(4) + values.tobytes())


def read_by_itk(path) -> np.ndarray:
    """Return the affine in RAS mm by ITK's own reader."""
    itk = pytest.importorskip("itk", reason="no itk: pip install -r requirements-clinic.txt")
    image = itk.imread(str(path), itk.F)
    affine = placed(
        itk.array_from_matrix(image.GetDirection()) * np.asarray(image.GetSpacing()), tuple(image.GetOrigin())
    )
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


class TestWhatIsWrittenLiesWhereItsSourceLies:
    """All 25 pairs of codes, five kinds of coordinates and four units."""

    @pytest.mark.parametrize("unit", TO_MM)
    @pytest.mark.parametrize("kind", PLACES)
    def test_for_every_pair_of_codes(self, tmp_path, kind, unit):
        values = np.linspace(0, 1, int(np.prod(SHAPE))).reshape(SHAPE)
        for sform, qform in itertools.product(range(5), range(5)):
            write_source(tmp_path / "source.nii", header_of(PLACES[kind], sform, qform, unit))
            source = read_coordinates(tmp_path / "source.nii")
            if sform:
                assert largest_distance(source.affine, PLACES[kind], SHAPE) < 1e-3
            elif qform and kind != "sheared":
                assert largest_distance(source.affine, PLACES[kind], SHAPE) < 1e-2  # a quaternion in 32 bits
            save_volume(tmp_path / "out.nii", values, source.affine, "uint16", like=tmp_path / "source.nii")
            written = nib.load(tmp_path / "out.nii")
            case = f"{kind}, sform {sform}, qform {qform}, unit {unit}"
            assert largest_distance(written.affine, source.affine, SHAPE) < 1e-3, case
            header = written.header
            assert (int(header["sform_code"]), int(header["qform_code"])) == (sform, qform), case
            assert header.get_xyzt_units()[0] == "mm", case

    @pytest.mark.parametrize("kind", [kind for kind in PLACES if kind != "sheared"])
    def test_by_the_judgement_of_itk(self, tmp_path, kind):
        for sform, qform in itertools.product(range(5), range(5)):
            write_source(tmp_path / "source.nii", header_of(PLACES[kind], sform, qform))
            source = read_coordinates(tmp_path / "source.nii")
            save_volume(tmp_path / "out.nii", np.ones(SHAPE), source.affine, like=tmp_path / "source.nii")
            there = read_by_itk(tmp_path / "out.nii")
            case = f"{kind}, sform {sform}, qform {qform}"
            assert largest_distance(there, read_by_itk(tmp_path / "source.nii"), SHAPE) < 1e-3, case
            if sform or qform:  # without, ITK and nibabel differ in what they assume
                assert largest_distance(there, source.affine, SHAPE) < 1e-2, case

    def test_forms_that_disagree_are_both_kept(self, tmp_path):
        header = header_of(PLACES["left-handed"], 4, 1)
        header["qoffset_x"] += 30
        write_source(tmp_path / "source.nii", header)
        source = read_coordinates(tmp_path / "source.nii")
        save_volume(tmp_path / "out.nii", np.ones(SHAPE), source.affine, like=tmp_path / "source.nii")
        written = nib.load(tmp_path / "out.nii")
        assert np.allclose(written.get_sform(), PLACES["left-handed"], atol=1e-4)
        assert np.allclose(written.get_qform(), header.get_qform(), atol=1e-4)
        assert written.get_qform()[0, 3] - written.get_sform()[0, 3] == pytest.approx(30)

    def test_another_grid_than_the_source_has_its_own_forms_under_the_same_codes(self, tmp_path):
        write_source(tmp_path / "source.nii", header_of(PLACES["oblique"], 0, 1))
        save_volume(tmp_path / "out.nii", np.ones(SHAPE), PLACES["permuted"], like=tmp_path / "source.nii")
        written = nib.load(tmp_path / "out.nii")
        assert np.allclose(written.affine, PLACES["permuted"], atol=1e-4)
        assert (int(written.header["sform_code"]), int(written.header["qform_code"])) == (0, 1)


def doubts(header: nib.Nifti1Header) -> str:
    return "; ".join(nifti_coordinates(header, SHAPE, "a.nii").doubts)


class TestWhatCounts:
    def test_a_header_without_contradiction_raises_no_doubt(self):
        for sform, qform in ((1, 1), (2, 0), (0, 1), (4, 4)):
            assert doubts(header_of(PLACES["oblique"], sform, qform)) == ""

    def test_the_sform_counts_before_voxel_sizes_that_contradict_it(self):
        header = header_of(np.diag([3.0, 3, 1, 1]), 1, 0)
        header["pixdim"][1:4] = 1
        assert np.array_equal(nifti_coordinates(header, SHAPE, "a.nii").affine, np.diag([3.0, 3, 1, 1]))
        assert (
            doubts(header) == "its voxel sizes are 1 x 1 x 1 mm by pixdim but 3 x 3 x 1 mm by the sform, which is used"
        )

    def test_voxel_sizes_of_zero_say_nothing_beside_an_sform(self):
        header = header_of(np.diag([3.0, 3, 1, 1]), 1, 0)
        header["pixdim"][:] = 0
        assert np.array_equal(nifti_coordinates(header, SHAPE, "a.nii").affine, np.diag([3.0, 3, 1, 1]))
        assert doubts(header) == ""

    def test_forms_that_disagree_are_told_with_the_largest_distance(self):
        header = header_of(PLACES["left-handed"], 1, 1)
        header["qoffset_x"] += 3
        assert doubts(header) == "its sform and qform place it up to 3 mm apart, the sform is used"
        flipped = PLACES["left-handed"].copy()
        flipped[0, 0] *= -1
        header = header_of(PLACES["left-handed"], 1, 1)
        header.set_qform(flipped, 1)
        assert "place it up to 10.8 mm apart" in doubts(header)  # 6 voxels of 0.9 mm, twice

    def test_units_are_converted_and_told(self):
        assert doubts(header_of(PLACES["permuted"], 1, 1, METRE)) == "its unit of length is the metre, converted to mm"
        assert doubts(header_of(PLACES["permuted"], 1, 1, UNKNOWN)) == ""

    def test_a_file_that_does_not_say_how_it_lies_is_told(self):
        header = header_of(PLACES["permuted"], 0, 0)
        place = nifti_coordinates(header, SHAPE, "a.nii")
        assert np.array_equal(place.affine, header.get_base_affine())
        assert "its orientation is not given" in doubts(header)

    def test_a_qform_that_is_not_a_rotation_is_refused_where_it_counts(self):
        header = header_of(PLACES["permuted"], 0, 1)
        header["quatern_b"] = 7
        with pytest.raises(BadInputError, match=r"a\.nii has an invalid qform"):
            nifti_coordinates(header, SHAPE, "a.nii")
        header = header_of(PLACES["permuted"], 1, 1)
        header["quatern_b"] = np.nan
        assert doubts(header) == "its qform is not a rotation and was ignored, the sform is used"

    def test_lps_becomes_ras_and_units_mm(self):
        place = lps_coordinates(np.eye(3), (1, 2, 3), (10, 20, 30), "m", oriented=False)
        expected = np.diag([-1000.0, -2000, 3000, 1])
        expected[:3, 3] = -10000, -20000, 30000
        assert np.array_equal(place.affine, expected)
        assert "converted to mm" in place.doubts[0]
        assert "its orientation is not given" in place.doubts[1]
