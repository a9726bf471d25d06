from dataclasses import replace

import pytest

pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from scripts.dicom.contrast import tell_contrast
from scripts.dicom.series import Facts

T1 = Facts(
    modality="MR",
    sop_class="1.2.840.10008.5.1.4.1.1.4",
    description="t1_mprage_sag",
    image_type=("ORIGINAL", "PRIMARY", "M", "ND"),
    scanning_sequence=("GR", "IR"),
    repetition_time=2000.0,
    echo_time=2.98,
    inversion_time=900.0,
    instances=160,
    directions=1,
)


def kind(**changes):
    return tell_contrast(replace(T1, **changes)).kind


def spin_echo(tr, te, ti=None, **changes):
    timing = {"repetition_time": tr, "echo_time": te, "inversion_time": ti}
    return kind(scanning_sequence=("SE",), description="", **timing, **changes)


def test_the_agent_in_the_header_decides():
    assert kind() == "t1"
    assert kind(contrast_agent="GADOVIST") == "t1gd"
    assert kind(contrast_agent="NONE") == "t1"


def test_without_a_header_words_decide():
    assert kind(description="t1_mprage_sag_KM") == "t1gd"
    assert kind(description="t1_mprage_sag_nativ") == "t1"


def test_a_header_weighs_more_than_words_and_the_contradiction_is_told():
    told = tell_contrast(replace(T1, description="t1 nativ", contrast_agent="Dotarem"))
    assert told.kind == "t1gd"
    assert told.doubts == ('"nativ" in its description',)
    told = tell_contrast(replace(T1, description="T2 tra"))
    assert (told.kind, told.doubts) == ("t1", ('its description says "t2"',))


@pytest.mark.parametrize(
    ("timing", "expected"),
    [
        ((9000, 120, 2500), "flair"),
        ((5000, 390, 1800), "flair"),
        ((2500, 12, 860), "t1"),
        ((550, 10), "t1"),
        ((5000, 100), "t2"),
        ((3200, 400), "t2"),
        ((3000, 20), "other"),
        ((4000, 60, 150), "other"),
    ],
)
def test_timing_tells_the_contrast(timing, expected):
    assert spin_echo(*timing) == expected


def test_t1_flair_is_t1_by_its_timing():
    told = tell_contrast(
        replace(
            T1, description="Ax T1 FLAIR +C", scanning_sequence=("SE", "IR"), repetition_time=2400.0, echo_time=11.0,
            inversion_time=860.0,
        )
    )  # fmt: skip
    assert (told.kind, told.doubts) == ("t1gd", ())


def test_where_the_inversion_time_is_left_out_words_tell_flair():
    late = {"repetition_time": 9000.0, "echo_time": 120.0, "scanning_sequence": ("SE",)}
    for missing in (None, 0.0):
        assert kind(description="Ax T2 FLAIR", inversion_time=missing, **late) == "flair"
        assert kind(description="FLAIR_longTR", inversion_time=missing, **late) == "flair"
        assert kind(description="T2 tra", inversion_time=missing, **late) == "t2"
    early = {"repetition_time": 2500.0, "echo_time": 24.0, "scanning_sequence": ("SE",), "inversion_time": None}
    assert kind(description="Ax T1 FLAIR +C", **early) == "t1gd"


def test_the_protocol_of_a_whole_examination_tells_nothing_of_a_series():
    names = {"description": "Sag BRAVO", "protocol": "BRAIN TUMOR WITH CONTRAST"}
    assert kind(manufacturer="GE MEDICAL SYSTEMS", **names) == "t1"
    assert kind(manufacturer="SIEMENS", **names) == "t1gd"
    assert kind(manufacturer="GE MEDICAL SYSTEMS", **{**names, "description": ""}) == "t1gd"


def test_a_flair_may_be_called_t2():
    told = tell_contrast(
        replace(
            T1, description="t2_spc_ir_sag", scanning_sequence=("SE", "IR"), repetition_time=5000.0, echo_time=390.0,
            inversion_time=1800.0,
        )
    )  # fmt: skip
    assert (told.kind, told.doubts) == ("flair", ())


def test_without_timing_the_acquisition_contrast_counts():
    lacking = {"repetition_time": None, "echo_time": None, "inversion_time": None, "description": "sag"}
    assert kind(**lacking) == ""
    assert kind(**lacking, acquisition_contrast="FLUID_ATTENUATED") == "flair"


def test_diffusion_is_told_by_b_value_and_image_type():
    epi = {"scanning_sequence": ("EP", "SE"), "description": "ep2d_diff", "repetition_time": 6000.0, "echo_time": 89.0}
    assert kind(**epi, b_value=1000.0) == "dwi"
    assert kind(**epi, b_value=0.0) == "other"
    assert kind(**epi, image_type=("DERIVED", "PRIMARY", "DIFFUSION", "ADC")) == "adc"
    assert kind(**(epi | {"description": "dADC map"}), image_type=("DERIVED", "SECONDARY")) == "adc"
    assert kind(**(epi | {"description": "ep2d"})) == "other"


def test_a_b_value_of_zero_does_not_make_a_t1_diffusion():
    assert kind(b_value=0.0) == "t1"


@pytest.mark.parametrize(
    "changes",
    [
        {"ours": True},
        {"modality": "CT"},
        {"sop_class": "1.2.840.10008.5.1.4.1.1.7"},
        {"photometric": "RGB"},
        {"directions": 3},
        {"directions": 0},
        {"instances": 1},
        {"image_type": ("DERIVED", "PRIMARY", "PROJECTION IMAGE", "MIP")},
        {"image_type": ("DERIVED", "SECONDARY", "SUB")},
        {"image_type": ("ORIGINAL", "PRIMARY", "P", "ND")},
        {"description": "t1 tof 3d"},
    ],
)
def test_what_is_no_source_says_why(changes):
    told = tell_contrast(replace(T1, contrast_agent="Gadovist", **changes))
    assert told.kind == "other"
    assert told.reasons[0]


@pytest.mark.parametrize("name", ["gre_field_magph", "B0 NS", "3DB0Map"])
def test_a_field_map_with_the_timing_of_t1_is_no_t1(name):
    assert kind(description=name, scanning_sequence=("GR",), repetition_time=4.0, echo_time=1.5) == "other"


def test_a_series_of_diffusion_without_weighting_is_neither_t2_nor_dwi():
    values = {"scanning_sequence": ("SE",), "repetition_time": 4175.7, "echo_time": 69.4, "inversion_time": None}
    named = tell_contrast(replace(T1, description="DTI_Biobank_2mm_MB3S2_EPI", b_value=0.0, **values))
    assert (named.kind, named.reasons[0]) == ("other", "DWI without diffusion weighting, b value 0 s/mm²")
    beside_others = tell_contrast(replace(T1, description="ax 2mm", b_value=0.0, diffusion=True, **values))
    assert (beside_others.kind, beside_others.reasons[0]) == (named.kind, named.reasons[0])
    assert kind(description="ax 2mm", b_value=0.0, **values) == "t2"


def test_a_dose_of_contrast_agent_without_its_name_counts():
    told = tell_contrast(replace(T1, contrast_dose="7.5 ml, route IV"))
    assert (told.kind, told.reasons[-1]) == (
        "t1gd",
        "contrast agent in the header: 7.5 ml, route IV, without its name",
    )
    assert kind(contrast_agent="NONE", contrast_dose="7.5 ml") == ""


@pytest.mark.parametrize("name", ["T1 POST RT", "AX T1 PRE/POST"])
def test_words_that_may_mean_either_leave_the_choice_to_the_user(name):
    told = tell_contrast(replace(T1, description=name))
    assert told.kind == ""
    assert told.reasons[-1].endswith("in its description may mean either")
    assert kind(description=name, contrast_agent="Gadovist") == "t1gd"
    assert kind(description=name, contrast_agent="NONE") == "t1"


@pytest.mark.parametrize("name", ["T1 post-biopsy", "T1 biopsy", "T1 post op"])
def test_a_treatment_is_no_contrast_agent(name):
    assert kind(description=name) == "t1"


def test_times_in_seconds_are_recognised():
    flair = {"description": "", "scanning_sequence": ("SE", "IR")}
    assert kind(**flair, repetition_time=9000.0, echo_time=120.0, inversion_time=2.5) == "flair"
    assert kind(**flair, repetition_time=9.0, echo_time=0.12, inversion_time=2.5) == "flair"
    told = tell_contrast(replace(T1, inversion_time=0.9))
    assert told.kind == "t1"
    assert told.reasons[0] == "TR 2000, TE 2.98, TI 900 ms: T1 (inversion time taken as seconds)"
