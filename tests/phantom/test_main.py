"""`python -m scripts.phantom`, with phantoms in voxels of 12 mm."""

from __future__ import annotations

import json
import runpy
import sys

import nibabel as nib
import numpy as np
import pytest


@pytest.fixture
def command(monkeypatch):
    """Return a function that runs the command with some arguments."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["python -m scripts.phantom", *map(str, arguments)])
        runpy.run_module("scripts.phantom", run_name="__main__")

    return run


def subjects(folder):
    return json.loads((folder / "dataset_description.json").read_text(encoding="utf-8"))["Subjects"]


def volume(folder, name, kind):
    return np.asarray(nib.load(folder / name / f"{name}_{kind}.nii.gz").dataobj)


def test_one_phantom_of_seed_2018_is_made_by_default(tmp_path, command, coarse_build):
    command("--output_dir", tmp_path)
    assert subjects(tmp_path) == {"phantom-01": {"Seed": 2018}}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset_description.json", "phantom-01"]
    assert np.array_equal(volume(tmp_path, "phantom-01", "t1ce"), coarse_build(2018).t1gd)


def test_several_phantoms_have_consecutive_seeds(tmp_path, command, coarse_build):
    command("--output_dir", tmp_path, "--seed", 5, "--count", 2)
    assert subjects(tmp_path) == {"phantom-01": {"Seed": 5}, "phantom-02": {"Seed": 6}}
    assert np.array_equal(volume(tmp_path, "phantom-02", "flair"), coarse_build(6).flair)
    assert not np.array_equal(volume(tmp_path, "phantom-01", "flair"), volume(tmp_path, "phantom-02", "flair"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required: --output_dir"),
        (("--output_dir", "x", "--seed", "one"), "argument --seed: invalid int value: 'one'"),
        (("--output_dir", "x", "--voxel", "2"), "unrecognized arguments: --voxel 2"),
    ],
)
def test_a_wrong_argument_is_named_and_nothing_is_written(tmp_path, monkeypatch, command, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        command(*arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
