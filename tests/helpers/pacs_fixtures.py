"""A real PACS (Orthanc) for the tests, studies in it, certificates, and connections that break: fixtures to import."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from orthanc import OURS, PASSWORD, USER, Orthanc, find_orthanc, running_orthanc

if TYPE_CHECKING:
    from scripts.pacs.archive import Archive

SHAPE = (32, 36, 5)


class Server(Orthanc):
    """An Orthanc, and how the bundle speaks to it."""

    def connect(self, way: str, **options) -> Archive:
        """Speak to it in one of three ways."""
        from scripts.pacs.connect import connect

        options = {"attempts": 1, "timeout": 10, **options}
        if way == "dicomweb":
            return connect(self.url, USER, PASSWORD, **options)
        port = self.receive if way == "c-move" else None
        return connect(self.dimse_url, calling=OURS, receive_port=port, **options)


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory) -> Iterator[Server]:
    """An Orthanc of our own, which goes when the tests are done."""
    try:
        find_orthanc()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as server:
        yield Server(server.http, server.dicom, server.receive)


@pytest.fixture(scope="session")
def write_small_study() -> Callable[..., str]:
    """Return a function that writes a study with T1-Gd, FLAIR and a localizer and returns its UID."""

    def write(folder: Path, patient_id: str = "Secret-0815", **options) -> str:
        from pydicom import dcmread

        from phantom_studies.study import write_study

        values = np.random.default_rng(7).integers(0, 900, SHAPE)
        volumes = {"t1gd": (values, np.eye(4)), "flair": (values[::-1], np.eye(4))}
        written = write_study(folder, volumes, patient_id=patient_id, patient_name="Doe^Secret", **options)
        return dcmread(written["t1gd"][0]).StudyInstanceUID

    return write


@pytest.fixture
def cut() -> Iterator[Callable[..., int]]:
    """Return a function that gives a port which passes on to another, and dies after some bytes of answers."""
    stop = threading.Event()
    sockets: list[socket.socket] = []

    def passing(port: int, after: int, upwards: int = 1 << 30) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        sockets.append(listener)
        left = {"down": after, "up": upwards}

        def pump(source: socket.socket, target: socket.socket, way: str) -> None:
            try:
                while not stop.is_set() and (data := source.recv(4096)):
                    target.sendall(data[: max(left[way], 0)])
                    left[way] -= len(data)
                    if left[way] <= 0:
                        break
            except OSError:
                pass
            if left[way] <= 0:
                listener.close()
            for end in (source, target):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

        def accept() -> None:
            while not stop.is_set():
                try:
                    near = listener.accept()[0]
                    far = socket.create_connection(("127.0.0.1", port))
                except OSError:
                    return
                sockets.extend((near, far))
                for ends in ((near, far, "up"), (far, near, "down")):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    yield passing
    stop.set()
    for end in sockets:
        end.close()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory) -> list[tuple[str, str]]:
    """Files of two certificates and keys for this machine, each signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")
    found = []
    for name in ("ours", "other"):
        folder = tmp_path_factory.mktemp(name)
        certificate, key = folder / "certificate.pem", folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
             "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"],
            check=True, capture_output=True,
        )  # fmt: skip
        found.append((str(certificate), str(key)))
    return found


@pytest.fixture
def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
