"""A new output is a new file of code and a line in a config."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigParser, ConfigWorkflow

CONFIGS = Path(__file__).resolve().parents[2] / "bundle" / "configs"

CODE = '''
import torch


class Brightness:
    """A map, and a number for the sidecar."""

    def __call__(self, network, case):
        bright = (case.fused > 0.5).float().expand_as(case.decomposed)
        return case.with_map("brightness", bright).with_measured(MeanOfFused=round(float(case.fused.mean()), 3))


class Histogram:
    """A file of its own."""

    def __call__(self, case, folder):
        counts = torch.histc(case.fused, bins=4, min=0, max=1).int().tolist()
        (folder / f"{case.patient}_histogram.txt").write_text(" ".join(map(str, counts)))
'''

CONFIG = {"+results": [{"_target_": "own_output.Brightness"}], "+writers": [{"_target_": "own_output.Histogram"}]}


@pytest.fixture
def folder(tmp_path, monkeypatch, write_patient):
    """Folder of a patient that was fused with outputs that the bundle does not know."""
    (tmp_path / "own_output.py").write_text(CODE)
    (tmp_path / "own.json").write_text(json.dumps(CONFIG))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")
    write_patient(tmp_path / "in", "P1")
    workflow = ConfigWorkflow(
        [str(CONFIGS / "inference.json"), str(tmp_path / "own.json")],
        workflow_type="infer",
        logging_file=False,
        dataset_dir=str(tmp_path / "in"),
        output_dir=str(tmp_path / "out"),
        overview="false",
        typicality="false",
        device="cpu",
    )
    workflow.initialize()
    workflow.run()
    return tmp_path / "out" / "P1"


def test_a_result_is_written_and_described_and_a_writer_runs(folder):
    sidecar = json.loads((folder / "P1_fused.json").read_text())
    fused = nib.load(folder / "P1_fused.nii.gz").get_fdata()
    assert sidecar["MeanOfFused"] == pytest.approx(fused.mean(), abs=6e-4)
    assert sidecar["BrightnessFiles"] == ["P1_t1gd_brightness.nii.gz", "P1_flair_brightness.nii.gz"]
    brightness = nib.load(folder / sidecar["BrightnessFiles"][0])
    np.testing.assert_allclose(brightness.get_fdata(), fused > 0.5, atol=1e-5)
    assert brightness.header["descrip"].item().decode() == "FusionINN brightness of t1gd, research use only"
    assert sum(map(int, (folder / "P1_histogram.txt").read_text().split())) == fused.size


@pytest.mark.parametrize("configs", [["inference", "study", "pacs"], ["decompose", "decompose_series", "pacs"]])
def test_derived_series_are_delivered_in_both_directions(configs):
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / f"{name}.json") for name in configs])
    assert parser["evaluator"]["iteration_update"]["delivery"] == "@delivery"
    assert [part["_target_"] for part in parser["delivery"]] == ["scripts.pacs.send_back.SendBack"]
