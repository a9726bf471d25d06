"""The command answers at once, in the shape that users expect, from any folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.commands.layers import CONFIGS
from scripts.commands.main import main
from scripts.commands.tasks import tasks

ROOT = Path(__file__).resolve().parents[2]
NOTICE = "For research use only. Not for diagnosis or treatment."


def run(*words: str, cwd: Path, module: str = "fusioninn") -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, in another folder than the repository."""
    path = ROOT if module == "fusioninn" else ROOT / "bundle"
    environment = {**os.environ, "PYTHONPATH": str(path)}
    return subprocess.run(
        [sys.executable, "-m", module, *words], cwd=cwd, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("task", tasks())
def test_help_lists_every_option_with_default_in_one_line(task, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main([task, "--help"]) == 0
    text = capsys.readouterr().out
    assert NOTICE in text
    lines = [line for line in text.splitlines() if line.startswith("  --")]
    assert len(lines) == len({line.split()[0] for line in lines}) > 3
    assert all(len(line.split("  ")) >= 2 for line in lines)


def test_help_names_default_and_allowed_values(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    main(["fuse", "--help"])
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.startswith("  --")}
    shown = "--fused_dtype [uint16] how the fused image is stored (uint8, uint16, float32)"
    assert " ".join(lines["--fused_dtype"].split()) == shown
    assert "[bundle/models/model.pt]" in lines["--ckpt_path"]
    assert "[DIR]" in lines["--dataset_dir"]
    main(["train", "--recipe", "volumes", "--help"])
    assert "--image_size [36,36,36]" in capsys.readouterr().out


def test_help_takes_less_than_a_second_and_imports_no_torch(tmp_path):
    before = os.times()
    assert run("train", "--help", cwd=tmp_path).returncode == 0
    after = os.times()
    # of the processor, which other tests use at the same time
    assert after.children_user + after.children_system - before.children_user - before.children_system < 1
    code = (
        "import sys; from scripts.commands.main import main\n"
        "main(['pacs', '--help']); main(['fuse', '--nothing', '1'])\n"
        "sys.exit(sorted({'torch', 'monai', 'numpy'} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "bundle", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_folder_named_scripts_in_the_users_folder_does_no_harm(tmp_path):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "__init__.py").write_text("raise SystemExit('the wrong one')")
    done = run("where", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{ROOT / 'bundle'}\n")


def test_the_bundle_alone_has_the_commands_as_well(tmp_path):
    done = run("fuse", cwd=tmp_path, module="scripts")
    assert done.returncode == 2
    assert done.stderr.startswith("Error: DIR is missing")
    assert "python -m scripts TASK" in run(cwd=tmp_path, module="scripts").stdout


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]], ids=str)
def test_without_a_task_all_tasks_are_listed(words, capsys):
    assert main(words) == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")}
    assert tasks().keys() <= listed


def test_words_that_are_not_understood_end_with_code_2_and_one_line(capsys):
    for words in (["fse"], ["fuse", "a", "b", "--sed", "1"], ["help", "fse"], ["--quiet"], ["completion", "tcsh"]):
        assert main(words) == 2
        written = capsys.readouterr()
        assert written.out == ""
        assert written.err.startswith("Error: ") and written.err.count("\n") == 1


def test_version_and_folder_are_printed(capsys):
    main(["--version"])
    main(["where"])
    version, folder = capsys.readouterr().out.split()
    assert f'"version": "{version}"' in (CONFIGS / "metadata.json").read_text()
    assert folder == str(CONFIGS.parent)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_are_told_how_to_complete(shell, capsys):
    assert main(["completion", shell]) == 0
    assert "fusioninn" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("fusioninn dec", {"decompose", "decompose_pictures"}),
        ("fusioninn fuse D O --fused_dtype ", {"uint8", "uint16", "float32"}),
        ("fusioninn fuse D O --slices", {"--slices_at_once"}),
        ("fusioninn train D --recipe s", {"standard", "shipped_start", "shipped"}),
        ("fusioninn train D --recipe volumes --thick_", {"--thick_share"}),
        ("fusioninn evaluate D T --config methods/m", {"methods/max", "methods/mean"}),
    ],
)
def test_a_shell_gets_completions(line, expected, tmp_path):
    answer = tmp_path / "answer"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "_ARGCOMPLETE_IFS": "\n",
    }
    subprocess.run([sys.executable, "-m", "fusioninn"], env=environment, cwd=tmp_path, check=False)
    assert {word.strip() for word in answer.read_text().split("\n")} == expected
