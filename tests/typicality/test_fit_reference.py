"""The command that fits the reference."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.networks.weights import fingerprint
from scripts.typicality.fit_reference import FitReference
from scripts.typicality.reference import Reference
from scripts.typicality.scanners import SCANNERS
from scripts.typicality.statistics import FLOW_STATISTICS, PICTURE_STATISTICS

STATISTICS = ["rank_correlation", "edges", "latent_energy"]


@pytest.fixture
def settings(tmp_path, network):
    torch.save(network.state_dict(), tmp_path / "model.pt")
    return {
        "dataset_dir": str(tmp_path / "data"),
        "output": str(tmp_path / "typicality.json"),
        "network": network,
        "ckpt_path": str(tmp_path / "model.pt"),
        "sources": ["t1gd", "flair"],
        "statistics": STATISTICS,
        "order_statistics": ["rim_1", "rim_2"],
        "slices": 2,
        "false_alarm_rate": 0.1,
    }


def write_patients(folder, write_patient, count):
    for i in range(count):
        generator = np.random.default_rng(i)
        noise = {key: generator.integers(0, 150, (40, 48, 8)) for key in ("t1ce", "flair")}
        record = write_patient(folder / "data", f"P{i}")
        shown = {
            key: np.asarray(nib.load(record[source]).dataobj) for key, source in (("t1ce", "t1gd"), ("flair", "flair"))
        }
        write_patient(folder / "data", f"P{i}", **{key: shown[key] + noise[key] * (shown[key] > 0) for key in noise})


def test_the_file_belongs_to_the_weights_and_names_the_patients(tmp_path, settings, write_patient):
    write_patients(tmp_path, write_patient, 3)
    fitted = FitReference(**settings)()
    reference = Reference.load(settings["output"], fingerprint(settings["ckpt_path"]))
    assert reference == fitted
    assert reference.fitted["patients"] == ["P0", "P1", "P2"]
    assert reference.fitted["scanners"] == list(SCANNERS)
    assert reference.usual.names == tuple(STATISTICS)
    assert reference.threshold > max(reference.fitted["scores_left_out"].values())


def test_the_threshold_is_the_bound_of_a_next_score_and_rises_with_fewer_false_alarms(settings, network):
    generator = np.random.default_rng(0)
    cases = {
        f"P{i}": [{name: generator.normal(size=30) + 0.3 * i for name in PICTURE_STATISTICS + FLOW_STATISTICS}]
        for i in range(4)
    }
    rare, often = (
        FitReference(**{**settings, "false_alarm_rate": rate}).fit(cases, None).threshold for rate in (0.01, 0.2)
    )
    assert rare > often


def test_too_few_patients_are_reported(tmp_path, settings, write_patient):
    write_patients(tmp_path, write_patient, 2)
    with pytest.raises(BadInputError, match="2 patients are too few to fit a distribution; at least 3 are required"):
        FitReference(**settings)()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"dataset_dir": None}, "dataset_dir is missing"),
        ({"sources": ["t1", "t2", "flair"]}, "for two sources only"),
        ({"false_alarm_rate": 0}, "false_alarm_rate is 0"),
        ({"slices": 0}, "slices is 0"),
        ({"statistics": ["edgs"]}, "edgs"),
    ],
)
def test_settings_that_cannot_be_followed_are_reported(settings, wrong, told):
    with pytest.raises(BadInputError, match=told):
        FitReference(**{**settings, **wrong})
