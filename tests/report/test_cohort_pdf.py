from __future__ import annotations

import json
import re

import pytest

from scripts.data.errors import BadInputError
from scripts.report.cohort_pdf import CohortPdf, draw_patient, front_pages, problem_page


def texts(page) -> str:
    return "\n".join(text.get_text() for text in page.figure.texts)


def row(patient, **decomposed):
    return {
        "patient": patient,
        "scores": {"decomposed": decomposed},
        "worst": min(decomposed.values()),
        "unusual": False,
    }


@pytest.fixture
def cohort(make_patient, tmp_path):
    """Records of three patients, whose sidecars hold their scores."""
    records = []
    for name, scores in (("A", {"t1gd": 0.9, "flair": 0.95}), ("B", {"t1gd": 0.97, "flair": 0.7}), ("C", {})):
        sidecar = {
            "Description": "",
            "ResearchUseOnly": "",
            "GeneratedBy": [{"Name": "FusionINN MONAI bundle", "Version": "0.4.0"}],
            "Sources": ["a", "b"],
            "SourceModalities": ["t1gd", "flair"],
            "SliceAxis": 2,
            "IntensityScale": {"mode": "slice", "slice_axis": 2, "offset": [[0], [0]], "factor": [[1], [1]]},
            "StoredDtype": "uint16",
            "LatentKind": "zeros",
            "CheckpointSHA256": "0" * 64,
            "SSIM": {"decomposed": scores},
        }
        (tmp_path / f"{name}_fused.json").write_text(json.dumps(sidecar))
        records.append({"patient": name, "fused": str(tmp_path / f"{name}_fused.nii.gz")})
    return records


def pages_of(path) -> int:
    return len(re.findall(rb"/Type /Page\b", path.read_bytes()))


def test_the_worst_come_first_and_every_patient_has_a_page(cohort, make_patient, tmp_path):
    seen = []

    def read(record):
        seen.append(record["patient"])
        return {"report": make_patient(patient=record["patient"])}

    path = CohortPdf(cohort, read, tmp_path / "cohort.pdf").draw()
    # of C no score is known
    assert seen == ["C", "B", "A"]
    assert pages_of(path) == 4


def test_pictures_can_be_limited_to_the_worst(cohort, make_patient, tmp_path):
    read = lambda record: {"report": make_patient(patient=record["patient"])}  # noqa: E731
    assert pages_of(CohortPdf(cohort, read, tmp_path / "c.pdf", most=1).draw()) == 2


def test_a_patient_that_cannot_be_read_is_told_and_the_others_are_shown(cohort, make_patient, tmp_path):
    def read(record):
        if record["patient"] == "B":
            raise BadInputError("its file is damaged")
        return {"report": make_patient(patient=record["patient"])}

    (tmp_path / "A_fused.json").unlink()
    with pytest.raises(BadInputError, match=r"2 of 3 patients could not be shown:\n- A: .*\n- B: its file is damaged"):
        CohortPdf(cohort, read, tmp_path / "cohort.pdf").draw()
    # table, C, and what failed
    assert pages_of(tmp_path / "cohort.pdf") == 3


def test_the_front_page_holds_scores_and_the_research_notice():
    (page,) = front_pages([row("B", t1gd=0.97, flair=0.7), row("A", t1gd=0.9, flair=0.95)], "decomposed")
    told = texts(page)
    assert "For research use only" in told
    assert told.index("0.7000") < told.index("0.9500")
    assert "T1-Gd" in told


def test_many_patients_take_several_pages():
    assert len(front_pages([row(f"P{i}", t1gd=0.9) for i in range(80)], "decomposed")) == 3


def test_a_page_says_what_failed():
    assert "P: broken" in texts(problem_page({"P": "broken"}))


def test_a_patient_is_drawn_as_in_the_overview(make_patient):
    told = texts(draw_patient(make_patient()))
    assert "blocks-01" in told
    assert "SSIM 0.951" in told


@pytest.mark.parametrize(("setting", "message"), [({"judged": "x"}, "judged is 'x'"), ({"most": -1}, "most is -1")])
def test_other_settings_are_refused(setting, message):
    with pytest.raises(BadInputError, match=message):
        CohortPdf([], dict, "c.pdf", **setting)
