"""A real PACS (Orthanc), studies that can be fused, and the parts of the service."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigParser

from pacs_fixtures import PASSWORD, USER, certificates, cut, free_port, orthanc
from phantom_studies.example import middle_of_sources

BUNDLE = Path(__file__).resolve().parents[2] / "bundle"
SIZE = (80, 72, 6)
CONFIGS = [str(BUNDLE / "configs" / f"{name}.json") for name in ("inference", "study", "pacs", "watch")]
QUICK = {"skull_stripping": False, "register": "never", "device": "cpu", "pacs_attempts": 1, "free_mb": 1}


@pytest.fixture
def store(tmp_path):
    """A new state."""
    from scripts.watch.store import Store

    found = Store(tmp_path / "state")
    yield found
    found.close()


@pytest.fixture(scope="session")
def brain() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The middle of the embedded example, by source."""
    return middle_of_sources(SIZE)


@pytest.fixture
def write_brain(brain, tmp_path) -> Callable[..., tuple[str, dict[str, list[Path]]]]:
    """Return a function that writes a new study and returns its UID and the files of each series."""
    from pydicom.uid import generate_uid

    from phantom_studies.study import write_study

    def write(slices: int = SIZE[2], uid: str | None = None, **options) -> tuple[str, dict[str, list[Path]]]:
        uid = uid or generate_uid()
        volumes = {source: (volume[:, :, :slices], affine) for source, (volume, affine) in brain.items()}
        identity = {"patient_id": f"Secret-{uid[-9:]}", "patient_name": "Doe^Secret"}
        return uid, write_study(tmp_path / f"sent-{uid[-9:]}-{slices}", volumes, study_uid=uid, **identity, **options)

    return write


@pytest.fixture
def build(orthanc, tmp_path, monkeypatch) -> Iterator[Callable[..., Any]]:
    """Return a function that builds the service of the config; another one takes the place of the one before."""
    if not (BUNDLE / "models" / "model.pt").is_file():
        pytest.skip("no weights are shipped with this copy")
    from scripts.outputs.locked import unlock_folder

    monkeypatch.setenv("FUSIONINN_PACS_PASSWORD", PASSWORD)
    built = []

    def end() -> None:
        for service in built:
            if service.receiver is not None:
                service.receiver.stop()
            service.store.close()
            if service.watcher._socket is not None:
                service.watcher._socket.close()
            unlock_folder(service.watcher.folder)
        built.clear()

    def make(**options) -> Any:
        end()
        parser = ConfigParser()
        parser.read_config(CONFIGS)
        pacs = {"pacs_url": orthanc.url, "pacs_user": USER, "state_dir": str(tmp_path / "state")}
        source = {} if "listen_port" in options else {"orthanc_url": f"http://127.0.0.1:{orthanc.http}"}
        for name, value in {**QUICK, **pacs, **source, **options}.items():
            parser[name] = value
        built.append(parser.get_parsed_content("service"))
        return built[-1]

    yield make
    end()


@pytest.fixture
def clean_environment() -> dict[str, str]:
    """Environment of a command of its own."""
    hidden = ("FUSIONINN_TRACEBACK", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**kept, "FUSIONINN_PACS_PASSWORD": PASSWORD, "OMP_NUM_THREADS": "1"}
