"""Encrypt connections: which certificates are trusted, and which one we show ourselves."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from scripts.data.errors import BadInputError

from .password import warn_if_shared


@dataclass(frozen=True)
class Tls:
    """Files of certificates and keys, in PEM format.

    Args:
        ca_file: certificates to trust instead of the system's, or None.
        certificate: our own, shown to the other side, or None.
        key: of our certificate; None if it is in the same file.
        key_password: of an encrypted key, or None.
        check: check the certificate and the host name of the other side. Defaults to True.
        option: beginning of the options in messages. Defaults to "pacs".
    """

    ca_file: str | None = None
    certificate: str | None = None
    key: str | None = None
    key_password: str | None = None
    check: bool = True
    option: str = "pacs"

    def __post_init__(self) -> None:
        if self.key is not None and self.certificate is None:
            raise BadInputError(
                f"--{self.option}_key is given without its certificate. Give --{self.option}_certificate as well."
            )

    def for_client(self) -> ssl.SSLContext:
        """Return the context for connections to others.

        Raises:
            BadInputError: a file cannot be used.
        """
        context = ssl.create_default_context(cafile=self._trusted())
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if not self.check:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self._show_own(context)
        return context

    def for_server(self) -> ssl.SSLContext:
        """Return the context for connections of others to us; with `ca_file`, they must show a certificate.

        Raises:
            BadInputError: a file cannot be used, or there is no certificate.
        """
        if self.certificate is None:
            raise BadInputError(f"An encrypted port needs a certificate. Give --{self.option}_certificate.")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self._trusted())
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.ca_file is not None:
            context.verify_mode = ssl.CERT_REQUIRED
        self._show_own(context)
        return context

    def _trusted(self) -> str | None:
        if self.ca_file is None:
            return None
        path = str(Path(self.ca_file).expanduser())
        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:  # ssl.SSLError is one
            raise BadInputError(
                f"--{self.option}_ca_file {path} holds no certificates that can be read ({error.strerror or error}). "
                "Give a file of certificates in PEM format."
            ) from error
        return path

    def _show_own(self, context: ssl.SSLContext) -> None:
        if self.certificate is None:
            return
        certificate = Path(self.certificate).expanduser()
        key = certificate if self.key is None else Path(self.key).expanduser()
        try:
            # A password that is missing must not be asked for at the terminal.
            context.load_cert_chain(certificate, key, password=self.key_password or "")
        except OSError as error:
            raise BadInputError(
                f"The certificate {certificate} and its key {key} cannot be used ({error.strerror or error}). Give "
                f"PEM files that belong together by --{self.option}_certificate and --{self.option}_key; the password "
                "of an encrypted key is read from the environment variable that --pacs_key_password_variable names."
            ) from error
        warn_if_shared(key, "a private key")


def key_password(variable: str | None) -> str | None:
    """Return the password of an encrypted key from an environment variable, or None."""
    return os.environ.get(variable or "") or None
