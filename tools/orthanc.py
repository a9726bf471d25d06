"""A local PACS for tests and benchmarks: Orthanc with its DICOMweb plugin on free ports."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

USER, PASSWORD = "reader", "correct horse"
TITLE, OURS = "ORTHANC", "FUSIONINN"
PLUGIN_FOLDERS = ("/usr/share/orthanc/plugins", "/usr/lib/orthanc/plugins", "/usr/local/share/orthanc/plugins")


@dataclass(frozen=True)
class Orthanc:
    """Ports of a running Orthanc.

    Args:
        http: port of DICOMweb.
        dicom: port of DIMSE.
        receive: port to which it sends the images requested by C-MOVE.
    """

    http: int
    dicom: int
    receive: int

    @property
    def url(self) -> str:
        """URL of DICOMweb."""
        return f"http://127.0.0.1:{self.http}/dicom-web"

    @property
    def dimse_url(self) -> str:
        """URL of DIMSE."""
        return f"dicom://{TITLE}@127.0.0.1:{self.dicom}"


def find_orthanc() -> tuple[str, Path]:
    """Return Orthanc and its DICOMweb plugin.

    Raises:
        FileNotFoundError: either is not installed.
    """
    binary = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin")
    if binary is None:
        raise FileNotFoundError("Orthanc is not installed: apt-get install orthanc orthanc-dicomweb")
    for folder in (os.environ.get("ORTHANC_PLUGINS", ""), *PLUGIN_FOLDERS):
        plugin = Path(folder) / "libOrthancDicomWeb.so"
        if folder and plugin.exists():
            return binary, plugin
    raise FileNotFoundError("Orthanc's DICOMweb plugin is not installed: apt-get install orthanc-dicomweb")


@contextmanager
def running_orthanc(folder: Path) -> Iterator[Orthanc]:
    """Start an Orthanc that accepts our requests, and stop it afterwards.

    Args:
        folder: folder for its storage, settings and log.

    Raises:
        FileNotFoundError: it is not installed.
        RuntimeError: it did not start.
    """
    binary, plugin = find_orthanc()
    server = Orthanc(_free_port(), _free_port(), _free_port())
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
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([binary, str(folder / "orthanc.json")], stdout=log, stderr=log, cwd=folder)
    try:
        _wait_for(server, process, folder / "log")
        yield server
    finally:
        process.kill()
        process.wait(30)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait_for(server: Orthanc, process: subprocess.Popen, log: Path) -> None:
    logins = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    logins.add_password(None, f"http://127.0.0.1:{server.http}", USER, PASSWORD)
    opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(logins), urllib.request.ProxyHandler({}))
    for _ in range(300):
        try:
            opener.open(f"http://127.0.0.1:{server.http}/system", timeout=2).close()
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise RuntimeError(f"Orthanc did not start:\n{log.read_text(errors='replace')}")
