import pytest

from scripts.dicom.words import agent_in_words, agent_unclear, kinds_in_words, other_in_words


@pytest.mark.parametrize(
    "text",
    [
        "t1_mprage_sag_p2_iso_KM", "Ax T1 POST", "AX T1 +C", "SAG T1 BRAVO POST GAD", "T1W_3D_TFE_GD", "T1 SE c+",
        "3D T1 C+ tra", "T1 tra nach KM", "T1 injecté", "AX T1 FS POST CONTRAST", "T1 contraste", "t1+", "T1 Gadovist",
        "T1_vibe_fs_ax_CE", "T1ce", "MPRAGE post-gd", "T1C", "T1 mdc", "T1 造影",
        "T1 m. KM", "T1_mKM", "T1 KM+", "T1 Gd+", "T1 tra +KM", "AX T1 IV+", "AX T1 WITH CON",
        "T1 CON CTE", "T1 PÓS", "T1 MPR mit", "T1 - Gd", "T1 Gd-DTPA",
    ],
)  # fmt: skip
def test_words_for_contrast_agent(text):
    assert agent_in_words(text)[0] is True


@pytest.mark.parametrize(
    "text",
    [
        "t1_mprage_sag_nativ", "AX T1 PRE", "T1 w/o contrast", "T1 without gad", "T1 ohne KM", "T1 sans gado", "T1 C-",
        "T1 non-contrast", "t1 pre-contrast", "T1_senza_mdc", "T1 unenhanced", "T1 vor KM", "T1 precontrast",
        "t1_mprage o. KM", "T1 oKM", "T1 KM-", "T1 tra -KM", "T1 Gd-", "AX T1 IV-", "T1 sem contraste",
        "T1 basale", "T1 blanco", "T1 utan kontrast",
    ],
)  # fmt: skip
def test_words_for_none(text):
    assert agent_in_words(text)[0] is False


@pytest.mark.parametrize(
    "text",
    [
        "t1_mprage_sag_p2_iso", "MRI BRAIN W WO CONTRAST", "T1 with and without contrast", "T1 post op", "preop T1",
        "phase contrast", "T1 ce-matched pre", "Cervical T1", "posterior fossa T1", "T1 pre/post", "",
    ],
)  # fmt: skip
def test_words_that_say_neither(text):
    assert agent_in_words(text)[0] is None


def test_the_description_counts_before_the_protocol():
    assert agent_in_words("T1 nativ", "T1 KM") == (False, "nativ")
    assert agent_in_words("T1 sag", "T1 KM") == (True, "t1 km")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("t2_tirm_tra_dark-fluid", "flair"), ("Ax T2 FLAIR", "flair"), ("t2_spc_da-fl_sag", "flair"),
        ("t2_tse_tra", "t2"), ("T2W_TSE", "t2"), ("t1_mprage", "t1"), ("BRAVO", "t1"), ("Sag FSPGR 3D", "t1"),
        ("ep2d_diff_ADC", "adc"), ("Apparent Diffusion Coefficient (mm2/s)", "adc"), ("DWI b1000", "dwi"),
        ("ep2d_diff_4scan_trace", "dwi"), ("dADC", "adc"), ("sag space", None),
    ],
)  # fmt: skip
def test_kinds_by_vendors_words(text, kind):
    assert next(iter(kinds_in_words(text)), None) == kind


def test_all_kinds_in_the_words_are_told():
    assert list(kinds_in_words("T1 FLAIR")) == ["flair", "t1"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("localizer", "a localizer"), ("3-Plane Loc", "a localizer"), ("AAHead_Scout", "a localizer"),
        ("Survey", "a localizer"), ("TOF_3D_multi-slab", "an angiography"), ("SWI_Images", "weighted by T2*"),
        ("t1_mprage_SUB", "a subtraction"), ("MIP tra", "a projection"), ("ep2d_perf", "perfusion"),
        ("t2_ciss3d", "a steady-state sequence of fluid"), ("Screen Save", "a screen shot or report"),
        ("t2* gre", "weighted by T2*"), ("STIR cor", "STIR"), ("mIP_Images(SW)", "a projection"),
    ],
)  # fmt: skip
def test_others_are_told_apart(text, what):
    assert other_in_words(text)[0] == what


@pytest.mark.parametrize("text", ["t1_mprage_sag_p2_iso_KM", "t2_tirm_tra_dark-fluid_fs", "Ax 3D T1 BRAVO +C", "DWI"])
def test_sources_are_no_others(text):
    assert other_in_words(text) == ("", "")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("t1_twist_cor", "an angiography"), ("CEMRA carotids", "an angiography"), ("relCBV", "perfusion"),
        ("t2_spc_dir_sag", "inverted twice"), ("3D_DIR", "inverted twice"), ("DTI 64 dir", ""), ("DTI_30dir", ""),
        ("T1 Map", "a map of relaxation"),
    ],
)  # fmt: skip
def test_further_series_that_are_no_source(text, what):
    assert other_in_words(text)[0] == what


@pytest.mark.parametrize(
    "text",
    ["gre_field_magph", "gre_field_mapping_2mm", "B0 NS", "WIP B0 NS", "3DB0Map", "B0_map", "fmap", "TFL_B1map"],
)
def test_field_maps_are_no_source(text):
    assert other_in_words(text)[0] == "a field map"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("T1 POST - PRE", "a subtraction"), ("t1_vibe_dixon_F", "a fat image"), ("t1_vibe_dixon_W", ""),
        ("Synthetic T1", "computed from maps"), ("QSM", "a map of relaxation"), ("Pilot", "a localizer"),
        ("DTI b0", ""), ("DWI_b0", ""),
    ],
)  # fmt: skip
def test_siblings_of_what_is_no_source(text, what):
    assert other_in_words(text)[0] == what


@pytest.mark.parametrize(
    "text",
    [
        "T1 post-biopsy", "T1 biopsy", "T1 post op", "T1 post radiotherapy", "T1 posttreatment", "T1 nach OP",
        "T1 nach Bestrahlung", "postictal T1", "T1 post chemo", "T1 post resection",
    ],
)  # fmt: skip
def test_treatments_say_nothing_of_contrast_agent(text):
    assert (agent_in_words(text)[0], agent_unclear(text)) == (None, "")


@pytest.mark.parametrize("text", ["T1 POST RT", "T1 POST TX", "T1 PRE/POST", "T1 PRE/POST GAD", "T1 W WO CONTRAST"])
def test_words_that_may_mean_either_are_unclear(text):
    assert agent_in_words(text)[0] is None
    assert agent_unclear(text)


@pytest.mark.parametrize("text", ["T1 POST RT GAD", "AX T1 POST TX +C", "T1 POST-OP GAD"])
def test_contrast_agent_after_a_treatment(text):
    assert agent_in_words(text)[0] is True


def test_dti_is_diffusion():
    assert list(kinds_in_words("DTI_Biobank_2mm_MB3S2_EPI")) == ["dwi"]
