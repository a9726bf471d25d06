"""The set-up picks the right torch and reports what is missing."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def load_tool():
    spec = importlib.util.spec_from_file_location("setup_env", ROOT / "tools" / "setup_env.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(*names: str) -> dict:
    return {"install": [{"metadata": {"name": name}} for name in names]}


def find_python(*, path: str, python: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path, **({"PYTHON": python} if python else {})}
    command = [shutil.which("sh"), str(ROOT / "tools" / "find_python.sh")]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def write_program(path: Path, text: str) -> None:
    path.write_text(f"#!{shutil.which('sh')}\n{text}\n")
    path.chmod(0o755)


class TestTorchBuild:
    def test_a_build_with_cuda_is_recognised_by_what_it_pulls(self):
        pulls = load_tool().pulls_cuda
        assert pulls(report("torch", "sympy", "nvidia-cublas"))
        assert pulls(report("torch", "cuda-toolkit"))
        assert pulls(report("torch", "triton"))

    def test_a_build_without_cuda_is_recognised(self):
        assert not load_tool().pulls_cuda(report("torch", "sympy", "filelock", "networkx", "jinja2"))


class TestRequirements:
    def test_comments_and_includes_are_left_out(self, tmp_path):
        file = tmp_path / "requirements.txt"
        file.write_text("# why\n-r other.txt\ntorch==2.13.0   # first\n\nnumpy>=1.26,<3\n")
        assert load_tool().read_requirements(file) == ["torch==2.13.0", "numpy>=1.26,<3"]

    def test_torch_is_pinned_and_everything_else_is_bounded(self):
        files = (ROOT / "requirements.txt", ROOT / "requirements-dev.txt")
        first, *rest = load_tool().read_requirements(*files)
        assert first.startswith("torch==")
        assert all(",<" in line or "==" in line for line in rest)


class TestFindPython:
    @pytest.mark.skipif(sys.version_info >= (3, 14), reason="needs a Python in range")
    def test_a_shim_that_fails_is_passed_over(self, tmp_path):
        write_program(tmp_path / "python3", "exit 127")
        write_program(tmp_path / "python3.13", f'exec "{sys.executable}" "$@"')
        assert find_python(path=str(tmp_path)).stdout.strip() == "python3.13"

    def test_the_named_python_is_taken_although_its_path_has_a_space(self, tmp_path):
        folder = tmp_path / "my tools"
        folder.mkdir()
        write_program(folder / "python", f'exec "{sys.executable}" "$@"')
        found = find_python(path=os.defpath, python=str(folder / "python"))
        assert found.stdout.strip() == str(folder / "python")

    def test_a_python_without_ensurepip_says_what_to_install(self, tmp_path):
        lacks = f'case "$2" in *ensurepip*) exit 1;; esac\nexec "{sys.executable}" "$@"'
        write_program(tmp_path / "python3", lacks)
        found = find_python(path=str(tmp_path))
        minor = f"{sys.version_info.major}.{sys.version_info.minor}"
        assert found.returncode == 1
        assert f"apt-get install python{minor}-venv" in found.stderr

    def test_no_python_at_all_says_which_are_wanted(self, tmp_path):
        found = find_python(path=str(tmp_path))
        assert found.returncode == 1
        assert "no Python 3.10 to 3.13 was found" in found.stderr
        assert "make PYTHON=" in found.stderr


class TestCommands:
    @pytest.mark.slow
    def test_the_command_of_a_checkout_runs_its_code_and_needs_no_torch_for_its_help(self, tmp_path):
        for name in ("pyproject.toml", "README.md", "LICENSE", "requirements.txt"):
            shutil.copy(ROOT / name, tmp_path)
        shutil.copytree(ROOT / "fusioninn", tmp_path / "fusioninn")
        shutil.copytree(ROOT / "bundle" / "configs", tmp_path / "bundle" / "configs")
        shutil.copytree(ROOT / "bundle" / "scripts", tmp_path / "bundle" / "scripts")
        tool = load_tool()
        tool.ROOT = tmp_path
        environment = tool.Environment(tmp_path / "venv")
        environment.create()
        environment.install_commands()
        for words, shown in (["where"], f"{tmp_path / 'bundle'}\n"), (["fuse", "--help"], "fusioninn fuse DIR OUT"):
            line = [tmp_path / "venv" / "bin" / "fusioninn", *words]
            done = subprocess.run(line, cwd=os.sep, capture_output=True, text=True)
            assert done.stdout.startswith(shown), done.stderr
