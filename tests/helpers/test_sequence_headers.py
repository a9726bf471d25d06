import pytest

from phantom_studies.sequence_headers import SEQUENCES, sequence_header


@pytest.mark.parametrize("vendor", SEQUENCES)
def test_only_the_t1_after_contrast_names_an_agent(vendor):
    with_agent = [source for source in SEQUENCES[vendor] if "ContrastBolusAgent" in sequence_header(source, vendor)]
    assert with_agent == ["t1gd"]


@pytest.mark.parametrize("vendor", SEQUENCES)
def test_flair_has_long_repetition_and_inversion(vendor):
    header = sequence_header("flair", vendor)
    assert header["RepetitionTime"] == 9000
    assert 2000 <= header["InversionTime"] <= 2500


def test_a_header_is_the_caller_s_own():
    sequence_header("t1", "GE")["SeriesDescription"] = "changed"
    assert sequence_header("t1", "GE")["SeriesDescription"] == "Ax 3D T1 BRAVO"


def test_an_unknown_source_is_refused():
    with pytest.raises(KeyError, match="swi"):
        sequence_header("swi", "GE")
