"""T1, T1-Gd, T2 and FLAIR in one image: three and four sources, from the network to the commands."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow

from scripts.flow import AffineCoupling
from scripts.losses import FusionINNLoss
from scripts.networks import FusionINN
from scripts.outputs.volumes import load_fused
from scripts.transforms.rand_contrast import RandContrastd

CONFIGS = Path(__file__).resolve().parent.parent / "bundle" / "configs"
FOUR = ["t1", "t1gd", "t2", "flair"]
SHAPE = (40, 44, 6)

pytestmark = pytest.mark.usefixtures("process_as_it_was")


def splits(network: FusionINN) -> list[list[int]]:
    """Return the parts of every coupling."""
    return [step.split for step in network.steps if isinstance(step, AffineCoupling)]


def with_known_weights(network: FusionINN) -> FusionINN:
    """Set every weight to a number that no random generator decides."""
    with torch.no_grad():
        for i, weights in enumerate(network.parameters()):
            weights.copy_(0.05 * torch.sin(torch.arange(weights.numel()) * 1.7 + i).view_as(weights))
    return network.double()


class TestParts:
    @pytest.mark.parametrize("sources", [2, 3, 4, 5])
    def test_couplings_are_halves_that_cut_no_source_s_bands_apart(self, sources):
        """What else was tried decomposed worse, see research/docs/four_contrasts.md."""
        less, more = sources // 2, sources - sources // 2
        permuted = [2 * sources, 2 * sources]
        network = FusionINN(in_channels=sources, blocks=4)
        assert splits(network) == [[less, more], [4 * less, 4 * more], permuted, [less, more]]
        volumes = FusionINN(spatial_dims=3, in_channels=sources, blocks=4)
        assert splits(volumes)[1] == [8 * less, 8 * more]

    def test_of_three_sources_the_first_part_holds_the_bands_of_the_mean_alone(self):
        network = FusionINN(in_channels=3, blocks=4)
        x = network.squash(torch.full((1, 3, 8, 8), 0.5))
        noise = torch.randn(8, 8)
        y = x + torch.stack((torch.zeros(8, 8), noise, -noise))
        for step in network.steps:
            if isinstance(step, AffineCoupling) and sum(step.split) == 12:
                break
            x, y = step(x), step(y)
        changed = ((x - y).abs() > 1e-5).amax(dim=(0, 2, 3))
        assert step.split == [4, 8]
        assert not changed[:4].any()
        assert changed[4:].all()

    @pytest.mark.parametrize("sources", [3, 4])
    def test_the_paper_s_couplings_are_halves(self, sources):
        full = [sources // 2, sources - sources // 2]
        network = FusionINN(in_channels=sources, blocks=3, mixing=False, realign=False, haar=False)
        assert splits(network) == [full, [2 * sources, 2 * sources], full]

    def test_a_network_of_two_is_what_it_was(self):
        """Shipped weights stay valid: numbers of the network before other numbers of sources were tried."""
        network = with_known_weights(FusionINN(blocks=4, hidden_channels=4))
        assert splits(network) == [[1, 1], [4, 4], [4, 4], [1, 1]]
        assert len(network.state_dict()) == 37
        assert sum(weights.numel() for weights in network.parameters()) == 3976
        image = 0.5 + 0.4 * torch.sin(torch.arange(2 * 7 * 6, dtype=torch.float64) * 0.9).view(1, 2, 7, 6)
        with torch.no_grad():
            fused, latent = network(image)
            first, second = network.inverse(fused, torch.zeros_like(latent)).unbind(dim=1)
        got = [fused.mean(), fused.std(), latent.mean(), latent.std(), first.mean(), second.mean()]
        known = [0.530503606, 0.292905965, -0.120365728, 0.136079733, 0.484481209, 0.512367188]
        assert [value.item() for value in got] == pytest.approx(known, abs=2e-6)


class TestThereAndBack:
    @pytest.mark.parametrize("blocks", [1, 2, 4, 6])
    @pytest.mark.parametrize("sources", [3, 4])
    @pytest.mark.parametrize("size", [(8, 6), (7, 5), (5, 4, 3)])
    def test_sources_come_back(self, sources, blocks, size):
        network = FusionINN(spatial_dims=len(size), in_channels=sources, blocks=blocks, hidden_channels=4)
        network, image = with_known_weights(network), torch.rand(2, sources, *size, dtype=torch.float64)
        with torch.no_grad():
            fused, latent = network(image)
            assert (fused.shape[1], latent.shape[1]) == (1, sources - 1)
            assert (network.inverse(fused, latent) - image).abs().max() < 1e-9
            assert network.decompose(fused, "zeros").shape == image.shape

    @pytest.mark.parametrize("sources", [3, 4])
    def test_volume_is_accounted_for(self, sources):
        network = with_known_weights(FusionINN(in_channels=sources, blocks=4, hidden_channels=4))
        image = torch.rand(1, sources, 4, 2, dtype=torch.float64)
        full = torch.autograd.functional.jacobian(lambda x: torch.cat(network(x), dim=1), image)
        expected = torch.linalg.slogdet(full.reshape(image.numel(), image.numel())).logabsdet
        assert network.log_det(image).item() == pytest.approx(expected.item(), abs=1e-8)

    def test_a_fresh_network_fuses_by_the_mean_of_four(self):
        network, image = FusionINN(in_channels=4, blocks=4), torch.rand(1, 4, 8, 8)
        values = network.squash(image)
        fused, latent = network(image)
        assert torch.allclose(network.squash(fused), values.mean(dim=1, keepdim=True), atol=1e-4)
        assert torch.allclose(latent, values[:, 1:] - values[:, :1], atol=1e-4)


def test_the_loss_counts_and_names_every_source():
    loss, image = FusionINNLoss(latent_weight=0.0, sources=FOUR), torch.rand(2, 4, 16, 16)
    prediction = {"fused": image.mean(dim=1, keepdim=True), "latent": image[:, 1:], "decomposed": image}
    terms = loss.terms(prediction, image)
    assert {f"{kind}_ssim_{name}" for kind in ("fused", "decomposed") for name in FOUR} <= terms.keys()
    assert terms["decomposition"].item() == pytest.approx(0, abs=1e-5)
    by_source = sum(1 - terms[f"fused_ssim_{name}"] for name in FOUR)
    assert terms["fusion"].item() == pytest.approx((0.8 * by_source + 0.2 * terms["fusion_l2"]).item(), abs=1e-5)


def test_contrast_is_drawn_for_each_of_four():
    transform = RandContrastd("image", prob=1.0)
    transform.set_random_state(seed=1)
    changed = transform({"image": torch.full((4, 3, 3), 0.5)})["image"]
    assert len({round(value, 6) for value in changed[:, 0, 0].tolist()}) == 4


def patients(folder: Path, count: int, leave_out: str | None = None) -> Path:
    """Write patients of 6 slices: four contrasts of one head, whose lesion and ventricle differ in each."""
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    head = (axes[0] ** 2 + axes[1] ** 2 < 0.8).astype(float)
    ventricle = axes[0] ** 2 + 3 * axes[1] ** 2 < 0.08
    contrasts = {"t1": (-120, -250), "t1ce": (300, -250), "t2": (200, 350), "flair": (280, -200)}
    for i in range(count):
        lesion = (axes[0] - 0.3) ** 2 + (axes[1] + 0.1 * i) ** 2 < 0.06
        for suffix, (of_lesion, of_ventricle) in contrasts.items():
            if suffix == leave_out:
                continue
            volume = head * (400 + of_lesion * lesion + of_ventricle * ventricle + 60 * np.sin(6 * axes[0] + i))
            path = folder / f"P{i}" / f"P{i}_{suffix}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(volume.clip(0).astype(np.int16), np.diag([-1.0, -1.0, 1.0, 1.0])), path)
    return folder


def execute(*configs: str, kind: str = "infer", **settings: object) -> None:
    """Do in this process what ``python -m monai.bundle run --config_file "[…]"`` does."""
    files = [str(CONFIGS / f"{config}.json") for config in configs]
    given = {key: str(value) if isinstance(value, Path) else value for key, value in settings.items()}
    given = {"device": "$torch.device('cpu')" if kind == "train" else "cpu", **given}
    workflow = ConfigWorkflow(files, workflow_type=kind, logging_file=False, **given)
    workflow.initialize()
    workflow.run()
    workflow.finalize()


@pytest.fixture(autouse=True)
def _own_errors(monkeypatch) -> None:
    """Keep this process's own way of telling errors."""
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")


@pytest.fixture
def command() -> Callable[..., None]:
    """Run layers of configs in this process; `refused` returns the message of a run that is refused."""
    return execute


RECIPE = ("train", "crops", "augmentation", "recipe", "shipped", "first_stage", "four_contrasts")
TINY = {"epochs": 1, "repeats": 1, "batch_size": 4, "image_size": [32, 32], "hidden_channels": 4}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return patients(tmp_path_factory.mktemp("data"), 2)


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory) -> Path:
    """Folder of a training run on four contrasts."""
    output = tmp_path_factory.mktemp("training") / "run"
    execute(*RECIPE, kind="train", dataset_dir=data, output_dir=output, **TINY)
    return output


@pytest.fixture(scope="module")
def network_of(trained) -> dict[str, object]:
    """Settings that name the trained network."""
    return {"ckpt_path": trained / "model.pt", "hidden_channels": 4}


@pytest.fixture(scope="module")
def fused(data, network_of, tmp_path_factory) -> Path:
    """Folder of the two patients, fused without loss."""
    output = tmp_path_factory.mktemp("fused")
    settings = {"lossless": "true", "contribution": "true", **network_of}
    execute("inference", "four_contrasts", dataset_dir=data, output_dir=output, **settings)
    return output


class TestTraining:
    def test_every_source_is_followed(self, trained):
        with (trained / "history.csv").open() as file:
            columns = next(csv.reader(file))
        assert {f"{kind}_ssim_{name}" for kind in ("fused", "decomposed") for name in FOUR} <= set(columns)

    def test_it_goes_on_where_it_ended(self, data, tmp_path):
        paths = {"dataset_dir": data, "output_dir": tmp_path / "run"}
        for epochs in (1, 2):
            settings = {**TINY, "epochs": epochs, "resume": str(epochs > 1).lower()}
            execute("train", "four_contrasts", kind="train", **paths, **settings)
        assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["epoch"] == 2

    def test_it_does_not_go_on_with_two_of_the_four(self, data, trained, refused):
        two = {**TINY, "epochs": 3, "sources": ["t1gd", "flair"]}
        told = refused(*RECIPE, kind="train", dataset_dir=data, output_dir=trained, resume="true", **two)
        assert "last.pt does not fit this configuration" in told

    def test_three_sources_train_by_one_key(self, data, tmp_path):
        three = ["t1gd", "t2", "flair"]
        execute(*RECIPE, kind="train", dataset_dir=data, output_dir=tmp_path / "run", sources=three, **TINY)
        state = torch.load(tmp_path / "run" / "model.pt", weights_only=True)
        FusionINN(in_channels=3, hidden_channels=4).load_state_dict(state)


class TestFusing:
    def test_one_image_a_latent_of_three_and_four_estimates(self, fused):
        assert sorted(path.name for path in (fused / "P0").iterdir()) == [
            *("P0_flair_contribution.nii.gz", "P0_flair_decomposed.nii.gz"),
            *("P0_fused.json", "P0_fused.nii.gz", "P0_latent.nii.gz", "P0_overview.png"),
            *("P0_t1_contribution.nii.gz", "P0_t1_decomposed.nii.gz"),
            *("P0_t1gd_contribution.nii.gz", "P0_t1gd_decomposed.nii.gz"),
            *("P0_t2_contribution.nii.gz", "P0_t2_decomposed.nii.gz"),
        ]
        assert nib.load(fused / "P0" / "P0_latent.nii.gz").shape == (*SHAPE, 3)

    def test_the_sidecar_tells_of_all_four(self, fused):
        content = json.loads((fused / "P0" / "P0_fused.json").read_text())
        assert content["Description"].startswith("t1, t1gd, t2 and flair of one patient")
        assert content["SourceModalities"] == FOUR
        assert content["Sources"] == [f"P0_{suffix}.nii.gz" for suffix in ("t1", "t1ce", "t2", "flair")]
        assert content["SourceDtypes"] == ["int16"] * 4
        assert len(content["IntensityScale"]["factor"]) == 4
        assert list(content["SSIM"]["decomposed"]) == FOUR

    def test_contributions_of_all_four_add_up(self, fused):
        parts = [nib.load(fused / "P0" / f"P0_{name}_contribution.nii.gz").get_fdata() for name in FOUR]
        whole = load_fused(fused / "P0" / "P0_fused.nii.gz")[0]
        assert np.isfinite(parts).all()
        assert np.corrcoef(sum(parts).ravel(), whole.ravel())[0, 1] > 0.9


class TestDecomposing:
    def test_with_the_latent_all_four_come_back(self, data, fused, network_of, tmp_path):
        execute("decompose", "four_contrasts", dataset_dir=fused, output_dir=tmp_path, lossless="true", **network_of)
        for name, suffix in zip(FOUR, ("t1", "t1ce", "t2", "flair"), strict=True):
            restored = np.asarray(nib.load(tmp_path / "P0" / f"P0_{name}_decomposed.nii.gz").dataobj)
            source = np.asarray(nib.load(data / "P0" / f"P0_{suffix}.nii.gz").dataobj)
            assert np.array_equal(restored, source)

    def test_without_it_four_estimates(self, fused, network_of, tmp_path):
        execute("decompose", "four_contrasts", dataset_dir=fused, output_dir=tmp_path, **network_of)
        assert sorted(path.name for path in (tmp_path / "P1").iterdir()) == [
            "P1_decomposed_overview.png",
            *(f"P1_{name}_decomposed.nii.gz" for name in sorted(FOUR)),
        ]


class TestEvaluating:
    def test_tables_have_a_column_for_each_of_four(self, data, network_of, tmp_path):
        small = {"min_brain_fraction": 0.05, "slice_step": 3, **network_of}
        execute("evaluate", "four_contrasts", dataset_dir=data, output_dir=tmp_path, **small)
        with (tmp_path / "patients.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert [row["patient"] for row in rows] == ["P0", "P1"]
        for row in rows:
            by_source = [float(row[f"fused_{name}_slice"]) for name in FOUR]
            assert float(row["fused_slice"]) == pytest.approx(sum(by_source) / 4, abs=1e-5)
            assert all(math.isfinite(float(row[f"decomposed_{name}_brain"])) for name in FOUR)
            assert all(math.isfinite(float(row[f"decomposed_{name}_PSNR"])) for name in FOUR)
            assert all(0 <= float(row[metric]) <= 1 for metric in ("Q_SSIM", "Q_FMI", "Q_NCIE", "Q_XY", "Q_P"))
            assert float(row["roundtrip_error"]) < 1e-4
        written = (tmp_path / "finished" / "P0.json").stat().st_mtime_ns
        execute("evaluate", "four_contrasts", dataset_dir=data, output_dir=tmp_path, resume="true", **small)
        assert (tmp_path / "finished" / "P0.json").stat().st_mtime_ns == written


class TestWhatDoesNotFit:
    @pytest.mark.parametrize("task", ["inference", "evaluate", "decompose"])
    def test_weights_of_two_sources(self, data, fused, tmp_path, refused, task):
        two = tmp_path / "two.pt"
        torch.save(FusionINN(hidden_channels=4).state_dict(), two)
        folder = fused if task == "decompose" else data
        settings = {"ckpt_path": two, "hidden_channels": 4, "output_dir": tmp_path / "out"}
        told = refused(task, "four_contrasts", dataset_dir=folder, **settings)
        assert "two.pt was trained on 2 sources, this FusionINN fuses 4. Name 2 by --sources" in told
        assert not (tmp_path / "out").exists()

    def test_weights_that_nobody_has_trained_yet(self, data, tmp_path, refused):
        told = refused("inference", "four_contrasts", dataset_dir=data, ckpt_path=tmp_path / "none.pt")
        assert "No checkpoint at" in told

    def test_a_file_of_four_is_not_taken_apart_into_two(self, fused, tmp_path, refused):
        two = tmp_path / "two.pt"
        torch.save(FusionINN(hidden_channels=4).state_dict(), two)
        settings = {"ckpt_path": two, "network_def#hidden_channels": 4, "output_dir": tmp_path / "out"}
        assert "was fused with other weights" in refused("decompose", dataset_dir=fused, **settings)

    def test_a_patient_without_t2(self, tmp_path, network_of, refused):
        folder = patients(tmp_path / "data", 1, leave_out="t2")
        told = refused("inference", "four_contrasts", dataset_dir=folder, output_dir=tmp_path / "out", **network_of)
        assert "t2" in told
