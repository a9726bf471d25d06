import pytest

pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from phantom_studies.sequence_headers import SEQUENCES
from scripts.data.errors import BadInputError
from scripts.dicom.choose import choose_series, finds, wished_uid
from scripts.dicom.series import Facts, Series

PAIR = ("t1gd", "flair")


def series(source, number, vendor="SIEMENS", patient="p", part=(), **changes):
    """A series as a scanner would write it."""
    header = SEQUENCES[vendor][source]
    facts = {
        "modality": "MR",
        "sop_class": "1.2.840.10008.5.1.4.1.1.4",
        "description": header["SeriesDescription"],
        "number": number,
        "image_type": tuple(header["ImageType"]),
        "scanning_sequence": tuple(header["ScanningSequence"]),
        "repetition_time": header["RepetitionTime"],
        "echo_time": header["EchoTime"],
        "inversion_time": header.get("InversionTime"),
        "contrast_agent": header.get("ContrastBolusAgent", ""),
        "b_value": header.get("DiffusionBValue"),
        "instances": 52,
        "directions": 3 if source == "localizer" else 1,
    }
    return Series(f"1.2.3.4.{number}", "1.2", (), Facts(**facts | changes), patient, part, number if part else 0)


def study(vendor="SIEMENS"):
    return [series(source, number, vendor) for number, source in enumerate(SEQUENCES[vendor], start=1)]


def chosen(*args, **options):
    return {source: choice.series.facts.number for source, choice in choose_series(*args, **options).items()}


@pytest.mark.parametrize("vendor", SEQUENCES)
@pytest.mark.parametrize("sources", [PAIR, ("adc", "flair"), ("t1gd", "t2"), ("dwi", "t1")])
def test_sources_are_found_in_whole_studies(vendor, sources):
    numbers = dict(zip(SEQUENCES[vendor], range(1, 9), strict=False))
    assert chosen(study(vendor), sources) == {source: numbers[source] for source in sources}


def test_reasons_are_told():
    reasons = choose_series(study(), PAIR)["t1gd"].reasons
    assert reasons[0] == "TR 2000, TE 2.98, TI 900 ms: T1"
    assert 'contrast agent "Gadobutrol" in the header' in reasons


def test_a_t1_without_contrast_is_not_taken_for_one_with():
    with pytest.raises(BadInputError) as told:
        choose_series([series("t1", 2), series("flair", 6)], PAIR)
    assert "no series was recognised as T1-Gd. If one is, name it by --t1gd" in str(told.value)
    assert '- 2 "t1_mprage_sag_p2_iso", 52 images, T1 without contrast agent: ' in str(told.value)
    assert "no sign of contrast agent [1.2.3.4.2]" in str(told.value)


def test_two_that_fit_are_an_error_that_lists_them():
    with pytest.raises(BadInputError, match=r'2 series may be T1-Gd: 4 "t1_mp.*, 9 "t1_tse_KM"') as told:
        choose_series([series("t1gd", 4), series("t1gd", 9, description="t1_tse_KM"), series("flair", 6)], PAIR)
    assert "[1.2.3.4.6]" in str(told.value)


def test_a_contradiction_loses_against_a_series_without_one():
    before = series("t1gd", 2, description="t1_mprage_nativ")
    choice = choose_series([before, series("t1gd", 9), series("flair", 6)], PAIR)["t1gd"]
    assert choice.series.facts.number == 9
    assert choice.reasons[-1] == 'rather than 2 "t1_mprage_nativ", as it is the only one without a doubt'


def test_an_original_goes_before_its_reformats():
    reformat = series("flair", 7, image_type=("DERIVED", "SECONDARY", "MPR"))
    choice = choose_series([series("t1gd", 9), series("flair", 6), reformat], PAIR)["flair"]
    assert choice.series.facts.number == 6
    assert "the others are derived images" in choice.reasons[-1]


def test_what_this_bundle_wrote_is_never_a_source():
    ours = series("t1gd", 9, ours=True)
    with pytest.raises(BadInputError, match="written by FusionINN, not by a scanner"):
        choose_series([ours, series("flair", 6)], PAIR)
    with pytest.raises(BadInputError, match="was written by FusionINN; it cannot be a source"):
        choose_series([ours, series("flair", 6)], PAIR, {"t1gd": "9"})


@pytest.mark.parametrize("wish", ["2", 2, "1.2.3.4.2", "*mprage_sag_p2_iso", "^T1_mprage.*iso$"])
def test_a_user_names_a_series_by_uid_number_or_pattern(wish):
    group = [series("t1gd", 9), series("t1", 2), series("flair", 6)]
    choices = choose_series(group, PAIR, {"t1gd": wish, "flair": None})
    assert choices["t1gd"].series.facts.number == 2
    assert choices["t1gd"].reasons[0] == f"named by {wish}"
    assert choices["t1gd"].reasons[1].startswith("although by its header it is T1 without contrast agent")


def test_a_part_of_a_series_is_named_with_its_number():
    parts = [
        series("t1gd", 1, part=(("AcquisitionNumber", 1.0),)),
        series("t1gd", 2, part=(("AcquisitionNumber", 2.0),)),
    ]
    for separator in (":", "/", "#", "::"):
        assert [finds(one, f"2{separator}2") for one in parts] == [False, True]
        assert [finds(one, f"1.2.3.4.1{separator}1") for one in parts] == [True, False]


def test_a_decimal_point_is_no_separator():
    with pytest.raises(
        BadInputError, match=r'"9.2" is neither a series number nor a UID. Write for instance 9, or 9:2'
    ):
        finds(series("t1gd", 9), "9.2")


def test_names_that_fit_none_or_several_are_refused():
    group = [series("t1gd", 9), series("t1gd", 10), series("flair", 6)]
    with pytest.raises(BadInputError, match='no series is "77", which was given as t1gd'):
        choose_series(group, PAIR, {"t1gd": 77})
    with pytest.raises(BadInputError, match=r'2 series are "\*mprage\*"'):
        choose_series(group, PAIR, {"t1gd": "*mprage*"})
    with pytest.raises(BadInputError, match=r'"t1\(" is not a series UID, number or description pattern'):
        choose_series(group, PAIR, {"t1gd": "t1("})
    with pytest.raises(BadInputError, match="is named both as t1gd and as flair"):
        choose_series(group, PAIR, {"t1gd": "6", "flair": "6"})


def test_other_sources_are_named_by_the_user():
    group = [series("t1gd", 9), series("t2", 3, description="swi")]
    with pytest.raises(BadInputError, match="swi cannot be recognised from headers"):
        choose_series(group, ("t1gd", "swi"))
    assert chosen(group, ("t1gd", "swi"), named={"swi": "swi"}) == {"t1gd": 9, "swi": 3}


def test_several_patients_under_one_study_are_refused():
    with pytest.raises(BadInputError, match="several patients under one study"):
        choose_series([series("t1gd", 9), series("flair", 6, patient="q")], PAIR)


def test_a_uid_is_told_from_a_number():
    assert wished_uid("1.2.840.1.5:2") == wished_uid("1.2.840.1.5#2") == "1.2.840.1.5"
    assert wished_uid(9) is wished_uid("9:2") is wished_uid("*mprage*") is None
