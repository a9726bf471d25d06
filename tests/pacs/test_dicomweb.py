"""What goes wrong with a PACS over DICOMweb."""

from __future__ import annotations

import http.server
import ssl
import threading

import pytest

from scripts.data.errors import BadInputError
from scripts.pacs.errors import PacsError

pytest.importorskip("dicomweb_client", reason="no dicomweb_client: pip install -r requirements-clinic.txt")

from scripts.pacs.connect import connect


@pytest.fixture
def answering():
    """Return a function that gives the URL of a server which always answers the same."""
    servers = []

    def serve(status, body=b"", kind="text/html", certificate=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        scheme = "http"
        if certificate is not None:
            scheme, context = "https", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            servers[-1].socket = context.wrap_socket(servers[-1].socket, server_side=True)
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"{scheme}://127.0.0.1:{servers[-1].server_port}/dicom-web"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def ask(url, **options):
    return connect(url, **{"attempts": 1, "timeout": 2, **options}).find_studies(patient_id="Secret-0815")


def test_a_server_that_is_down_is_told(orthanc, cut):
    port = cut(orthanc.http, 0)
    url = f"http://127.0.0.1:{port}/dicom-web"
    with pytest.raises(PacsError, match="cannot be reached or broke off") as told:
        ask(url, user="reader", password="correct horse")
    assert told.value.temporary and "Secret" not in str(told.value) and "horse" not in str(told.value)
    with pytest.raises(PacsError, match="Is it up, and is --pacs_url right"):
        ask(url)


def test_a_wrong_password_is_told_at_once(orthanc):
    with pytest.raises(PacsError, match=r"refuses the user or the password \(HTTP 401\)") as told:
        ask(orthanc.url, user="reader", password="wrong", attempts=5, wait=60)
    assert not told.value.temporary


def test_no_password_is_told(orthanc):
    with pytest.raises(PacsError, match="HTTP 401"):
        ask(orthanc.url)


def test_a_path_without_dicomweb_is_told(orthanc):
    with pytest.raises(PacsError, match=r"is not a DICOMweb service \(HTTP 404\).*often ends in /dicom-web"):
        ask(f"http://127.0.0.1:{orthanc.http}/elsewhere", user="reader", password="correct horse")


def test_a_page_is_not_taken_for_an_answer(answering):
    with pytest.raises(PacsError, match="not as a DICOMweb service does"):
        ask(answering(200, b"<html>Welcome</html>"))


def test_json_of_something_else_is_not_taken_for_an_answer(answering):
    with pytest.raises(PacsError, match="not as a DICOMweb service does"):
        ask(answering(200, b'["hello"]', "application/json"))


@pytest.mark.parametrize("body", [b"[" * 200_000, b'[{"00081140":{"vr":"SQ","Value":[' * 50_000, b'[{"0020000D": 3}]'])
def test_json_that_nothing_can_be_made_of_is_told(answering, body):
    with pytest.raises(PacsError, match="not as a DICOMweb service does"):
        ask(answering(200, body, "application/dicom+json"))


def test_an_answer_without_a_uid_is_told(answering):
    body = b'[{"00100020": {"vr": "LO", "Value": ["Secret-0815"]}, "0020000D": {"vr": "UI", "Value": ["../../x"]}}]'
    with pytest.raises(PacsError, match="answers with a Study Instance UID that is missing or no UID"):
        ask(answering(200, body, "application/dicom+json"))


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_given_certificates_alone_count_whatever_the_environment_names(
    answering, certificates, monkeypatch, variable
):
    ours, other = certificates
    url = answering(200, b"[]", "application/dicom+json", certificate=ours)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, other[0])
    assert ask(url, ca_file=ours[0]) == []
    with pytest.raises(PacsError, match="no certificate that is trusted"):
        ask(url)
    monkeypatch.setenv(variable, ours[0])
    assert ask(url) == []
    with pytest.raises(PacsError, match="no certificate that is trusted"):
        ask(url, ca_file=other[0])


def test_a_file_without_certificates_is_told(tmp_path):
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("empty.pem", "none.pem"):
        with pytest.raises(BadInputError, match=f"--pacs_ca_file .*{name} holds no certificates"):
            ask("https://127.0.0.1:9/", ca_file=str(tmp_path / name))


def test_a_busy_server_is_asked_again(answering, caplog):
    with pytest.raises(PacsError, match="HTTP 503"):
        ask(answering(503), attempts=3, wait=0.01)
    assert caplog.text.count("Trying again") == 2


def test_a_server_without_studies_finds_none(answering):
    assert ask(answering(204)) == []


def test_a_silent_server_is_not_waited_for(orthanc):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(PacsError, match="does not answer in time"):
            ask(f"http://127.0.0.1:{silent.getsockname()[1]}/dicom-web", timeout=0.3)


@pytest.mark.parametrize("after", [9000, 20000, 30000])
def test_a_server_that_dies_while_it_sends_leaves_nothing(orthanc, study, cut, tmp_path, after, caplog):
    url = f"http://127.0.0.1:{cut(orthanc.http, after)}/dicom-web"
    pacs = connect(url, "reader", "correct horse", attempts=2, wait=0.01, timeout=5)
    with pytest.raises(PacsError, match="cannot be reached|broke off|does not answer"):
        pacs.fetch_study(study[0], tmp_path / "fetched")
    assert "Trying again" in caplog.text
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_server_that_dies_while_it_takes_is_told_and_a_second_try_mends_it(orthanc, study, derive, cut, tmp_path):
    derive(study[1] / "09_t1gd", tmp_path / "derived")
    url = f"http://127.0.0.1:{cut(orthanc.http, 1 << 30, upwards=5000)}/dicom-web"
    with pytest.raises(PacsError, match="cannot be reached|broke off|does not answer"):
        connect(url, "reader", "correct horse", attempts=1, timeout=5).send(tmp_path / "derived")
    assert orthanc.connect("dicomweb").send(tmp_path / "derived") == 5


def test_a_certificate_that_nobody_signed_is_told(orthanc):
    with pytest.raises(PacsError, match="cannot be reached|no certificate that is trusted"):
        ask(orthanc.url.replace("http:", "https:"))
