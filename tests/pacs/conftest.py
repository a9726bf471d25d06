"""A real PACS (Orthanc) for the tests, studies in it, and connections that break."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from scripts.pacs.archive import Archive

USER, PASSWORD = "reader", "correct horse"
TITLE, OURS = "ORTHANC", "FUSIONINN"
SHAPE = (32, 36, 5)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def orthanc_files() -> tuple[str, Path]:
    """Find Orthanc and its DICOMweb plugin, or skip."""
    binary = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin")
    if binary is None:
        pytest.skip("no Orthanc: apt-get install orthanc orthanc-dicomweb")
    places = ["/usr/share/orthanc/plugins", "/usr/lib/orthanc/plugins", "/usr/local/share/orthanc/plugins"]
    for place in [os.environ.get("ORTHANC_PLUGINS", ""), *places]:
        plugin = Path(place) / "libOrthancDicomWeb.so"
        if place and plugin.exists():
            return binary, plugin
    pytest.skip("no DICOMweb plugin of Orthanc: apt-get install orthanc-dicomweb")


@dataclass(frozen=True)
class Server:
    """Where an Orthanc listens."""

    http: int
    dicom: int
    receive: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}/dicom-web"

    def connect(self, way: str, **options) -> Archive:
        """Speak to it in one of three ways."""
        from scripts.pacs.connect import connect

        options = {"attempts": 1, "timeout": 10, **options}
        if way == "dicomweb":
            return connect(self.url, USER, PASSWORD, **options)
        port = self.receive if way == "c-move" else None
        return connect(f"dicom://{TITLE}@127.0.0.1:{self.dicom}", calling=OURS, receive_port=port, **options)


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory) -> Iterator[Server]:
    """An Orthanc of our own on free ports, which knows us, and goes when the tests are done."""
    binary, plugin = orthanc_files()
    folder = tmp_path_factory.mktemp("orthanc")
    server = Server(free_port(), free_port(), free_port())
    settings = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [str(plugin)],
        "HttpPort": server.http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: PASSWORD},
        "DicomAet": TITLE,
        "DicomPort": server.dicom,
        "DicomCheckCalledAet": True,
        "DicomModalities": {"ours": [OURS, "127.0.0.1", server.receive]},
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        "StableAge": 1,
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([binary, str(folder / "orthanc.json")], stdout=log, stderr=log, cwd=folder)
    try:
        wait_for(server, process, folder / "log")
        yield server
    finally:
        process.kill()
        process.wait(30)


def wait_for(server: Server, process: subprocess.Popen, log: Path) -> None:
    logins = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    logins.add_password(None, f"http://127.0.0.1:{server.http}", USER, PASSWORD)
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(logins), urllib.request.ProxyHandler({}))
    for _ in range(300):
        try:
            opener.open(f"http://127.0.0.1:{server.http}/system", timeout=2).close()
            return
        except OSError:
            assert process.poll() is None, log.read_text(errors="replace")
            time.sleep(0.1)
    raise AssertionError(f"Orthanc does not start:\n{log.read_text(errors='replace')}")


@pytest.fixture(scope="session")
def write_small_study() -> Callable[..., str]:
    """Return a function that writes a study with T1-Gd, FLAIR and a localizer and returns its UID."""

    def write(folder: Path, patient_id: str = "Secret-0815", **options) -> str:
        from pydicom import dcmread

        from scripts.phantom.study import write_study

        values = np.random.default_rng(7).integers(0, 900, SHAPE)
        volumes = {"t1gd": (values, np.eye(4)), "flair": (values[::-1], np.eye(4))}
        written = write_study(folder, volumes, patient_id=patient_id, patient_name="Doe^Secret", **options)
        return dcmread(written["t1gd"][0]).StudyInstanceUID

    return write


@pytest.fixture(scope="session")
def study(orthanc, write_small_study, tmp_path_factory) -> tuple[str, Path]:
    """UID and files of a study that is in the PACS."""
    folder = tmp_path_factory.mktemp("study")
    uid = write_small_study(folder)
    assert orthanc.connect("dicomweb").send(folder, new_study=True) == 13
    return uid, folder


@pytest.fixture(params=["dicomweb", "c-get", "c-move"])
def way(request) -> str:
    return request.param


@pytest.fixture
def archive(orthanc, way) -> Archive:
    """The PACS, spoken to in each way."""
    return orthanc.connect(way)


@pytest.fixture
def derive() -> Callable[[Path, Path], str]:
    """Return a function that writes a new series of the same study and returns its UID."""
    from pydicom import dcmread
    from pydicom.uid import generate_uid

    def write(source: Path, target: Path) -> str:
        series = generate_uid()
        target.mkdir(parents=True)
        for file in sorted(source.glob("*.dcm")):
            instance = dcmread(file)
            instance.SeriesInstanceUID = series
            instance.SOPInstanceUID = instance.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            instance.ImageType = ["DERIVED", "SECONDARY"]
            instance.save_as(target / file.name)
        return series

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
