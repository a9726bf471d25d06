"""The measurement of the maps of doubt, on written patients."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from fusioninn_research.reliability import END, HEAD, OTHERS, START, VALIDATION, Reliability, replace_measured
from scripts.data.discovery import find_patients
from scripts.data.errors import BadInputError
from scripts.metrics.reliability import calibration_factor
from scripts.networks import FusionINN
from scripts.networks.uncertainty import UncertaintyHead


@pytest.fixture
def network():
    network = FusionINN(hidden_channels=4).eval()
    for name, weight in network.named_parameters():
        if "conv_1" in name:
            torch.nn.init.normal_(weight, std=0.05)
    return network


@pytest.fixture
def measured(tmp_path, network, write_patient):
    for name in "PQR":
        write_patient(tmp_path / "data", name)
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": ["P", "R"], "validation": ["Q"]}))
    document = tmp_path / "doc.md"
    document.write_text(f"# Before\n\n{START}\nold\n{END}\n\nAfter.\n")
    Reliability(
        find_patients(tmp_path / "data"),
        str(split),
        ["t1gd", "flair"],
        network,
        UncertaintyHead(belongs_to="ab" * 32).eval(),
        str(tmp_path / "out"),
        slice_step=4,
        draws=(2, 3),
        document=str(document),
    )()
    return json.loads((tmp_path / "out" / "reliability.json").read_text()), document.read_text()


def test_both_groups_are_measured_by_themselves(measured):
    groups = measured[0]["groups"]
    assert {name: (group["patients"], group["slices"]) for name, group in groups.items()} == {
        VALIDATION: (1, 2),
        OTHERS: (2, 4),
    }
    assert {row["map"] for row in groups[VALIDATION]["maps"]} == {HEAD, "spread of 2 draws", "spread of 3 draws"}
    assert {row["map"] for row in groups[OTHERS]["maps"]} == {HEAD, "spread of 2 draws"}


def test_the_spread_is_calibrated_on_the_validation_patients_and_the_head_not_at_all(measured):
    rows = [row for group in measured[0]["groups"].values() for row in group["maps"]]
    assert all(row["factor_used"] == 1 for row in rows if row["map"] == HEAD)
    spread = [row for row in measured[0]["groups"][VALIDATION]["maps"] if row["map"] != HEAD]
    assert all(row["calibration_factor"] == pytest.approx(1, abs=1e-3) for row in spread if row["store"] == "uint16")
    others = {row["source"]: row["factor_used"] for row in measured[0]["groups"][OTHERS]["maps"] if row["map"] != HEAD}
    assert others == {row["source"]: row["factor_used"] for row in spread if row["map"] == "spread of 2 draws"}


def test_figures_are_those_of_the_curve(measured):
    for row in measured[0]["groups"][VALIDATION]["maps"]:
        expected, actual = np.array(row["expected"]), np.array(row["actual"])
        assert len(expected) == 20
        assert (np.diff(expected) >= 0).all()
        assert row["rms_error"] == pytest.approx(np.sqrt((actual**2).mean()), rel=0.02)
        assert row["calibration_factor"] == pytest.approx(calibration_factor(actual, expected), rel=0.02)


def test_the_document_keeps_all_but_its_measured_part(measured):
    text = measured[1]
    assert text.startswith(f"# Before\n\n{START}\nWeights abababababab")
    assert text.endswith(f"{END}\n\nAfter.\n")
    assert "old" not in text
    assert "| learned head | 16 bits | – |" in text
    assert "**Validation patients**: 1 patients, 2 slices" in text


def test_the_figure_is_drawn(tmp_path, measured):
    assert (tmp_path / "out" / "reliability.png").stat().st_size > 10_000


def test_a_document_without_such_a_part_is_told(tmp_path):
    (tmp_path / "a.md").write_text("nothing")
    with pytest.raises(BadInputError, match=r"a\.md has no part between"):
        replace_measured(tmp_path / "a.md", "text")
