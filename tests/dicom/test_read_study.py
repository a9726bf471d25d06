import logging

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from phantom_studies.study import write_series, write_study  # noqa: E402
from scripts.data.errors import BadInputError  # noqa: E402
from scripts.dicom.find_studies import find_studies  # noqa: E402
from scripts.dicom.read_study import ReadStudy  # noqa: E402

VOLUME = np.random.default_rng(0).integers(1, 900, (6, 8, 4)).astype(np.float32)
AFFINE = np.diag([-1.0, -1.25, 4.0, 1.0])
PAIR = {"t1gd": (VOLUME, AFFINE), "flair": (VOLUME[:, :, ::-1], AFFINE)}


@pytest.fixture
def record(tmp_path):
    write_study(tmp_path, PAIR, patient_id="H.4711", patient_name="Musterfrau^Erika")
    return find_studies(tmp_path)[0]


def test_both_series_are_read_on_their_own_grids(record):
    data = ReadStudy()(record)
    assert np.array_equal(data["volumes"]["t1gd"].numpy(), VOLUME)
    assert np.array_equal(data["volumes"]["flair"].numpy(), VOLUME[:, :, ::-1])
    assert np.allclose(data["volumes"]["t1gd"].affine, AFFINE)
    assert data["series"]["flair"].volume is data["volumes"]["flair"]
    assert data["files"]["t1gd"].endswith("0009-0001.dcm")
    assert data["warnings"] == []


def test_the_choice_is_told_with_its_reasons(record, caplog):
    with caplog.at_level(logging.INFO, logger="scripts.dicom.read_study"):
        data = ReadStudy()(record)
    assert 'contrast agent "Gadobutrol" in the header' in data["reasons"]["t1gd"]
    assert f'{record["patient"]}: t1gd is series 9 "t1_mprage_sag_p2_iso_KM": TR 2000, TE 2.98' in caplog.text
    assert "4711" not in caplog.text.replace(record["patient"], "") and "Musterfrau" not in caplog.text


def test_a_problem_of_the_record_is_raised():
    with pytest.raises(BadInputError, match="no FLAIR"):
        ReadStudy()({"patient": "p", "problem": "no FLAIR"})


def test_what_cannot_be_read_names_patient_source_and_series(record):
    record["series"]["flair"].series.files[1].unlink()
    with pytest.raises(BadInputError, match=rf'{record["patient"]}: flair, series 6 "t2_tirm.*cannot be read'):
        ReadStudy()(record)


def test_an_empty_series_is_refused(tmp_path):
    write_study(tmp_path, {"t1gd": (VOLUME, AFFINE), "flair": (0 * VOLUME, AFFINE)})
    with pytest.raises(BadInputError, match=r"flair, series 6 .* is constant \(0 everywhere\)"):
        ReadStudy()(find_studies(tmp_path)[0])


def test_warnings_name_their_source(tmp_path):
    write_study(tmp_path, PAIR, extra={"ImagesInAcquisition": 9})
    data = ReadStudy()(find_studies(tmp_path)[0])
    assert data["warnings"][0].startswith("t1gd: Images in Acquisition is 9, but 4 images are there")


def test_what_speaks_against_a_choice_is_warned_of(tmp_path):
    write_study(tmp_path, PAIR)
    data = ReadStudy()(find_studies(tmp_path, named={"t1gd": "6", "flair": "9"})[0])
    assert [line.split(":")[0] for line in data["warnings"]] == [
        't1gd is series 6 "t2_tirm_tra_dark-fluid_fs", although by its header it is FLAIR',
        'flair is series 9 "t1_mprage_sag_p2_iso_KM", although by its header it is T1-Gd',
    ]


def test_a_name_in_a_description_is_not_logged(tmp_path, caplog):
    for source, number in (("t1gd", 9), ("flair", 6)):
        write_series(
            tmp_path / source, *PAIR[source], source=source, series_number=number, patient_name="Meier^Franz",
            description=f"{source} post Meier Franz",
        )  # fmt: skip
    with caplog.at_level(logging.DEBUG):
        data = ReadStudy()(find_studies(tmp_path)[0])
    assert "t1gd post …" in caplog.text
    assert "meier" not in (caplog.text + str(data["reasons"]) + str(data["warnings"])).casefold()
