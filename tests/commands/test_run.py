"""A short command does what MONAI's command does, and ends with what it made and what is useful next."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from warm_python import run_processes, run_python

ROOT = Path(__file__).resolve().parents[2]
SMALL = ["--device", "cpu", "--overview", "false", "--typicality", "false"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / "bundle/models/model.pt").is_file(), reason="no weights are shipped with this copy"),
]


def command(*words: object, cwd: Path):
    """Run a short command in a folder of the user."""
    return run_python("-m", "fusioninn", *words, cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.fixture
def folder(tmp_path, write_patient) -> Path:
    """Folder of a user with two patients in `DIR`."""
    for name in ("P1", "P2"):
        write_patient(tmp_path / "DIR", name, shape=(32, 36, 4))
    return tmp_path


def test_fusing_and_decomposing_writes_what_monai_s_command_writes(folder):
    done = command("fuse", "DIR", "OUT", *SMALL, "--report=false", "--fused-dtype", "uint8", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    *_, last, made_1, made_2, made_3, made_4, next_1, next_2 = done.stdout.splitlines()
    assert last.endswith(" - INFO - 2 patient(s) done; results are in OUT")
    assert [made_1, made_2, made_3, made_4] == [
        "Made: OUT/<patient>/<patient>_flair_decomposed.nii.gz   (2 files)",
        "      OUT/<patient>/<patient>_fused.json   (2 files)",
        "      OUT/<patient>/<patient>_fused.nii.gz   (2 files)",
        "      OUT/<patient>/<patient>_t1gd_decomposed.nii.gz   (2 files)",
    ]
    assert [line.split("   #")[0].rstrip() for line in (next_1, next_2)] == [
        "Next: python -m fusioninn decompose OUT",
        "      python -m fusioninn report OUT DIR",
    ]

    words = ["-m", "monai.bundle", "run", "--args_file", "configs/tasks/fuse.json", "--fused_dtype", "uint8"]
    places = ["--dataset_dir", folder / "DIR", "--output_dir", folder / "OUT_MONAI"]
    done = run_python(*words, *places, *SMALL, cwd=ROOT / "bundle")
    assert done.returncode == 0, done.stderr
    for name in ("P1", "P2"):
        for file in (f"{name}_fused.nii.gz", f"{name}_t1gd_decomposed.nii.gz", f"{name}_flair_decomposed.nii.gz"):
            ours, monai = (nib.load(folder / out / name / file) for out in ("OUT", "OUT_MONAI"))
            assert ours.get_data_dtype() == monai.get_data_dtype()
            assert np.array_equal(np.asarray(ours.dataobj), np.asarray(monai.dataobj))

    done = command("decompose", "OUT", "--overview=false", "--device=cpu", "--quiet", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (folder / "OUT/decomposed/P2/P2_flair_decomposed.nii.gz").is_file()


def test_three_levels_of_the_log(folder):
    normal, verbose, quiet = (
        command("evaluate", "DIR", f"TABLES{level}", "--metrics=false", "--device=cpu", *level.split(), cwd=folder)
        for level in ("", " --verbose", " --quiet")
    )
    assert [done.returncode for done in (normal, verbose, quiet)] == [0, 0, 0]
    table = normal.stdout[normal.stdout.index("2 patient(s), ") :].splitlines()
    assert table[0].endswith("Mean SSIM with the sources over slices:")
    assert table[1].split("  ")[-1] == "inside the brain"
    assert [row.split("  ")[0] for row in table[2:7]] == [
        *("fused", "plain mean", "plain maximum", "decomposed t1gd", "decomposed flair")
    ]
    assert "Made: TABLES/slices.csv\n      TABLES/patients.csv\n      TABLES/summary.json\n" in normal.stdout
    assert "DEBUG" not in normal.stdout
    first = next(line for line in verbose.stdout.splitlines() if "DEBUG - runs: " in line)
    assert "python -m monai.bundle run --config_file " in first
    assert first.endswith("--device cpu --metrics false --dataset_dir DIR --output_dir 'TABLES --verbose'")
    assert (quiet.stdout, quiet.stderr) == ("", "")


def test_a_task_that_fails_ends_with_code_1_and_its_message(folder):
    done = command("fuse", "NOWHERE", "OUT", "--quiet", cwd=folder)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: the data set folder ") and done.stderr.count("\n") == 1


def test_options_that_have_no_effect_are_refused_as_by_monai_s_command(folder):
    done = command("fuse", "DIR", "OUT", "--lossless", "--fused_dtype=uint8", cwd=folder)
    assert done.returncode == 1
    assert "Error: --fused_dtype has no effect with --lossless true." in done.stderr


def test_the_next_command_has_the_options_that_it_needs(folder):
    done = command("fuse", "DIR", "OUT", *SMALL, "--lossless", cwd=folder)
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("Next: "))
    words = shlex.split(line.removeprefix("Next: python -m fusioninn "), comments=True)
    assert words == ["decompose", "OUT", "--lossless", "true"]
    again = command(*words, "--overview=false", cwd=folder)
    assert again.returncode == 0, again.stderr
    source = np.asarray(nib.load(folder / "DIR/P1/P1_flair.nii.gz").dataobj)
    assert np.array_equal(np.asarray(nib.load(folder / "OUT/decomposed/P1/P1_flair_decomposed.nii.gz").dataobj), source)


def test_training_names_its_weights_and_the_command_that_measures_them(folder):
    small = ["--epochs=1", "--network_def#blocks", "2", "--image_size", "32,32", "--device=cpu"]
    done = command("train", "DIR", "RUN", *small, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "Made: RUN/model.pt\n      RUN/last.pt\n      RUN/history.csv\n      RUN/split.json\n" in done.stdout
    line = next(line for line in done.stdout.splitlines() if line.startswith("Next: "))
    words = shlex.split(line.removeprefix("Next: python -m fusioninn "), comments=True)
    assert words == shlex.split(
        "evaluate DIR RUN/tables --ckpt_path RUN/model.pt --split_file RUN/split.json --network_def#blocks 2"
    )
    done = command(*words, "--metrics=false", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "1 patient(s), " in done.stdout


def test_several_processes_say_once_what_all_of_them_made(folder):
    words = ["fuse", "DIR", "OUT", *SMALL, "--config", "distributed"]
    first, second = run_processes(
        2, "-m", "fusioninn", *words, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    )
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "Made: OUT/<patient>/<patient>_flair_decomposed.nii.gz   (2 files)\n" in first.stdout
    assert "Next: python -m fusioninn decompose OUT --config distributed " in first.stdout
    assert "Made:" not in second.stdout
