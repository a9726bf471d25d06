import numpy as np
import pytest

from scripts.data.errors import BadInputError

pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from scripts.dicom.geometry import slice_geometry

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def geometry(positions, orientation=AXIAL, spacing=(1.0, 0.5), thickness=None):
    positions = np.asarray(positions, dtype=np.float64)
    orientations = np.tile(np.asarray(orientation, dtype=np.float64), (len(positions), 1))
    return slice_geometry(positions, orientations, spacing, thickness, [f"{k}.dcm" for k in range(len(positions))])


def axial(*heights):
    return [(10.0, 20.0, height) for height in heights]


def test_slices_are_sorted_along_the_normal():
    found = geometry(axial(8, 0, 4))
    assert found.order == [1, 2, 0]
    assert np.array_equal(found.affine, [[-0.5, 0, 0, -10], [0, -1, 0, -20], [0, 0, 4, 0], [0, 0, 0, 1]])
    assert found.warnings == []


@pytest.mark.parametrize(
    ("orientation", "normal"),
    [
        ((0, 1, 0, 0, 0, -1), (-1, 0, 0)),
        ((1, 0, 0, 0, 0, -1), (0, 1, 0)),
        ((0.8, 0.6, 0, 0, 0, -1), (-0.6, 0.8, 0)),
    ],
)
def test_the_slice_direction_comes_from_the_geometry(orientation, normal):
    found = geometry([np.multiply(normal, 3.0 * k) for k in (2, 0, 1)], orientation)
    assert found.order == [1, 2, 0]
    assert np.allclose(found.affine[:3, 2], np.multiply(normal, 3.0) * [-1, -1, 1])


def test_a_missing_slice_is_told_with_its_neighbours():
    with pytest.raises(BadInputError, match=r"slices are missing: between 2.dcm and 3.dcm lie 8 mm, elsewhere 4 mm"):
        geometry(axial(0, 4, 8, 16, 20))


def test_uneven_spacing_is_refused():
    with pytest.raises(BadInputError, match="spaced unevenly, 3 to 4.5 mm apart"):
        geometry(axial(0, 3, 6, 9, 13.5, 18))


def test_slightly_uneven_spacing_is_warned_of():
    found = geometry(axial(0, 3.1, 6, 9))
    assert found.affine[2, 2] == 3.0
    assert "up to 0.1 mm from an even spacing of 3 mm" in found.warnings[0]


def test_two_images_at_one_place_are_refused():
    with pytest.raises(BadInputError, match="several images at one place .*two acquisitions in one series"):
        geometry(axial(0, 4, 4, 8))


def test_one_image_in_another_direction_is_named():
    orientations = np.tile(AXIAL, (5, 1))
    orientations[3] = [0, 1, 0, 0, 0, -1]
    with pytest.raises(BadInputError, match="different directions, 3.dcm unlike the other images"):
        slice_geometry(np.array(axial(0, 4, 8, 12, 16)), orientations, (1, 1), None, [f"{k}.dcm" for k in range(5)])


def test_gantry_tilt_is_refused_with_its_angle():
    with pytest.raises(BadInputError, match=r"shifted sideways by 12 mm over the stack \(14°: gantry tilt"):
        geometry([(0, k, 4 * k) for k in range(13)])


def test_a_drift_of_less_than_half_a_pixel_is_kept_in_the_affine():
    found = geometry([(0, 0.02 * k, 4 * k) for k in range(10)])
    assert np.allclose(found.affine[:3, 2], [0, -0.02, 4])


def test_slices_off_the_line_are_refused():
    positions = np.array(axial(0, 4, 8, 12, 16))
    positions[2, 0] += 3
    with pytest.raises(BadInputError, match="do not lie on a line, 2.dcm is 3 mm off"):
        geometry(positions)


def test_skew_directions_are_refused():
    with pytest.raises(BadInputError, match="not two directions at right angles"):
        geometry(axial(0, 4), (1, 0, 0, 0.5, 0.8, 0))


def test_a_single_slice_needs_its_thickness():
    assert geometry(axial(3), thickness=5.0).affine[2, 2] == 5.0
    with pytest.raises(BadInputError, match="single slice without slice thickness"):
        geometry(axial(3))
