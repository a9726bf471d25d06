"""What several tests share: seeds, threads, the data folder, and small patients as real files."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.utils import set_determinism

from browser import browser, open_page  # noqa: F401  fixtures, one browser for all tests of a process
from scripts.command_line.plain_errors import plain_cause
from scripts.data.hidden import Identity, hide_in_messages
from scripts.export.exporter import Exporter
from scripts.networks import FusionINN
from scripts.transforms.normalize import normalize_slices

ROOT = Path(__file__).resolve().parent.parent
COSTLY = {
    **dict.fromkeys(("runtimes", "export"), "exports"),
    **dict.fromkeys(("registration", "phantom", "test_unregistered.py"), "heads"),
}
"""Folders and files whose tests share something that takes seconds to make or to load, and the name of that."""

SOURCE_OF_SUFFIX = {"t1ce": "t1gd", "t1c": "t1gd", "t1gd": "t1gd", "t2f": "flair", "flair": "flair"}


SLOW_FIXTURES = frozenset({"orthanc", "onnx_exports"})
"""Fixtures that take long to make: a PACS, and the exports for other runtimes. Their tests are slow."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of whole commands, in `tests` itself, first: they take longest. Mark those of `SLOW_FIXTURES`."""
    for item in items:
        if SLOW_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    items.sort(key=lambda item: item.path.parent != ROOT / "tests")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Run each file in one process, and all files that share a name in `COSTLY` in the same one."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByFixture(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            path = Path(file)
            return COSTLY.get(path.name) or COSTLY.get(path.parent.name) or file

    return ByFixture(config, log)


@pytest.fixture(scope="session", autouse=True)
def _few_threads() -> None:
    """One thread: tiny tensors gain nothing from more, and lose much where something else runs."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Start each test from the same random state, whichever tests ran before."""
    torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _nobody_is_hidden() -> Iterator[None]:
    """Let no test hide in the log what the next one looks for there."""
    yield
    hide_in_messages(Identity())


@pytest.fixture
def process_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what a command does to the process that it is given: for tests that run one in theirs."""
    monkeypatch.setattr(sys, "argv", sys.argv[:1])  # options of pytest are not options of the command
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    yield
    set_determinism(seed=None)


@pytest.fixture
def refused(command: Callable[..., None]) -> Callable[..., str]:
    """Return a function that runs the `command` of a test's file and returns the message that it ends with."""

    def run(*args: object, **overrides: object) -> str:
        with pytest.raises(Exception) as raised:
            command(*args, **overrides)
        cause = plain_cause(raised.value)
        assert cause is not None, raised.getrepr()
        return str(cause)

    return run


@pytest.fixture
def as_one_of() -> Callable[..., list[Any]]:
    """Return a function that gives what a task returns in each of several processes, set up as torchrun does it.

    They are forked from this one, which has imported already what takes long to import.
    """
    if sys.platform != "linux":
        pytest.skip("needs fork, which torch stands on Linux only")

    def run(processes: int, task: Callable[[], Any]) -> list[Any]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        context = multiprocessing.get_context("fork")
        answers = context.SimpleQueue()

        def work(rank: int) -> None:
            names = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "MASTER_PORT": port}
            os.environ |= {"MASTER_ADDR": "127.0.0.1", **{name: str(value) for name, value in names.items()}}
            answers.put((rank, task()))

        running = [context.Process(target=work, args=(rank,)) for rank in range(processes)]
        for process in running:
            process.start()
        for process in running:
            process.join(120)
        assert [process.exitcode for process in running] == [0] * processes
        return [answer for _, answer in sorted(answers.get() for _ in running)]

    return run


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real brain volumes beside the repository; tests that need them are skipped without."""
    folder = ROOT.parent / "shared" / "data"
    if not (folder / "open").is_dir():
        pytest.skip("no ../shared/data/open beside the repository: real volumes are not tested")
    return folder


def brain(shape: tuple[int, ...], contrast: str) -> np.ndarray:
    """Return a head-like volume in scanner units: smooth ellipsoids on a black background.

    Args:
        shape: voxels along each axis.
        contrast: "t1gd" has bright white matter and a bright rim round the lesion, "flair" a
            bright lesion and dark ventricles.
    """
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")

    def inside(centre: tuple[float, ...], radius: float) -> np.ndarray:
        distance = np.sqrt(sum((a - c) ** 2 for a, c in zip(axes, centre, strict=False))) / radius
        return 1 / (1 + np.exp(np.clip((distance - 1) * 25, -50, 50)))

    zero, aside = (0.0,) * 3, (0.35, 0.2, 0.1)
    head, white, ventricle = inside(zero, 0.85), inside(zero, 0.6), inside(zero, 0.18)
    lesion, core = inside(aside, 0.22), inside(aside, 0.14)
    waves = 1 + 0.05 * np.sin(9 * axes[0]) * np.cos(7 * axes[1])
    if contrast == "t1gd":
        volume = 420 * head + 260 * white - 500 * ventricle + 500 * (lesion - core) - 200 * core
    else:
        volume = 520 * head - 120 * white - 300 * ventricle + 480 * lesion - 260 * core
    volume = np.clip(volume * waves, 0, None)
    volume[head < 0.05] = 0
    return volume


@pytest.fixture(scope="session")
def write_patient() -> Callable[..., dict[str, str]]:
    """Return a function that writes one patient as NIfTI files and returns its record.

    `write_patient(folder, "P1")` writes `folder/P1/P1_t1ce.nii.gz` and `P1_flair.nii.gz`. A
    keyword names a file suffix: an array is written as it is (`seg=labels`), `None` leaves the file
    out (`flair=None`). The record holds "patient" and the path of each file under the source's name
    ("t1gd", "flair"; other suffixes under themselves).
    """

    def write(
        folder: Path,
        name: str,
        *,
        shape: tuple[int, ...] = (40, 48, 8),
        affine: np.ndarray | None = None,
        dtype: str = "int16",
        **modalities: np.ndarray | None,
    ) -> dict[str, str]:
        volumes: dict[str, np.ndarray | None] = {
            "t1ce": brain(shape, "t1gd"),
            "flair": brain(shape, "flair"),
            **modalities,
        }
        affine = np.diag([-1.0, -1.0, 1.0, 1.0]) if affine is None else affine
        (Path(folder) / name).mkdir(parents=True, exist_ok=True)
        record = {"patient": name}
        for suffix, volume in volumes.items():
            if volume is None:
                continue
            path = Path(folder) / name / f"{name}_{suffix}.nii.gz"
            image = nib.Nifti1Image(np.asarray(volume).astype(dtype), affine)
            image.header.set_xyzt_units("mm")
            nib.save(image, path)
            record[SOURCE_OF_SUFFIX.get(suffix, suffix)] = str(path)
        return record

    return write


@pytest.fixture(scope="session")
def small_network() -> FusionINN:
    """A network of few weights, every kind of step and couplings that do something."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(11)
        network = FusionINN(blocks=2, hidden_channels=4, latent_scale=0.5)
        for name, parameter in network.named_parameters():
            if "conv_1" in name:
                torch.nn.init.normal_(parameter, std=0.05)
    return network.requires_grad_(False).eval()


@pytest.fixture(scope="session")
def exporter(small_network: FusionINN, tmp_path_factory: pytest.TempPathFactory) -> Exporter:
    """Exporter of the small network, whose weights lie in `model.pt` in its folder."""
    folder = tmp_path_factory.mktemp("exported")
    torch.save(small_network.state_dict(), folder / "model.pt")
    metadata = ROOT / "bundle" / "configs" / "metadata.json"
    return Exporter(small_network, str(folder / "model.pt"), ["t1gd", "flair"], str(folder), str(metadata))


@pytest.fixture(scope="session")
def torch_exports(exporter: Exporter) -> Path:
    """Folder of the small network as TorchScript and as programs of torch.export."""
    exporter.torchscript()
    exporter.pt2()
    return exporter.folder


@pytest.fixture(scope="session")
def onnx_exports(exporter: Exporter) -> Path:
    """Folder of the small network as ONNX; tests that need it are skipped without the packages."""
    pytest.importorskip("onnx", reason="no onnx: pip install -r requirements-dev.txt")
    pytest.importorskip("onnxscript", reason="no onnxscript: pip install -r requirements-dev.txt")
    exporter.onnx()
    return exporter.folder


@pytest.fixture(scope="session")
def phantom_slices() -> torch.Tensor:
    """Slices (3, 2, H, W) of the embedded example, normalised."""
    folder = ROOT / "bundle" / "example" / "phantom-01"
    volumes = [
        torch.from_numpy(np.asarray(nib.load(folder / f"phantom-01_{name}.nii.gz").dataobj, dtype=np.float32))
        for name in ("t1ce", "flair")
    ]
    normalised, _ = normalize_slices(torch.stack(volumes), 2)
    depth = normalised.shape[3]
    return normalised[..., [depth // 3, depth // 2, 2 * depth // 3]].movedim(3, 0).contiguous()
