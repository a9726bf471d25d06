from __future__ import annotations

import pytest

from scripts.data.errors import BadInputError

pytest.importorskip("dicomweb_client", reason="no dicomweb_client: pip install -r requirements-clinic.txt")
pytest.importorskip("pynetdicom", reason="no pynetdicom: pip install -r requirements-clinic.txt")

from scripts.pacs.connect import connect
from scripts.pacs.dicomweb import DicomWeb
from scripts.pacs.dimse import Dimse


def test_http_means_dicomweb():
    pacs = connect("https://pacs.example/dicom-web/", "reader", "secret")
    assert isinstance(pacs, DicomWeb)
    assert pacs.client.base_url == "https://pacs.example/dicom-web"


def test_dicom_means_dimse():
    pacs = connect("dicom://ARCHIVE@pacs.example:104", calling="OURS", receive_port=11112)
    assert isinstance(pacs, Dimse)
    assert (pacs.host, pacs.port, pacs.called, pacs.calling) == ("pacs.example", 104, "ARCHIVE", "OURS")
    assert pacs.address == "ARCHIVE@pacs.example:104"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (None, "Give --pacs_url"),
        ("", "Give --pacs_url"),
        ("pacs.example", "names no PACS"),
        ("ftp://pacs.example", "names no PACS"),
        ("dicom://pacs.example:104", "names no PACS"),
        ("dicom://ARCHIVE@pacs.example", "names no PACS"),
        ("https://pacs.example:port/", "is not a URL"),
    ],
)
def test_a_url_that_names_no_pacs_is_refused(url, message):
    with pytest.raises(BadInputError, match=message):
        connect(url)


SECRET_URLS = [
    "https://reader:hunter2@pacs.example/rs",
    "dicom://ARCHIVE:hunter2@pacs.example:104",
    "https://hunter2@pacs.example/rs",
    "https://pacs.example/rs?token=hunter2",
    "https://pacs.example/rs#hunter2",
    "https://reader:hunter2/x@pacs.example/rs",
    "https://reader:99hunter2",
    "ftp://reader:hunter2@pacs.example",
    "reader:hunter2@pacs.example",
]


@pytest.mark.parametrize("url", SECRET_URLS)
def test_a_password_in_the_url_is_refused_and_not_repeated(url):
    with pytest.raises(BadInputError, match="which logs would show|is not a URL|names no PACS") as refused:
        connect(url)
    assert "hunter2" not in str(refused.value)


def test_a_user_wants_a_password():
    with pytest.raises(BadInputError, match="without a password"):
        connect("https://pacs.example/rs", "reader")


def test_a_password_in_clear_is_told_of(caplog):
    connect("http://pacs.example/rs", "reader", "hunter2")
    assert "not encrypted" in caplog.text and "hunter2" not in caplog.text


def test_a_timeout_is_positive():
    with pytest.raises(BadInputError, match="--pacs_timeout"):
        connect("https://pacs.example/rs", timeout=0)
