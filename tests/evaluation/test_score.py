"""Scoring files with the command: known results."""

import csv
import json
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow
from PIL import Image

from scripts.command_line.plain_errors import plain_cause
from scripts.data.errors import BadInputError
from scripts.evaluation.score import ScoreImages
from warm_python import run_python

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "bundle" / "configs" / "score.json"
REFERENCE = ROOT / "tests" / "metrics" / "reference"
KEYS = {"Q_SSIM": "ssim_exact", "Q_FMI": "fmi", "Q_NCIE": "ncie", "Q_XY": "qxy_full", "Q_P": "qp_full"}
CENTRE = {"Q_XY": "qxy_centre", "Q_P": "qp_centre"}
TRIPLES = ("realmr120x110_shift", "noise64x48_mean", "noise64x48_indep", "tiny21x21", "deg_all_zero")


@pytest.fixture(scope="module")
def reference():
    """Image triples with the scores of the published scripts."""
    return np.load(REFERENCE / "triples.npz"), json.loads((REFERENCE / "reference.json").read_text())


@pytest.fixture
def score(monkeypatch):
    """Return a function that does in this process what the command does; it returns the rows of both tables and the
    summary."""
    # Keep this process's error handling.
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")

    def run(output_dir, **settings):
        settings = {key: str(value) if isinstance(value, Path) else value for key, value in settings.items()}
        workflow = ConfigWorkflow(
            str(CONFIG), workflow_type="infer", logging_file=False, output_dir=str(output_dir), device="cpu", **settings
        )
        workflow.initialize()
        workflow.run()
        return read(output_dir)

    return run


def read(folder):
    tables = [list(csv.DictReader((folder / name).open(encoding="utf-8"))) for name in ("scores.csv", "images.csv")]
    return *tables, json.loads((folder / "summary.json").read_text(encoding="utf-8"))


def pictures(folder, images, names):
    for role in ("a", "b", "fused"):
        (folder / role).mkdir(parents=True, exist_ok=True)
        for name in names:
            Image.fromarray(images[f"{name}/{role}"]).save(folder / role / f"{name}.png")
    return {"fused": folder / "fused", "sources": [str(folder / "a"), str(folder / "b")]}


def data(sources, fused=None, **more):
    sources = torch.as_tensor(sources, dtype=torch.float32)
    fused = sources.mean(dim=0, keepdim=True) if fused is None else fused
    names = [str(i) for i in range(len(sources))]
    return {
        "patient": "P",
        "source_names": names,
        "fused": fused,
        "sources": sources,
        "decomposed": None,
        "slice_axis": 2,
        **more,
    }


class TestKnownAnswers:
    def test_pictures_score_as_by_the_published_scripts(self, tmp_path, reference, score):
        images, known = reference
        rows, means, summary = score(tmp_path / "out", **pictures(tmp_path, images, TRIPLES))
        assert [row["image"] for row in rows] == sorted(TRIPLES)
        for row in rows:
            for column, key in KEYS.items():
                assert float(row[column]) == pytest.approx(known[row["image"]][key], abs=1e-6), (row["image"], column)
        assert [row["slices"] for row in means] == ["1"] * len(TRIPLES)
        expected = [known[name]["fmi"] for name in TRIPLES]
        assert summary["mean_over_images"]["Q_FMI"] == pytest.approx(np.mean(expected), abs=1e-6)
        assert summary["std_over_images"]["Q_FMI"] == pytest.approx(np.std(expected, ddof=1), abs=1e-6)
        assert summary["sources"] == ["a", "b"] and summary["images"] == len(TRIPLES)
        assert "not for diagnosis" in summary["ResearchUseOnly"].lower()

    def test_the_published_variant_can_be_chosen(self, tmp_path, reference, score):
        images, known = reference
        name = "realmr120x110_shift"
        (row,), _, summary = score(tmp_path / "out", metrics_variant="centre", **pictures(tmp_path, images, [name]))
        for column, key in CENTRE.items():
            assert float(row[column]) == pytest.approx(known[name][key], abs=1e-6)
        assert summary["settings"]["metrics_variant"] == "centre"

    def test_slices_of_a_volume_score_as_pictures_do(self, tmp_path, reference, score):
        images, known = reference
        names = ("noise64x48_mean", "noise64x48_indep")
        paths = {}
        for role in ("a", "b", "fused"):
            volume = np.stack([images[f"{name}/{role}"] for name in names], axis=-1)
            paths[role] = str(tmp_path / f"P_{role}.nii.gz")
            nib.save(nib.Nifti1Image(volume, np.diag([1.0, 1, 5, 1])), paths[role])
        rows, (mean,), _ = score(tmp_path / "out", fused=paths["fused"], sources=[paths["a"], paths["b"]])
        assert [(row["image"], row["slice"]) for row in rows] == [("P", "0"), ("P", "1")]
        for row, name in zip(rows, names, strict=True):
            for column, key in KEYS.items():
                assert float(row[column]) == pytest.approx(known[name][key], abs=1e-6), column
        assert float(mean["Q_FMI"]) == pytest.approx(np.mean([known[name]["fmi"] for name in names]), abs=1e-6)

    def test_decomposed_pictures_have_their_textbook_scores(self, tmp_path, reference, score):
        images, _ = reference
        name = "noise64x48_mean"
        settings = pictures(tmp_path, images, [name])
        (row,), _, summary = score(tmp_path / "out", decomposed=[str(tmp_path / "a" / f"{name}.png")] * 2, **settings)
        a, b = (images[f"{name}/{role}"].astype(float) / 255 for role in "ab")
        assert float(row["decomposed_a_SSIM"]) == pytest.approx(1) and float(row["decomposed_a_NMSE"]) == 0
        assert float(row["decomposed_b_PSNR"]) == pytest.approx(-10 * np.log10(((a - b) ** 2).mean()), abs=1e-4)
        assert float(row["decomposed_b_NMSE"]) == pytest.approx(((a - b) ** 2).sum() / (b**2).sum(), abs=1e-6)
        assert float(row["decomposed_b_correlation"]) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1])
        assert "estimates" in summary["Estimates"]


class TestSettings:
    def test_images_between_the_levels_are_rounded_for_the_fusion_metrics(self):
        sources = torch.rand(2, 16, 16, 1, generator=torch.Generator().manual_seed(0))
        levels = (sources * 255).round() / 255
        (rounded,) = ScoreImages()(None, data(sources, levels.mean(0, keepdim=True)))["rows"]
        (whole,) = ScoreImages()(None, data(levels, levels.mean(0, keepdim=True)))["rows"]
        (raw,) = ScoreImages(rounded="false")(None, data(sources, levels.mean(0, keepdim=True)))["rows"]
        assert rounded == whole
        assert raw["Q_FMI"] != rounded["Q_FMI"]

    def test_batches_change_nothing(self):
        sources = torch.rand(2, 14, 13, 5, generator=torch.Generator().manual_seed(0))
        one, all_at_once = (ScoreImages(slices_at_once=n)(None, data(sources))["rows"] for n in (1, 8))
        for row, other in zip(one, all_at_once, strict=True):
            assert row == pytest.approx(other, abs=1e-12)

    def test_slices_with_little_foreground_are_left_out_and_counted(self):
        sources = torch.zeros(2, 20, 20, 4)
        sources[:, 4:16, 4:16, 1:3] = torch.rand(2, 12, 12, 2, generator=torch.Generator().manual_seed(0))
        sources[:, 9:11, 9:11, 3] = 1
        results = ScoreImages()(None, data(sources))
        assert [row["slice"] for row in results["rows"]] == [1, 2]
        assert results["left_out"] == [0, 3]
        assert len(ScoreImages(min_foreground_fraction=0)(None, data(sources))["rows"]) == 4
        with pytest.raises(BadInputError, match="the largest share is 36"):
            ScoreImages(min_foreground_fraction=0.5)(None, data(sources))

    def test_a_single_slice_is_always_scored(self):
        (row,) = ScoreImages()(None, data(torch.zeros(2, 12, 12, 1)))["rows"]
        assert row["Q_FMI"] == row["Q_P"] == 1

    @pytest.mark.parametrize(
        "settings",
        [{"metrics_variant": "half"}, {"min_foreground_fraction": 2}, {"slices_at_once": 0}, {"rounded": "perhaps"}],
    )
    def test_a_setting_that_there_is_not_is_told(self, settings):
        with pytest.raises(BadInputError):
            ScoreImages(**settings)


class TestDegenerate:
    def test_of_a_tiny_picture_what_is_defined_is_given_and_the_rest_is_told(self, tmp_path, reference, score):
        images, known = reference
        name = "deg_small10x10"
        (row,), (mean,), summary = score(tmp_path / "out", **pictures(tmp_path, images, [name]))
        for column in ("Q_FMI", "Q_NCIE", "Q_XY"):
            assert float(row[column]) == pytest.approx(known[name][KEYS[column]], abs=1e-6)
        assert row["Q_SSIM"] == row["Q_P"] == mean["Q_P"] == ""
        assert "(10, 10) pixels are smaller" in summary["left_out"]["metrics"][name]["Q_P"]
        assert summary["mean_over_images"]["Q_P"] is None
        assert summary["images_with_value"] == {"Q_SSIM": 0, "Q_FMI": 1, "Q_NCIE": 1, "Q_XY": 1, "Q_P": 0}

    def test_constant_images_have_values(self, tmp_path, score):
        for role, level in (("a", 0), ("b", 255), ("fused", 128)):
            (tmp_path / role).mkdir()
            Image.fromarray(np.full((16, 16), level, np.uint8)).save(tmp_path / role / "flat.png")
        sources = [str(tmp_path / "a"), str(tmp_path / "b")]
        (row,), *_ = score(tmp_path / "out", fused=tmp_path / "fused", sources=sources, decomposed=sources)
        assert all(np.isfinite(float(value)) for value in list(row.values())[2:])

    def test_what_is_too_small_for_any_metric_is_an_error(self):
        with pytest.raises(BadInputError, match="P cannot be scored"):
            ScoreImages()(None, data(torch.zeros(2, 2, 2, 1), torch.full((1, 2, 2, 1), torch.nan)))


class TestFailures:
    def test_bad_files_are_named_and_the_others_are_scored(self, tmp_path, reference, score):
        images, _ = reference
        settings = pictures(tmp_path, images, ["noise64x48_mean", "tiny21x21", "binary63x71_max", "noise64x48_indep"])
        (tmp_path / "a" / "tiny21x21.png").unlink()
        (tmp_path / "b" / "binary63x71_max.png").write_bytes(b"no picture")
        Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "fused" / "noise64x48_indep.png")
        with pytest.raises(Exception) as raised:
            score(tmp_path / "out", **settings)
        message = str(plain_cause(raised.value))
        assert "3 of 4 images could not be processed" in message
        assert "tiny21x21.png has no partner for a" in message
        assert "binary63x71_max.png cannot be read as PNG" in message
        assert "9 x 9 in" in message
        rows, _, summary = read(tmp_path / "out")
        assert [row["image"] for row in rows] == ["noise64x48_mean"]
        assert set(summary["left_out"]["images"]) == {"tiny21x21", "binary63x71_max", "noise64x48_indep"}

    def test_the_command_itself_ends_with_the_message_and_code_1(self, tmp_path, reference):
        images, _ = reference
        settings = pictures(tmp_path, images, ["tiny21x21"])
        Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "fused" / "alone.png")
        command = ["-m", "monai.bundle", "run", "--config_file", CONFIG, "--fused", "fused"]
        done = run_python(
            *(*command, "--sources", "['a','b']", "--decomposed", "['a','b']", "--output_dir", "out"),
            cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        )
        assert done.returncode == 1
        assert "Q_SSIM" in done.stdout and "-0.0012" in done.stdout
        assert "120.0000" in done.stdout and "estimates" in done.stdout
        last = done.stderr.rstrip().splitlines()
        assert last[-2].endswith("1 of 2 images could not be processed:")
        assert last[-1].startswith("- alone: fused/alone.png has no partner for a in a")
        assert [row["image"] for row in read(tmp_path / "out")[0]] == ["tiny21x21"]
        assert settings["fused"].is_dir()
