"""Certificates: ours, theirs, and those that do not fit."""

from __future__ import annotations

import http.server
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from scripts.data.errors import BadInputError

pytest.importorskip("dicomweb_client", reason="no dicomweb_client: pip install -r requirements-clinic.txt")

from scripts.pacs.connect import connect
from scripts.pacs.errors import PacsError
from scripts.pacs.tls import Tls, key_password


@pytest.fixture
def server(certificates):
    """URL of a DICOMweb service that wants a certificate of its clients."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "application/dicom+json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_):
            pass

    certificate, key = certificates[0]
    found = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = Tls(ca_file=certificate, certificate=certificate, key=key).for_server()
    found.socket = context.wrap_socket(found.socket, server_side=True)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{found.server_port}/dicom-web"
    found.shutdown()
    found.server_close()


def ask(url, **options):
    return connect(url, attempts=1, timeout=5, tls=Tls(**options)).find_studies(study_uid="1.2.3")


def test_both_sides_show_a_certificate(server, certificates):
    (certificate, key), (other, other_key) = certificates
    assert ask(server, ca_file=certificate, certificate=certificate, key=key) == []
    with pytest.raises(PacsError, match="no certificate that is trusted"):
        ask(server, ca_file=other, certificate=certificate, key=key)
    with pytest.raises(PacsError, match="no certificate that is trusted"):
        ask(server, certificate=certificate, key=key)
    for options in ({}, {"certificate": other, "key": other_key}):
        with pytest.raises(PacsError, match="certificate|broke off"):
            ask(server, ca_file=certificate, **options)


def test_checks_are_left_out_only_on_request_and_with_a_warning(server, certificates, caplog):
    certificate, key = certificates[0]
    assert ask(server, certificate=certificate, key=key, check=False) == []
    assert "is not checked: anybody on the way can read and change" in caplog.text


def test_the_key_may_be_encrypted(server, certificates, tmp_path, monkeypatch):
    certificate, key = certificates[0]
    locked = tmp_path / "locked.pem"
    command = ["openssl", "rsa", "-aes256", "-passout", "pass:correct horse", "-in", key, "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setenv("KEY_PASSWORD", "correct horse")
    options = {"ca_file": certificate, "certificate": certificate, "key": str(locked)}
    assert ask(server, **options, key_password=key_password("KEY_PASSWORD")) == []
    for password in (None, "wrong"):
        with pytest.raises(BadInputError, match="cannot be used .*--pacs_key_password_variable") as refused:
            ask(server, **options, key_password=password)
        assert "wrong" not in str(refused.value)


def test_a_key_that_others_may_read_is_told_of(certificates, tmp_path, caplog):
    certificate, key = certificates[0]
    shared = tmp_path / "shared.pem"
    shared.write_bytes(Path(key).read_bytes())
    shared.chmod(0o644)
    Tls(certificate=certificate, key=str(shared)).for_client()
    assert "holds a private key: run chmod 600" in caplog.text


def test_files_that_do_not_fit_are_told(certificates, tmp_path):
    (certificate, key), (_, other_key) = certificates
    with pytest.raises(BadInputError, match="cannot be used"):
        Tls(certificate=certificate, key=other_key).for_client()
    with pytest.raises(BadInputError, match="cannot be used"):
        Tls(certificate=str(tmp_path / "none.pem")).for_client()
    with pytest.raises(BadInputError, match="--listen_key is given without its certificate"):
        Tls(key=key, option="listen")
    with pytest.raises(BadInputError, match="needs a certificate"):
        Tls().for_server()


def test_old_versions_of_tls_are_not_spoken(certificates):
    certificate, key = certificates[0]
    tls = Tls(ca_file=certificate, certificate=certificate, key=key)
    for context in (tls.for_client(), tls.for_server()):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert tls.for_client().check_hostname
    assert tls.for_server().verify_mode == ssl.CERT_REQUIRED
