"""What leads back to the sources travels in the images."""

from __future__ import annotations

import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, MRImageStorage, generate_uid  # noqa: E402

import scripts  # noqa: E402
from scripts.data.errors import BadInputError  # noqa: E402
from scripts.dicom.private_block import CREATOR, DIGEST, GROUP, SIDECAR, read_block, write_block  # noqa: E402

CONTENT = {"Patient": "P-1", "SourceModalities": ["t1gd", "flair"], "IntensityScale": {"factor": [[0.1, 1e-7]]}}


@pytest.fixture
def image():
    image = pydicom.Dataset()
    image.SOPClassUID, image.SOPInstanceUID = MRImageStorage, generate_uid()
    return image


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian], ids=["explicit", "implicit"])
def test_it_comes_back_from_a_file_in_either_encoding(image, tmp_path, syntax):
    write_block(image, "fused", CONTENT)
    image.file_meta = pydicom.dataset.FileMetaDataset()
    image.file_meta.TransferSyntaxUID = syntax
    image.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    block = read_block(pydicom.dcmread(tmp_path / "a.dcm"), "a.dcm")
    assert (block.kind, block.version) == ("fused", scripts.__version__)
    assert block.sidecar == {key: value for key, value in CONTENT.items() if key != "Patient"}


def test_bytes_of_an_archive_that_forgot_the_types_are_understood(image):
    write_block(image, "estimate", CONTENT)
    block = image.private_block(GROUP, CREATOR)
    for element in (0x01, 0x02, 0x03):
        block[element].VR = "UN"
        block[element].value = str(block[element].value).encode() + b"\0"
    assert read_block(image, "a.dcm").sidecar["IntensityScale"]["factor"] == [[0.1, 1e-7]]


def test_it_says_that_it_is_safe_to_keep(image):
    write_block(image, "fused", CONTENT)
    (safe,) = image.PrivateDataElementCharacteristicsSequence
    assert (safe.PrivateGroupReference, safe.PrivateCreatorReference) == (GROUP, CREATOR)
    assert safe.BlockIdentifyingInformationStatus == "SAFE"


def test_an_image_without_it_has_none(image):
    assert read_block(image, "a.dcm") is None
    write_block(image, "fused", CONTENT)
    image.remove_private_tags()
    assert read_block(image, "a.dcm") is None


def test_a_change_is_told(image):
    write_block(image, "fused", CONTENT)
    element = image.private_block(GROUP, CREATOR)[SIDECAR]
    element.value = element.value.replace("0.1", "0.2")
    with pytest.raises(BadInputError, match=r"a\.dcm: the private elements .* were changed since they were written"):
        read_block(image, "a.dcm")


@pytest.mark.parametrize("text", ['{"Source', "[1]", '{"a": NaN}', "[" * 100_000], ids=["cut", "list", "NaN", "nested"])
def test_damage_is_told_without_a_checksum_as_version_0_4_0_wrote_it(image, text):
    write_block(image, "fused", CONTENT)
    block = image.private_block(GROUP, CREATOR)
    del block[DIGEST]
    block[SIDECAR].value = text
    with pytest.raises(BadInputError, match=r"a\.dcm: the private elements .* damaged"):
        read_block(image, "a.dcm")


def test_text_that_may_name_the_patient_stays_out(image):
    write_block(image, "fused", {**CONTENT, "Warnings": ["Musterfrau"], "Preparation": ["Erika"]})
    text = image.private_block(GROUP, CREATOR)[SIDECAR].value
    assert "Musterfrau" not in text and "Erika" not in text and "P-1" not in text
