"""Check the URL of a PACS before a log or message shows it."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from scripts.data.errors import BadInputError

FORMS = "https://HOST/PATH (DICOMweb), dicom://TITLE@HOST:PORT (DIMSE) or dicoms://… (DIMSE, encrypted)"
DIMSE = ("dicom", "dicoms")
"""Schemes of DIMSE, plain and encrypted."""


def check_address(url: str | None) -> SplitResult:
    """Check that a URL names a PACS and holds nothing secret, so that messages may show it.

    Args:
        url: ``https://host/path`` of a DICOMweb service, ``dicom://TITLE@host:port``, or ``dicoms://`` if encrypted.

    Returns:
        its parts.

    Raises:
        BadInputError: the URL is missing, does not name a PACS, or holds a password, which the message does not repeat.
    """
    if not url:
        raise BadInputError(f"No PACS is named. Give --pacs_url {FORMS}.")
    try:
        parts = urlsplit(str(url))
        host, port, title, password = parts.hostname, parts.port, parts.username, parts.password
    except ValueError:
        # The reason quotes the URL, which may hold a password.
        raise BadInputError(f"--pacs_url is not a URL, expected {FORMS}.") from None
    is_dicom = parts.scheme in DIMSE
    extra = parts.query or parts.fragment or "@" in parts.path or "@" in f"{host}{title or ''}"
    if password is not None or extra or (title is not None and not is_dicom):
        raise BadInputError(
            "--pacs_url holds a user, a password or a query, which logs would show. Give --pacs_user, and the password "
            "in the environment variable that --pacs_password_variable names or in --pacs_password_file."
        )
    if not host or not (parts.scheme in ("http", "https") or (is_dicom and port and title)):
        raise BadInputError(f"--pacs_url names no PACS; {FORMS} is expected.")
    return parts
