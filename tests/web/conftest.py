"""The page for browsers, built once, and the bundle's own results to compare with."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from browser import browser, open_page
from fusion_page import give
from scripts import BUNDLE_ROOT
from scripts.cases.folders import FusedFolder
from scripts.cases.fuse import FuseVolume
from scripts.cases.volume_files import EstimatedVolumes, FusedVolume, Sidecar
from scripts.cases.volume_record import VolumeRecord
from scripts.networks import FusionINN
from scripts.networks.weights import fingerprint, load_weights
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd

ROOT = Path(__file__).resolve().parent.parent.parent
WEIGHTS = Path(BUNDLE_ROOT) / "models" / "model.pt"


@pytest.fixture(scope="session")
def tool() -> Any:
    """The program that builds the page."""
    spec = importlib.util.spec_from_file_location("build_web", ROOT / "tools" / "build_web.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def built(tool: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, as `make web` builds it; tests that need it are skipped without Node.js."""
    if shutil.which("npm") is None:
        pytest.skip("no Node.js: sh tools/setup_system.sh installs it, otherwise the page is not tested")
    return tool.build(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="session")
def open_with(open_page: Callable[..., Any], built: Path) -> Callable[..., Any]:
    """Return a function that gives files to a new page and waits for its state."""

    def open_it(*files: str | Path, state: str = "ready", **context: Any) -> Any:
        page = open_page(built, state="busy", **context)
        give(page, *files, state=state)
        return page

    return open_it


@pytest.fixture(scope="session")
def network() -> FusionINN:
    """The network with the shipped weights."""
    return load_weights(FusionINN(), str(WEIGHTS)).eval()


@pytest.fixture(scope="session")
def fuse_in_python(network: FusionINN) -> Callable[[dict[str, str], Path], Path]:
    """Return a function that fuses a patient as `configs/inference.json` does, and returns its folder."""

    def fuse(record: dict[str, str], folder: Path) -> Path:
        data = NormalizeSourcesd()(LoadSourcesd(with_seg=False)(record))
        case = FuseVolume(checkpoint=fingerprint(WEIGHTS))(network, data)
        FusedFolder(str(folder), [Sidecar(), FusedVolume(), EstimatedVolumes()], VolumeRecord())(case)
        return folder / record["patient"]

    return fuse
