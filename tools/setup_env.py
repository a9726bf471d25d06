"""Build the virtual environment that `make` uses.

torch is installed first. If pip would install a CUDA build on a machine without an NVIDIA GPU, the CPU build is
installed with uv, which knows PyTorch's package index, so that this repository need not contain its address. Every step
can be repeated, and the stamp is written last, so that an interrupted set-up continues where it stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMP = ".ready"
REQUIREMENTS = ("requirements.txt", "requirements-clinic.txt", "research/requirements.txt", "requirements-dev.txt")
CUDA_PACKAGE = re.compile(r"^(nvidia|cuda|triton)\b", re.IGNORECASE)


class SetupError(Exception):
    """A failure of the set-up, with the remedy."""


def read_requirements(*files: Path) -> list[str]:
    """Return the requirements of `files` without comments and includes."""
    lines = (line.split("#")[0].strip() for file in files for line in file.read_text().splitlines())
    return [line for line in lines if line and not line.startswith("-")]


def pulls_cuda(report: dict) -> bool:
    """Return whether pip's installation report lists packages that only a GPU needs."""
    return any(CUDA_PACKAGE.match(item["metadata"]["name"]) for item in report["install"])


def has_nvidia_gpu() -> bool:
    """Return whether an NVIDIA driver responds."""
    if shutil.which("nvidia-smi") is None:
        return False
    return subprocess.run(["nvidia-smi", "-L"], capture_output=True).returncode == 0


class Environment:
    """The virtual environment in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        self.quiet = [] if sys.stdout.isatty() else ["--quiet"]

    def run(self, *arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
        """Run the environment's Python with `arguments`."""
        return subprocess.run([str(self.python), *arguments], text=True, capture_output=capture)

    def pip(self, *arguments: str) -> bool:
        """Install with pip; return whether it succeeded."""
        options = ["--disable-pip-version-check", *self.quiet]
        return self.run("-m", "pip", "install", *options, *arguments).returncode == 0

    def uv(self, *arguments: str) -> bool:
        """Install with uv, which is first installed into the environment; return whether it succeeded."""
        if not self.pip("uv>=0.9"):
            return False
        options = ["--python", str(self.python), *self.quiet]
        return self.run("-m", "uv", "pip", "install", *options, *arguments).returncode == 0

    def create(self) -> None:
        """Create the environment, or recreate it if it does not run."""
        if self.python.exists() and self.run("-m", "pip", "--version", capture=True).returncode == 0:
            return
        say(f"virtual environment in {self.folder.name}, Python {sys.version.split()[0]}")
        command = [sys.executable, "-m", "venv", "--clear", str(self.folder)]
        if subprocess.run(command).returncode != 0:
            raise SetupError(f"the virtual environment {self.folder} could not be created, see above")

    def version_of(self, package: str) -> str | None:
        """Return the installed version of `package`, or None."""
        code = f"from importlib.metadata import version; print(version({package!r}))"
        found = self.run("-c", code, capture=True)
        return found.stdout.strip() if found.returncode == 0 else None

    def would_pull_cuda(self, requirement: str) -> bool:
        """Ask pip, without installing, whether `requirement` would install CUDA packages."""
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            if not self.pip("--dry-run", "--report", str(report), requirement):
                raise SetupError(
                    f"pip finds no {requirement} for Python {sys.version.split()[0]} on"
                    f" {sys.platform} {os.uname().machine}, see above.\n"
                    "  Without a network connection: connect and run the same command again.\n"
                    "  Otherwise name a build: make TORCH_INSTALL='/where/it/is/torch.whl' demo"
                )
            return pulls_cuda(json.loads(report.read_text()))

    def install_torch(self, requirement: str) -> None:
        """Install torch, with CUDA only if there is an NVIDIA GPU."""
        own = os.environ.get("TORCH_INSTALL", "").strip()
        installed = self.version_of("torch")
        if installed is not None and (own or installed.split("+")[0] == requirement.split("==")[1]):
            return
        if own:
            say(f"torch from TORCH_INSTALL: {own}")
            if not self.pip(*shlex.split(own)) or self.version_of("torch") is None:
                raise SetupError(f"pip install {own} (from TORCH_INSTALL) did not install torch, see above")
            return

        # pip supports --dry-run --report from 22.2 on; the one that comes with Python may be older.
        if not self.pip("pip>=23.1"):
            raise SetupError("pip could not be updated, see above. Check the network connection.")
        gpu = has_nvidia_gpu()
        if not gpu and not self.would_pull_cuda(requirement):
            say(f"{requirement} (about 200 MB)")
            done = self.pip(requirement)
        elif gpu:
            say(f"{requirement} for the NVIDIA GPU of this machine (about 3 GB)")
            # uv chooses the CUDA version by the driver; pip's is the newest.
            done = self.uv("--torch-backend=auto", requirement) or self.pip(requirement)
        else:
            say(f"{requirement}, the build without CUDA, as there is no NVIDIA GPU (about 200 MB)")
            done = self.uv("--torch-backend=cpu", requirement)
        if not done or self.version_of("torch") is None:
            raise SetupError(
                f"{requirement} could not be downloaded, see above.\n"
                "  Without a network connection, or access to PyTorch's package index: restore it"
                " and run the same command again.\n"
                "  To choose the build yourself, give pip's arguments, for instance\n"
                f"    make TORCH_INSTALL='{requirement}' demo   (pip's choice, with CUDA)\n"
                "    make TORCH_INSTALL='/where/it/is/torch.whl' demo"
            )

    def install_rest(self, requirements: list[str]) -> None:
        """Install `requirements` without changing the installed torch."""
        say(f"{len(requirements)} more packages from {', '.join(REQUIREMENTS)}")
        if not self.pip(f"torch=={self.version_of('torch')}", *requirements):
            raise SetupError(
                "the packages could not be installed, see above.\n"
                "  Without a network connection: connect and run the same command again."
            )

    def install_commands(self) -> None:
        """Install the command `fusioninn`, which runs the code of this checkout."""
        if not self.pip("--no-deps", "--editable", str(ROOT)):
            raise SetupError(
                "the command fusioninn could not be installed, see above.\n"
                "  Without a network connection: connect and run the same command again.\n"
                "  It is the same as: python -m fusioninn"
            )

    def device(self) -> str:
        """Return "GPU" or "CPU", the device that torch finds."""
        code = "import torch; print('GPU' if torch.cuda.is_available() else 'CPU')"
        found = self.run("-c", code, capture=True)
        if found.returncode != 0:
            raise SetupError(
                f"torch was installed but cannot be imported:\n{found.stderr.strip()}\n"
                "  Start over: make distclean, then the same command again."
            )
        return found.stdout.strip()


def say(message: str) -> None:
    """Print one step of the set-up."""
    print(f"Set-up: {message}", flush=True)


def set_up(folder: Path) -> None:
    """Install the requirements into the environment in `folder`."""
    requirements = read_requirements(*(ROOT / name for name in REQUIREMENTS))
    torch = next(line for line in requirements if line.startswith("torch=="))

    environment = Environment(folder)
    environment.create()
    environment.install_torch(torch)
    environment.install_rest([line for line in requirements if line != torch])
    environment.install_commands()
    device = environment.device()
    if has_nvidia_gpu() and device == "CPU":
        say("torch does not find the GPU of this machine: it may need a newer driver; the CPU is used")
    (folder / STAMP).touch()
    say(f"done, torch {environment.version_of('torch')} on the {device}")


def main() -> int:
    """Run the set-up; failures become one message on the terminal."""
    parser = argparse.ArgumentParser(description="Build the virtual environment of this project.")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="its folder")
    try:
        set_up(parser.parse_args().venv.absolute())
    except SetupError as error:
        print(f"Set-up: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("set-up interrupted; the same command continues from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
