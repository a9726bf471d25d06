import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from pydicom import Dataset  # noqa: E402

from scripts.dicom.series import Series, facts_of, part_values, patient_key  # noqa: E402


def header(**values):
    dataset = Dataset()
    dataset.update(values)
    return dataset


def facts(**values):
    return facts_of(header(**values), instances=4, directions=1, ours=False)


def test_facts_are_plain_values():
    found = facts(EchoTime="2.98", ImageType=["ORIGINAL", "PRIMARY"], SeriesNumber=7, SeriesDescription=" t1 ")
    assert (found.echo_time, found.image_type, found.number, found.description) == (
        2.98,
        ("ORIGINAL", "PRIMARY"),
        7,
        "t1",
    )
    assert found.original


def test_what_a_header_lacks_is_empty():
    found = facts()
    assert (found.echo_time, found.number, found.contrast_agent, found.image_type) == (None, None, "", ())


def test_a_patient_is_known_however_the_name_is_written():
    one = header(PatientID="1", PatientName="DOE^Jane", PatientBirthDate="19700101")
    same = header(PatientID="1", PatientName="Doe^Jane^^", PatientBirthDate="19700101")
    other = header(PatientID="2", PatientName="DOE^Jane", PatientBirthDate="19700101")
    assert patient_key(one) == patient_key(same) != patient_key(other)
    assert "doe" not in patient_key(one).lower()


def test_a_label_names_number_description_and_part():
    part = part_values(header(EchoTime=12.0, ImageType=["ORIGINAL", "M"]), ["EchoTime", "ImageType"])
    series = Series("1.2.3", "1.2", (), facts(SeriesNumber=7, SeriesDescription="pd+t2"), "", part, 2)
    assert series.label == '7:2 "pd+t2" (EchoTime 12, ImageType ORIGINAL/M)'


def test_messages_show_a_description_without_the_patient_s_name():
    found = facts(SeriesDescription="T1 post MEIER H.4711", PatientName="Meier^Franz", PatientID="H.4711")
    assert found.description == "T1 post MEIER H.4711"
    label = Series("1.2", "1.1", (), found, "p").label
    assert label == 'without number "T1 post … H.4711"'
    unlucky = facts(SeriesDescription="T1 post", PatientName="Post^Anna")
    assert unlucky.title == "T1 post"


def test_a_dose_of_contrast_agent_is_collected_without_its_name():
    header = Dataset()
    header.ContrastBolusAgent = ""
    assert facts_of(header, instances=1, directions=1, ours=False).contrast_dose == ""
    header.ContrastBolusVolume, header.ContrastBolusRoute = 7.5, "IV"
    assert facts_of(header, instances=1, directions=1, ours=False).contrast_dose == "7.5 ml, route IV"
    header.ContrastBolusVolume, header.ContrastBolusRoute = 0, "NONE"
    assert facts_of(header, instances=1, directions=1, ours=False).contrast_dose == ""
