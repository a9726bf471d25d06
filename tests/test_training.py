"""Training from the configuration files: the commands that a user gives, killed runs, and what a run leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import ClassVar

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.utils import set_determinism
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from scripts.command_line.plain_errors import plain_cause
from scripts.data.errors import BadInputError
from scripts.networks import FusionINN
from scripts.networks.weights import load_weights
from scripts.training.history import read_history
from scripts.training.image_panel import ImagePanel
from warm_python import Command, run_processes, run_python

CONFIGS = Path(__file__).resolve().parent.parent / "bundle" / "configs"
TRAIN = CONFIGS / "train.json"
MULTI_GPU = CONFIGS / "multi_gpu_train.json"
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", "CUDA_VISIBLE_DEVICES": ""}
ENVIRONMENT["PYTHONPATH"] = str(CONFIGS.parent.parent)
BATCHES = 3  # of 4 slices, from 2 training patients of 6 slices

TERMS = {"loss", "fusion", "decomposition", "latent", "fusion_l2", "decomposition_l2", "detail", "range"}
TERMS |= {f"{kind}_ssim_{source}" for kind in ("fused", "decomposed") for source in ("t1gd", "flair")}

KILLED_RUN = f"""
import os, signal, sys
import torch
from monai.bundle.scripts import run

moment, dataset_dir, output_dir = sys.argv[1:]

def die():
    os.kill(os.getpid(), signal.SIGKILL)

step, save, steps = torch.optim.Adam.step, torch.save, []

def step_and_die(self, *args, **kwargs):
    step(self, *args, **kwargs)
    steps.append(1)
    if len(steps) == 2 * {BATCHES} + 2:
        die()

def save_half_and_die(content, file):
    save(content, file)
    if content.get("epoch") == 3:
        file.truncate(file.tell() // 2)
        die()

if moment == "epoch":
    torch.optim.Adam.step = step_and_die
else:
    torch.save = save_half_and_die
run(config_file={str(TRAIN)!r}, dataset_dir=dataset_dir, output_dir=output_dir,
    epochs=4, batch_size=4, image_size=[32, 32])
"""


pytestmark = pytest.mark.usefixtures("process_as_it_was")


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Sums in the same order as in the commands run here."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def write_patients(folder: Path, count: int) -> Path:
    """Write patients of 6 slices of 32 x 32 pixels: two contrasts of one head, with a lesion."""
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in (32, 32, 6)), indexing="ij")
    for i in range(count):
        rng = np.random.default_rng(i)
        head = sum(axis**2 for axis in axes[:2]) < 0.8
        lesion = (axes[0] - 0.3) ** 2 + (axes[1] + 0.1 * i) ** 2 < 0.1
        for suffix, brightness in (("t1ce", 300), ("flair", -250)):
            volume = head * (400 + brightness * lesion + 60 * np.sin(6 * axes[0] + i) + rng.normal(0, 20, head.shape))
            path = folder / f"P{i}" / f"P{i}_{suffix}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(volume.clip(0).astype(np.int16), np.diag([-1.0, -1.0, 1.0, 1.0])), path)
    return folder


@pytest.fixture(scope="module")
def patients(tmp_path_factory) -> Path:
    return write_patients(tmp_path_factory.mktemp("patients"), 3)


def train(patients: Path, output: Path, **settings) -> Path:
    """Train in this process, as `python -m monai.bundle run` does, and return the output folder."""
    small = {"epochs": 4, "batch_size": 4, "image_size": [32, 32], "device": "$torch.device('cpu')"}
    given = small | settings | {"dataset_dir": str(patients), "output_dir": str(output)}
    workflow = ConfigWorkflow(str(TRAIN), logging_file=False, workflow_type="train", **given)
    workflow.initialize()
    workflow.run()
    workflow.finalize()
    return output


@pytest.fixture(scope="module")
def finished(patients, tmp_path_factory) -> Path:
    """Output of a run of four epochs that nothing interrupted."""
    return train(patients, tmp_path_factory.mktemp("finished") / "run")


def configured_network() -> FusionINN:
    """Return the network of the configuration, with the weights it starts from."""
    parser = ConfigParser(ConfigParser.load_config_file(str(TRAIN)) | {"imports": []})
    set_determinism(seed=0)
    return parser.get_parsed_content("network_def")


def command(*arguments: str, **settings) -> list[str]:
    given = [item for key, value in settings.items() for item in (f"--{key}", str(value))]
    return ["-m", "monai.bundle", "run", *arguments, *given]


def execute(line: list[str], cwd: Path) -> subprocess.CompletedProcess:
    return run_python(*line, cwd=cwd, env=ENVIRONMENT)


def state(output: Path) -> dict:
    return torch.load(output / "last.pt", weights_only=True)


def same(one, other) -> bool:
    """Compare nested states to the last bit."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return one == other


def curves(output: Path) -> EventAccumulator:
    return EventAccumulator(str(output)).Reload()


def steps(events: EventAccumulator, name: str) -> list[int]:
    return [event.step for event in events.Scalars(name)]


def values(events: EventAccumulator, name: str) -> list[float]:
    return [event.value for event in events.Scalars(name)]


class TestWhatARunLeavesBehind:
    def test_the_split_is_by_patient_and_written_out(self, finished):
        split = json.loads((finished / "split.json").read_text())
        assert len(split["train"]) == 2
        assert len(split["validation"]) == 1
        assert sorted(split["train"] + split["validation"]) == ["P0", "P1", "P2"]

    def test_the_best_weights_load_into_the_network(self, finished):
        load_weights(configured_network(), finished / "model.pt")

    def test_the_last_state_is_that_of_the_last_epoch(self, finished):
        last = state(finished)
        assert last["epoch"] == 4
        assert last["best"] == pytest.approx(min(values(curves(finished), "loss/validation")))

    def test_every_term_is_drawn_for_training_and_validation(self, finished):
        events = curves(finished)
        expected = {f"{term}/{part}" for term in TERMS for part in ("train", "validation")} | {"learning_rate"}
        assert set(events.Tags()["scalars"]) == expected
        assert all(steps(events, name) == [1, 2, 3, 4] for name in expected)
        assert all(np.isfinite(values(events, name)).all() for name in expected)

    def test_every_term_of_every_epoch_is_in_the_history(self, finished):
        rows = read_history(finished / "history.csv")
        assert [(row["epoch"], row["part"]) for row in rows] == [
            (epoch, part) for epoch in (1, 2, 3, 4) for part in ("train", "validation")
        ]
        assert all(row.keys() >= TERMS for row in rows)
        for part in ("train", "validation"):
            losses = [row["loss"] for row in rows if row["part"] == part]
            assert losses == pytest.approx(values(curves(finished), f"loss/{part}"))

    def test_a_panel_of_images_is_drawn(self, finished):
        (picture,) = curves(finished).Images(ImagePanel.TAG)
        assert (picture.height, picture.width) == (4 * 32, 8 * 32)

    def test_training_lowers_the_loss(self, finished):
        losses = values(curves(finished), "loss/train")
        assert losses[-1] < losses[0]


class TestSeeds:
    def test_one_seed_gives_one_result(self, finished, patients, tmp_path):
        assert same(state(train(patients, tmp_path / "again")), state(finished))

    def test_another_seed_gives_another(self, finished, patients, tmp_path):
        split = str(finished / "split.json")
        other = train(patients, tmp_path / "other", seed=1, split_file=split, epochs=1)
        assert not same(state(other)["network"], state(finished)["network"])

    def test_workers_change_nothing(self, finished, patients, tmp_path):
        assert same(state(train(patients, tmp_path / "workers", num_workers=2)), state(finished))


class TestResuming:
    def test_two_and_two_epochs_are_four(self, finished, patients, tmp_path):
        train(patients, tmp_path / "run", epochs=2)
        resumed = train(patients, tmp_path / "run", resume="true")
        assert same(state(resumed), state(finished))
        assert (resumed / "model.pt").read_bytes() == (finished / "model.pt").read_bytes()
        assert (resumed / "history.csv").read_text() == (finished / "history.csv").read_text()
        # the curve goes on where it was
        files = sorted(resumed.glob("events.out.tfevents.*"), key=lambda path: path.stat().st_mtime)
        assert steps(EventAccumulator(str(files[-1])).Reload(), "loss/train") == [3, 4]

    @pytest.mark.parametrize("moment", ["epoch", "save"])
    def test_a_run_killed_in_the_middle_of(self, moment, finished, patients, tmp_path):
        output = tmp_path / "run"
        killed = execute(["-c", KILLED_RUN, moment, str(patients), str(output)], tmp_path)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert state(output)["epoch"] == 2
        assert len(list(output.glob(".last.pt.*"))) == (moment == "save")
        resumed = train(patients, output, resume="true")
        assert same(state(resumed), state(finished))
        assert not list(output.glob(".last.pt.*"))
        assert (output / "history.csv").read_text() == (finished / "history.csv").read_text()

    def test_a_finished_run_has_nothing_left_to_do(self, finished, patients):
        before = (finished / "last.pt").read_bytes()
        train(patients, finished, resume="true")
        assert (finished / "last.pt").read_bytes() == before

    def test_a_damaged_state_stops_the_run(self, patients, finished, tmp_path):
        (tmp_path / "last.pt").write_bytes((finished / "last.pt").read_bytes()[:5000])
        with pytest.raises(RuntimeError) as caught:
            train(patients, tmp_path, resume="true")
        assert "last.pt cannot be read as a checkpoint" in str(plain_cause(caught.value))
        assert not (tmp_path / "model.pt").exists()

    def test_an_earlier_run_is_not_overwritten(self, patients, finished):
        before = (finished / "last.pt").read_bytes()
        with pytest.raises(RuntimeError) as caught:
            train(patients, finished)
        assert isinstance(plain_cause(caught.value), BadInputError)
        assert (finished / "last.pt").read_bytes() == before


class TestStartFrom:
    """Training that begins at weights instead of at random."""

    def test_it_begins_at_the_weights(self, patients, finished, tmp_path):
        begun = train(patients, tmp_path, epochs=1, start_from=str(finished / "model.pt"), learning_rate=1e-9)
        start, end = (torch.load(folder / "model.pt", weights_only=True) for folder in (finished, begun))
        for name, value in start.items():
            assert torch.allclose(end[name].float(), value.float(), rtol=0, atol=1e-6), name

    def test_a_resumed_run_goes_on_from_its_own_checkpoint(self, patients, finished, tmp_path):
        start = str(finished / "model.pt")
        whole = train(patients, tmp_path / "whole", epochs=2, start_from=start)
        train(patients, tmp_path / "parts", epochs=1, start_from=start)
        parts = train(patients, tmp_path / "parts", epochs=2, start_from=start, resume="true")
        assert same(state(parts), state(whole))

    def test_weights_of_another_network_are_refused(self, patients, finished, tmp_path):
        with pytest.raises(Exception) as raised:
            train(patients, tmp_path, start_from=str(finished / "model.pt"), **{"network_def#hidden_channels": 8})
        assert "hidden_channels" in str(plain_cause(raised.value)) or "model.pt" in str(plain_cause(raised.value))


def test_the_shipped_recipe_trains_in_two_stages(patients, tmp_path):
    """The first with latents of zeros in their own scale, the second from its weights with latents drawn at random."""
    small = ["--image_size", "32,32", "--batch_size", "4", "--repeats", "1", "--epochs", "1", "--precision", "float32"]
    small += ["--network_def#hidden_channels", "4", "--device", "cpu"]
    first, second = tmp_path / "first", tmp_path / "second"
    for recipe, folder, further in (
        ("shipped_start", first, []),
        ("shipped", second, ["--start_from", str(first / "model.pt")]),
    ):
        words = ["-m", "fusioninn", "train", str(patients), str(folder), "--recipe", recipe, *small, *further]
        made = execute(words, tmp_path)
        assert made.returncode == 0, made.stderr
    one, other = (torch.load(folder / "model.pt", weights_only=True) for folder in (first, second))
    assert (one["steps.20.scale"].item(), other["steps.20.scale"].item()) == (1, pytest.approx(0.03))
    assert torch.equal(one["steps.4.signs"], other["steps.4.signs"])
    network = load_weights(FusionINN(hidden_channels=4), second / "model.pt")
    assert network.decompose(torch.rand(1, 1, 9, 8), "normal").isfinite().all()


class TestValidation:
    @staticmethod
    def expected_rates(losses: list[float], rate: float) -> list[float]:
        """Rates of ReduceLROnPlateau with patience 0 and factor 0.5, one for each epoch."""
        best, rates = float("inf"), []
        for loss in losses:
            rates.append(rate)
            improved = loss < best * (1 - 1e-4)
            best, rate = (loss, rate) if improved else (best, rate / 2)
        return rates

    def test_the_rate_falls_on_a_plateau_of_the_validation_loss(self, patients, tmp_path):
        settings = {"lr_patience": 0, "lr_factor": 0.5, "learning_rate": 1e-7}  # too small to improve anything
        events = curves(train(patients, tmp_path, epochs=4, **settings))
        expected = self.expected_rates(values(events, "loss/validation"), 1e-7)
        assert values(events, "learning_rate") == pytest.approx(expected)
        assert expected[-1] < 1e-7

    def test_it_takes_place_every_second_epoch_on_demand(self, patients, tmp_path):
        events = curves(train(patients, tmp_path, val_interval=2))
        assert steps(events, "loss/train") == [1, 2, 3, 4]
        assert steps(events, "loss/validation") == [2, 4]
        assert state(tmp_path)["best_epoch"] in (2, 4)

    def test_without_it_the_training_loss_decides(self, patients, tmp_path):
        settings = {"lr_patience": 0, "lr_factor": 0.5, "learning_rate": 0.02, "epochs": 6}
        events = curves(train(patients, tmp_path, validation_fraction=0, **settings))
        losses = values(events, "loss/train")
        assert not any(name.endswith("/validation") for name in events.Tags()["scalars"])
        assert state(tmp_path)["best"] == pytest.approx(min(losses))
        assert values(events, "learning_rate") == pytest.approx(self.expected_rates(losses, 0.02))
        assert len(events.Images(ImagePanel.TAG)) == 1

    def test_a_single_patient_is_trained_on_with_a_warning(self, tmp_path, caplog):
        train(write_patients(tmp_path / "one", 1), tmp_path / "run", epochs=1)
        assert "NO VALIDATION: no patient is set aside" in caplog.text
        assert json.loads((tmp_path / "run" / "split.json").read_text())["train"] == ["P0"]
        assert (tmp_path / "run" / "model.pt").exists()


class TestConfiguration:
    def test_the_embedded_example_trains_as_it_is(self, tmp_path, caplog):
        config = json.loads(TRAIN.read_text())
        assert config["dataset_dir"] == "$@bundle_root + '/example'"
        train(CONFIGS.parent / "example", tmp_path, epochs=1, batch_size=config["batch_size"])
        assert "NO VALIDATION" in caplog.text
        load_weights(configured_network(), tmp_path / "model.pt")

    def test_monai_finds_what_it_asks_of_a_training(self, patients, tmp_path):
        workflow = ConfigWorkflow(
            str(TRAIN), logging_file=False, workflow_type="train", dataset_dir=str(patients), output_dir=str(tmp_path)
        )
        workflow.initialize()
        assert workflow.check_properties() == []

    def test_the_papers_settings_are_the_defaults(self):
        config = json.loads(TRAIN.read_text())
        paper = {"learning_rate": 3e-4, "batch_size": 64, "epochs": 400, "lr_factor": 0.95, "lr_patience": 8}
        assert {key: config[key] for key in paper} == paper

    @pytest.mark.parametrize("file", [TRAIN, MULTI_GPU])
    def test_nothing_is_asked_for_before_monai_knows_where_the_bundle_is(self, file):
        assert "initialize" not in json.loads(file.read_text())


class TestCommands:
    """As a user gives them, in processes of their own."""

    SMALL: ClassVar = {"batch_size": 4, "image_size": "[32,32]", "epochs": 4}

    def test_from_the_root_of_the_repository(self, finished, patients, tmp_path):
        file, root = "bundle/configs/train.json", CONFIGS.parent.parent
        line = command("--config_file", file, "--bundle_root", "bundle", dataset_dir=patients, **self.SMALL)
        done = execute([*line, "--output_dir", str(tmp_path / "run")], root)
        assert done.returncode == 0, done.stderr
        assert same(state(tmp_path / "run"), state(finished))
        told = [text for text in done.stdout.splitlines() if " - epoch " in text]
        assert len(told) == 4
        assert "ignite" not in done.stdout

    @pytest.mark.slow
    def test_from_the_bundle_stopped_and_from_elsewhere_resumed(self, patients, tmp_path):
        output, long = tmp_path / "run", self.SMALL | {"epochs": 12}
        given = long | {"dataset_dir": patients, "output_dir": output}
        line = command("training", "--config_file", "configs/train.json", **given)
        running = Command(*line, cwd=CONFIGS.parent, env=ENVIRONMENT)
        limit = time.monotonic() + 120
        while not (output / "last.pt").exists() and time.monotonic() < limit:
            time.sleep(0.01)
        time.sleep(0.05)
        running.send_signal(signal.SIGTERM)
        assert running.wait().returncode == 128 + signal.SIGTERM
        assert not [path for path in output.iterdir() if path.name.startswith(".")]
        assert 1 <= state(output)["epoch"] < 12

        line = command("training", "--config_file", str(TRAIN), "--resume", "true", **given)
        done = execute(line, tmp_path)
        assert done.returncode == 0, done.stderr
        assert "Resumed after epoch" in done.stdout
        assert same(state(output), state(train(patients, tmp_path / "uninterrupted", epochs=12)))

    def test_a_loss_that_is_not_finite_ends_with_its_message(self, finished, patients, tmp_path):
        for name in ("last.pt", "model.pt"):
            (tmp_path / name).write_bytes((finished / name).read_bytes())
        given = self.SMALL | {"epochs": 6, "dataset_dir": patients, "output_dir": tmp_path, "learning_rate": 1e33}
        done = execute(command("--config_file", str(TRAIN), "--resume", "true", **given), tmp_path)
        assert done.returncode == 1
        message = done.stderr.splitlines()[-1]
        assert message.startswith("Error: The loss is nan at epoch 5, batch 2 of 3 (P")
        assert "Traceback" not in done.stderr + done.stdout
        assert "Lower the learning rate" in message
        load_weights(configured_network(), tmp_path / "last.pt")
        # and going on with a lower rate works
        assert state(train(patients, tmp_path, resume=True, epochs=5, learning_rate=1e-4))["epoch"] == 5

    @pytest.mark.slow
    def test_two_processes_train_as_one_with_the_same_batch(self, patients, tmp_path):
        # a plain optimizer, no noise and no kernel over the batch: what is left is a mean over images
        alike = {
            "optimizer#_target_": "torch.optim.SGD",
            "learning_rate": 0.05,
            "latent_weight": 0,
            "latent": "zeros",
            "storage_levels": 0,
            "epochs": 2,
        }
        one = state(train(patients, tmp_path / "one", **alike))["network"]
        (tmp_path / "keep.json").write_text(
            json.dumps(
                {
                    "finalize": [
                        "$torch.save(@network_def.state_dict(), @output_dir + '/rank%d.pt' % idist.get_rank())",
                        "$idist.finalize()",
                    ]
                }
            )
        )
        files = f"['{TRAIN}','{MULTI_GPU}','{tmp_path / 'keep.json'}']"
        given = self.SMALL | alike | {"dataset_dir": patients, "output_dir": tmp_path / "two"}
        line = command("training", "--config_file", files, **given)
        done = run_processes(2, *line, cwd=tmp_path, env=ENVIRONMENT)
        assert [process.returncode for process in done] == [0, 0], "".join(process.stderr for process in done)
        assert [process.stdout.count(" - epoch ") for process in done] == [2, 0]
        two = state(tmp_path / "two")["network"]
        ranks = [torch.load(tmp_path / "two" / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]
        assert same(ranks[0], ranks[1])
        assert same(ranks[0], two)
        load_weights(configured_network(), tmp_path / "two" / "model.pt")
        moved = max((one[name] - value).abs().max() for name, value in configured_network().state_dict().items())
        apart = max((one[name] - two[name]).abs().max() for name in one)
        assert apart < 1e-5 < moved
        events = [curves(tmp_path / name) for name in ("one", "two")]
        losses = [values(event, "loss/validation") for event in events]
        assert losses[0] == pytest.approx(losses[1], abs=1e-5)
        assert len(list((tmp_path / "two").glob("events.out.tfevents.*"))) == 1
        histories = [read_history(tmp_path / name / "history.csv") for name in ("one", "two")]
        assert [len(rows) for rows in histories] == [4, 4]
        assert histories[0][-1]["loss"] == pytest.approx(histories[1][-1]["loss"], abs=1e-5)
