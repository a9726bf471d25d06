"""The PACS that a URL names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scripts.data.errors import BadInputError
from scripts.dicom.packages import require

from .attempts import Attempts
from .errors import PacsError

if TYPE_CHECKING:
    from .archive import Archive

FORMS = "https://HOST/PATH (DICOMweb) or dicom://TITLE@HOST:PORT (DIMSE)"


def connect(
    url: str | None,
    user: str | None = None,
    password: str | None = None,
    calling: str = "FUSIONINN",
    receive_port: int | None = None,
    modalities: Sequence[str] = ("MR",),
    timeout: float = 30.0,
    attempts: int = 3,
    wait: float = 1.0,
    ca_file: str | None = None,
) -> Archive:
    """Return the PACS at a URL; nothing is asked of it yet.

    Args:
        url: ``https://host/path`` of a DICOMweb service, or ``dicom://TITLE@host:port``.
        user: DICOMweb: name to log in with, or None.
        password: DICOMweb: the user's, or None.
        calling: DIMSE: our application entity title. Defaults to "FUSIONINN".
        receive_port: DIMSE: port to receive at by C-MOVE, None for C-GET. Defaults to None.
        modalities: series of these are fetched; empty for all. Defaults to MR.
        timeout: seconds to wait for an answer. Defaults to 30.
        attempts: how often it is asked. Defaults to 3.
        wait: seconds before the second attempt. Defaults to 1.
        ca_file: DICOMweb: certificates to trust instead of the system's, or None.

    Raises:
        BadInputError: there is no URL, or it names no PACS or holds a password.
    """
    if not url:
        raise BadInputError(f"No PACS is named. Give --pacs_url {FORMS}.")
    try:
        parts = urlsplit(url)
        host, port, title = parts.hostname, parts.port, parts.username
    except ValueError as error:
        raise BadInputError(f"--pacs_url is no URL ({error}); {FORMS} is expected.") from error
    if parts.password is not None or (title is not None and parts.scheme != "dicom"):
        raise BadInputError(
            "--pacs_url holds a user or a password, which logs would show. Give --pacs_user, and the password in the "
            "environment variable that --pacs_password_variable names or in --pacs_password_file."
        )
    if timeout <= 0:
        raise BadInputError(f"--pacs_timeout ({timeout}) must be positive.")
    if user and password is None:
        raise BadInputError(
            "--pacs_user is given without a password. Put it into the environment variable that "
            "--pacs_password_variable names, or into --pacs_password_file."
        )
    tries = Attempts(attempts, wait)
    if parts.scheme in ("http", "https") and host:
        require("pydicom", "dicomweb_client", purpose="a PACS over DICOMweb")
        from .dicomweb import DicomWeb

        return DicomWeb(url, str(user) if user else None, password, timeout, tries, modalities, ca_file)
    if parts.scheme == "dicom" and host and port and title:
        require("pydicom", "pynetdicom", purpose="a PACS over DIMSE")
        from .dimse import Dimse

        return Dimse(host, port, title, calling, timeout, tries, modalities, receive_port)
    raise PacsError(f"--pacs_url {url} names no PACS; {FORMS} is expected.")
