"""Connect to the PACS that a URL names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scripts.data.errors import BadInputError
from scripts.dicom.packages import require

from .address import DIMSE, check_address
from .attempts import Attempts
from .tls import Tls

if TYPE_CHECKING:
    from .archive import Archive


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
    tls: Tls | None = None,
) -> Archive:
    """Return the PACS at a URL, without contacting it yet.

    Args:
        url: ``https://host/path`` of a DICOMweb service, ``dicom://TITLE@host:port``, or ``dicoms://`` if encrypted.
        user: DICOMweb: name to log in with, or None.
        password: DICOMweb: the user's, or None.
        calling: DIMSE: our application entity title. Defaults to "FUSIONINN".
        receive_port: DIMSE: port to receive at by C-MOVE, None for C-GET. Defaults to None.
        modalities: series of these are fetched; empty for all. Defaults to MR.
        timeout: seconds to wait for an answer. Defaults to 30.
        attempts: how often it is asked. Defaults to 3.
        wait: seconds before the second attempt. Defaults to 1.
        ca_file: certificates to trust instead of the system's, or None.
        tls: these and our own certificate. Defaults to None (`ca_file` alone).

    Raises:
        BadInputError: the URL is missing, does not name a PACS, or holds a password.
    """
    parts = check_address(url)
    if timeout <= 0:
        raise BadInputError(f"--pacs_timeout ({timeout}) must be positive.")
    if user and password is None:
        raise BadInputError(
            "--pacs_user is given without a password. Put it into the environment variable that "
            "--pacs_password_variable names, or into --pacs_password_file."
        )
    tries = Attempts(attempts, wait)
    tls = tls or Tls(ca_file)
    if parts.scheme in DIMSE:
        require("pydicom", "pynetdicom", purpose="a PACS over DIMSE")
        from .dimse import Dimse

        return Dimse(
            *(parts.hostname, parts.port, parts.username, calling, timeout, tries, modalities, receive_port),
            tls if parts.scheme == "dicoms" else None,
        )
    require("pydicom", "dicomweb_client", purpose="a PACS over DICOMweb")
    from .dicomweb import DicomWeb

    return DicomWeb(url, str(user) if user else None, password, timeout, tries, modalities, tls)
