import pytest

pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from pydicom import Dataset

from scripts.data.errors import BadInputError
from scripts.dicom.completeness import check_complete


def check(count, gap, in_series=None, numbers=None, **values):
    """Warnings for `count` slices `gap` mm apart whose headers hold `values`."""
    headers = []
    for index in range(count):
        header = Dataset()
        header.InstanceNumber = index + 1 if numbers is None else numbers[index]
        for keyword, value in values.items():
            setattr(header, keyword, value)
        headers.append(header)
    return check_complete(headers, gap, in_series or count)


def test_spacing_that_agrees_with_positions_needs_no_word():
    assert check(10, 6.0, SpacingBetweenSlices=6.1, SliceThickness=5.0) == []
    assert check(10, 6.0, SliceThickness=5.0) == []
    assert check(10, 1.0, SpacingBetweenSlices=1.0, SliceThickness=2.0) == []


@pytest.mark.parametrize(
    ("gap", "thickness", "text"),
    [
        (12.0, 5.0, "is 6 mm, but the positions lie 12 mm apart, as if every second slice were missing"),
        (12.0, 6.0, "is 6 mm, but the positions lie 12 mm apart, as if every second slice were missing"),
        (18.0, 5.0, "is 6 mm, but the positions lie 18 mm apart, as if two of three slices were missing"),
    ],
)
def test_missing_slices_are_refused_with_both_distances(gap, thickness, text):
    with pytest.raises(BadInputError, match=text):
        check(10, gap, SpacingBetweenSlices=6.0, SliceThickness=thickness)


def test_other_contradictions_are_warned_of_with_both_distances():
    (note,) = check(10, 3.0, SpacingBetweenSlices=6.0, SliceThickness=6.0)
    assert "is 6 mm, but the positions lie 3 mm apart: two acquisitions may lie between each other" in note
    (note,) = check(10, 7.5, SpacingBetweenSlices=6.0)
    assert note == "Spacing Between Slices is 6 mm, but the positions lie 7.5 mm apart; the positions were taken"
    (note,) = check(10, 10.0, SliceThickness=5.0)
    assert "slices are 5 mm thick by Slice Thickness, but their positions lie 10 mm apart" in note
    assert check(3, 6.0, numbers=[2, 4, 6]) == [
        "Instance Numbers rise by 2 from slice to slice: slices between them may be missing"
    ]


def test_the_empty_space_between_slices_is_not_taken_for_their_distance():
    (note,) = check(10, 6.0, SpacingBetweenSlices=1.0, SliceThickness=5.0)
    assert note.endswith("the positions were taken")


def test_too_few_images_are_warned_of():
    assert check(9, 6.0, SpacingBetweenSlices=6.0, ImagesInAcquisition=10) == [
        "Images in Acquisition is 10, but 9 images are there: slices may be missing"
    ]
    assert check(9, 6.0, NumberOfSlices=10)[0].startswith("Number of Slices is 10, but 9 images")


def test_images_are_counted_in_the_whole_series_and_in_the_acquisition():
    assert check(10, 6.0, in_series=100, ImagesInAcquisition=100) == []
    assert check(10, 6.0, in_series=100, ImagesInAcquisition=10) == []
    assert check(10, 6.0, in_series=99, ImagesInAcquisition=100) != []


def test_one_acquisition_of_several_that_were_not_exported_is_whole():
    assert check(10, 6.0, SpacingBetweenSlices=6.0, ImagesInAcquisition=100, numbers=range(1, 101, 10)) == []


def test_private_counts_need_their_vendor():
    def with_count(creator):
        headers = []
        for _ in range(9):
            header = Dataset()
            header.add_new(0x20010010, "LO", creator)
            header.add_new(0x20011018, "SL", 10)
            headers.append(header)
        return check_complete(headers, 6.0, 9)

    assert with_count("Philips Imaging DD 001") == [
        "Philips' number of slices is 10, but 9 images are there: slices may be missing"
    ]
    assert with_count("ANOTHER VENDOR") == []
