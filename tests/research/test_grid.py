"""Cells are trained and evaluated by the real commands, kept, taken over, refused, and left as gaps."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
import torch

import scripts
from fusioninn_research.cells import Cell
from fusioninn_research.grid import Budget, Grid, budget_of
from scripts.data.errors import BadInputError
from warm_python import run_python

TINY = {"image_size": [32, 32], "batch_size": 4, "epochs": 2, "network_def#hidden_channels": 2, "blocks": 1}
TRAINED = Cell("tiny", "fusioninn", 0, ("train.json",), None, TINY)
MEAN = Cell("mean", "mean", 0, None)
ELSEWHERE = Cell("elsewhere", "fusioninn", 0, ("train.json",), None, {**TINY, "epochs": 1})
BAD = Cell("bad", "mean", 0, None, None, {"fused_dtype": "int7"})

KILLED_IN_EPOCH_2 = """
import json, os, signal, sys
import torch
from monai.bundle.scripts import run

step = torch.optim.Adam.step

def step_and_die(self, *args, **kwargs):
    step(self, *args, **kwargs)
    if os.path.exists(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)

torch.optim.Adam.step = step_and_die
run("training", **json.loads(sys.argv[2]))
"""


def grid(cohort: Path, output_dir: Path, **settings) -> Grid:
    return Grid(
        str(cohort / "data"),
        str(output_dir),
        settings.pop("budget", Budget("small", (), {"slice_step": 2})),
        str(cohort / "split.json"),
        device="cpu",
        **settings,
    )


@pytest.fixture(scope="module")
def made(cohort, tmp_path_factory, in_this_process):
    """Return the folder of a grid that found a training killed in its second epoch, and what failed in it."""
    folder = tmp_path_factory.mktemp("grid")
    place = folder / "small" / "tiny" / "seed0"
    places = {"dataset_dir": cohort / "data", "split_file": cohort / "split.json", "output_dir": place / "training"}
    configs = [f"{scripts.BUNDLE_ROOT}/configs/{name}.json" for name in ("train", "methods/fusioninn")]
    keys = TINY | {key: str(path) for key, path in places.items()} | {"seed": 0, "device": "cpu"}
    last = place / "training" / "last.pt"
    environment = os.environ | {"PYTHONPATH": scripts.BUNDLE_ROOT}
    command = json.dumps({"config_file": configs, **keys})
    killed = run_python("-c", KILLED_IN_EPOCH_2, last, command, env=environment)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert torch.load(last, weights_only=True)["epoch"] == 1
    return folder, grid(cohort, folder).run([TRAINED, BAD, MEAN])


@pytest.fixture(scope="module")
def made_elsewhere(cohort, tmp_path_factory, in_this_process):
    """Return the folder of a grid that was trained on a patient R, and the folder of that patient."""
    folder = tmp_path_factory.mktemp("elsewhere")
    others = folder / "others"
    shutil.copytree(cohort / "data" / "P", others / "R")
    for file in (others / "R").iterdir():
        file.rename(file.with_name(file.name.replace("P_", "R_")))
    assert grid(cohort, folder / "out", training_dir=others).run([ELSEWHERE]) == {}
    return folder / "out", others


class TestRunning:
    def test_a_killed_training_goes_on_after_its_last_epoch(self, made):
        log = (made[0] / "small" / "tiny" / "seed0" / "training.log").read_text()
        assert "Resumed after epoch 1" in log
        assert "epoch 2/2" in log

    def test_a_cell_that_fails_is_told_and_the_others_are_finished(self, made, cohort):
        folder, failed = made
        assert list(failed) == [BAD]
        assert "evaluation ended with: --fused_dtype is 'int7', expected one of" in failed[BAD]
        for cell in (TRAINED, MEAN):
            summary = json.loads((grid(cohort, folder).finished(cell) / "summary.json").read_text())
            assert (summary["patients"], summary["slices"]) == (1, 3)
        assert grid(cohort, folder).finished(BAD) is None

    def test_only_what_decomposes_has_columns_of_it(self, made):
        columns = {
            name: (made[0] / "small" / name / "seed0" / "evaluation" / "patients.csv").read_text().splitlines()[0]
            for name in ("tiny", "mean")
        }
        assert "decomposed_flair_slice" in columns["tiny"]
        assert "decomposed" not in columns["mean"]
        assert "Q_FMI" in columns["mean"]

    def test_finished_cells_are_kept(self, made, cohort):
        files = [path for path in made[0].rglob("*") if path.is_file()]
        before = {path: path.stat().st_mtime_ns for path in files}
        assert grid(cohort, made[0]).run([TRAINED, MEAN]) == {}
        assert {path: path.stat().st_mtime_ns for path in before} == before

    def test_what_is_not_wanted_stays_a_gap(self, made, cohort):
        other = Cell("tiny", "fusioninn", 1, ("train.json",), None, TINY)
        still = grid(cohort, made[0], train=False, evaluate="false")
        assert still.run([other]) == {}
        assert still.finished(other) is None
        assert not (made[0] / "small" / other.folder).exists()


class TestOtherSettings:
    def test_another_training_is_refused_before_anything_runs(self, made, cohort):
        changed = Cell("tiny", "fusioninn", 0, ("train.json",), None, {**TINY, "alpha": 0.9})
        with pytest.raises(BadInputError, match="The training of tiny, seed 0 was made .*: alpha was 0.5, now 0.9"):
            grid(cohort, made[0]).run([MEAN, changed])

    def test_another_evaluation_is_refused(self, made, cohort):
        with pytest.raises(BadInputError, match="The evaluation of mean, seed 0 was made .*: slice_step was 2, now 1"):
            grid(cohort, made[0], budget=Budget("small", (), {"slice_step": 1})).run([MEAN])

    def test_other_weights_are_refused(self, made, cohort, tmp_path):
        shutil.copytree(made[0], tmp_path / "copy")
        model = tmp_path / "copy" / "small" / "tiny" / "seed0" / "training" / "model.pt"
        model.write_bytes(model.read_bytes() + b" ")
        with pytest.raises(BadInputError, match="The evaluation of tiny, seed 0 was made .*: weights was"):
            grid(cohort, tmp_path / "copy").check(TRAINED)


class TestTakingOver:
    def test_a_training_made_by_hand_is_taken_over_at_its_last_epoch(self, made, cohort, tmp_path):
        shutil.copytree(made[0] / "small" / "tiny" / "seed0" / "training", tmp_path / "small/tiny/seed0/training")
        assert grid(cohort, tmp_path).trained(TRAINED)
        longer = Cell("tiny", "fusioninn", 0, ("train.json",), None, {**TINY, "epochs": 3})
        assert not grid(cohort, tmp_path).trained(longer)
        assert grid(cohort, tmp_path, evaluate=False).run([TRAINED]) == {}
        record = json.loads((tmp_path / "small/tiny/seed0/made_with.json").read_text())
        assert record["training"]["taken_over"] and record["training"]["finished"]

    def test_one_of_another_seed_is_refused(self, made, cohort, tmp_path):
        shutil.copytree(made[0] / "small" / "tiny" / "seed0" / "training", tmp_path / "small/tiny/seed5/training")
        other = Cell("tiny", "fusioninn", 5, ("train.json",), None, TINY)
        with pytest.raises(BadInputError, match="was trained with seed 0, expected 5"):
            grid(cohort, tmp_path).trained(other)


class TestOtherPatientsToTrainOn:
    def test_they_are_trained_on_and_those_of_the_split_measured(self, made_elsewhere):
        place = made_elsewhere[0] / "small" / "elsewhere" / "seed0"
        split = json.loads((place / "training" / "split.json").read_text())
        assert (split["train"], split["validation"]) == (["R"], [])
        patients = (place / "evaluation" / "patients.csv").read_text().splitlines()
        assert [line.split(",")[0] for line in patients[1:]] == ["Q"]

    def test_what_was_trained_on_others_is_not_taken_for_one_of_the_split(self, made_elsewhere, cohort):
        folder, others = made_elsewhere
        grid(cohort, folder, training_dir=others).check(ELSEWHERE)
        with pytest.raises(BadInputError, match="trained on was 'others', now 'data'"):
            grid(cohort, folder).check(ELSEWHERE)

    def test_nor_the_other_way_round(self, made, cohort, tmp_path):
        with pytest.raises(BadInputError, match="trained on was 'data', now 'others'"):
            grid(cohort, made[0], training_dir=tmp_path / "others").check(TRAINED)


class TestSettings:
    def test_a_budget_is_chosen_by_name(self):
        settings = {"small": {"configs": ["crops.json"], "evaluation": {"slice_step": 4}}, "full": {}}
        assert budget_of(settings, "small") == Budget("small", ("crops.json",), {"slice_step": 4})
        with pytest.raises(BadInputError, match="setting is 'tiny', expected one of small, full"):
            budget_of(settings, "tiny")

    def test_patients_must_be_given(self, tmp_path):
        with pytest.raises(BadInputError, match="Give the folder of patients by --dataset_dir"):
            Grid(None, str(tmp_path), Budget("small"))


def test_a_row_that_sets_what_its_configs_do_not_use_is_refused(cohort, tmp_path):
    cell = Cell("patterns", "fusioninn", 0, ("train.json",), None, {"alpha": 0.9, "pattern_share": 0.2})
    with pytest.raises(BadInputError, match="patterns, seed 0 sets pattern_share, which its configs do not use"):
        grid(cohort, tmp_path).check(cell)


def test_overrides_of_sections_that_only_the_training_has_do_not_reach_the_evaluation(cohort, tmp_path):
    overrides = {"optimizer#_target_": "torch.optim.SGD", "network_def#hidden_channels": 2, "alpha": 0.9}
    cell = Cell("sgd", "fusioninn", 0, ("train.json",), None, overrides)
    made = grid(cohort, tmp_path)
    assert made.training_config(cell)["optimizer"]["_target_"] == "torch.optim.SGD"
    assert made.evaluation_config(cell)["network_def"]["hidden_channels"] == 2
    made.check(cell)
