"""The table of differences between exports and the network."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from monai.transforms import Compose

from fusioninn_research.parity import COLUMNS, Parity, differences, kinds_of
from scripts.data.discovery import find_patients
from scripts.data.errors import BadInputError
from scripts.networks import FusionINN
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd

SOURCES = ["t1gd", "flair"]


@pytest.fixture(scope="module")
def exports(exporter) -> Path:
    """Folder of the small network as TorchScript: the export that takes least time."""
    exporter.torchscript()
    return exporter.folder


@pytest.fixture
def parity(exports, write_patient, tmp_path):
    def make(**settings) -> Parity:
        write_patient(tmp_path, "P1", shape=(30, 32, 9))
        network = FusionINN(blocks=2, hidden_channels=4, latent_scale=0.5)
        read = Compose([LoadSourcesd(SOURCES, with_seg=False), NormalizeSourcesd()])
        records = find_patients(str(tmp_path), SOURCES)
        return Parity(network, str(exports / "model.pt"), str(exports), records, read, **settings)

    return make


def test_every_export_is_compared_at_several_sizes(parity, exports):
    rows = parity(runtimes=["torchscript"])()
    assert [row["runtime"] for row in rows] == ["torchscript"] * 4
    assert [row["images"] for row in rows] == ["4 × 30 × 32", "1 × 30 × 32", "3 × 29 × 31", "1 × 9 × 16"]
    assert max(row[column] for row in rows for column in COLUMNS) <= 1e-4
    with (exports / "parity.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 4
    text = (exports / "parity.md").read_text()
    assert "research use only" in text
    assert "| model.ts |" in text


def test_one_that_is_off_is_refused_after_the_table_is_written(parity, exports):
    (exports / "parity.md").unlink(missing_ok=True)
    with pytest.raises(BadInputError, match="torchscript is off by more than -1e-12 .*Do not use it"):
        parity(runtimes=["torchscript"], tolerance=-1e-12)()
    assert (exports / "parity.md").is_file()


def test_nothing_to_compare_is_reported(parity, tmp_path):
    with pytest.raises(BadInputError, match=r"nothing to compare in .*configs/export.json"):
        empty = parity()
        empty.folder = tmp_path
        empty()


def test_differences_of_a_network_to_itself_are_none_but_the_round_trip(small_network, phantom_slices):
    row = differences(small_network, small_network, phantom_slices[:1, :, ::4, ::4])
    assert [row[column] for column in COLUMNS[:4]] == [0, 0, 0, 0]
    assert 0 < row["round trip"] < 1e-4


def test_kinds_of_images_are_even_odd_and_of_several_batch_sizes():
    shapes = [tuple(image.shape) for image in kinds_of(torch.zeros(4, 2, 21, 16))]
    assert shapes == [(4, 2, 20, 16), (1, 2, 21, 16), (3, 2, 19, 15), (1, 2, 6, 8)]
