"""Log in to a web service of a PACS, with the certificates that the user named."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from .tls import Tls

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def web_session(url: str, user: str | None, password: str | None, tls: Tls) -> requests.Session:
    """Return a session for a web service, without contacting it yet.

    Args:
        url: of the service.
        user: name to log in with, or None.
        password: the user's, or None.
        tls: certificates.

    Raises:
        BadInputError: a file of certificates cannot be used.
    """
    session = _Session()
    if user is not None:
        session.auth = (user, password or "")
        if url.startswith("http:") and urlsplit(url).hostname not in LOOPBACK:
            logging.getLogger(__name__).warning(
                f"{url} is not encrypted: password and images can be read on the way. Use https."
            )
    if tls != Tls(option=tls.option):
        session.verify = tls.check
        session.mount("https://", _Encrypted(tls))
    if not tls.check:
        logging.getLogger(__name__).warning(
            f"The certificate of {urlsplit(url).hostname} is not checked: anybody on the way can read and change what "
            "is sent. Give its authority by --pacs_ca_file instead."
        )
    return session


class _Session(requests.Session):
    """Trust what was named, whatever the environment variables name."""

    def merge_environment_settings(self, *args: Any) -> dict[str, Any]:
        settings = super().merge_environment_settings(*args)
        named = isinstance(self.get_adapter("https://"), _Encrypted)
        return {**settings, "verify": self.verify} if named else settings


class _Encrypted(HTTPAdapter):
    """Connect with our own context of TLS."""

    def __init__(self, tls: Tls) -> None:
        self.tls = tls
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self.tls.for_client(), **options)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the trusted certificates to the context; requests would add its own."""
        conn.cert_reqs = "CERT_REQUIRED" if self.tls.check else "CERT_NONE"

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> tuple[Any, Any]:
        """Leave the context of the pool in place; requests would replace it by its own."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        for name in ("ca_certs", "ca_cert_dir", "cert_reqs", "ssl_context"):
            pool.pop(name, None)
        return host, pool
