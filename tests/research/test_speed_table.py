"""Every method of Table 1 is timed, and its time stands next to its quality."""

from __future__ import annotations

import importlib
import json
import sys
from argparse import Namespace

import pytest
import torch

from scripts.networks import FusionINN


@pytest.fixture(scope="module")
def benchmarks(repository):
    """The benchmark `speed` and its module `table1`, imported as the command does."""
    folder = str(repository / "benchmarks")
    sys.path.insert(0, folder)
    try:
        yield importlib.import_module("speed"), importlib.import_module("table1")
    finally:
        sys.path.remove(folder)


@pytest.fixture(scope="module")
def names(repository):
    return [row["name"] for row in json.loads((repository / "research/configs/table1.json").read_text())["rows"]]


def test_every_row_of_table_1_is_timed_in_its_order(benchmarks, names):
    speed, _ = benchmarks
    assert [peer.label for peer in speed.PEERS.values() if peer.table1] == names


def test_they_are_timed_as_the_others_at_their_best_one_slice_at_a_time_and_blocks_kept(benchmarks):
    speed, _ = benchmarks
    best = speed.PEERS["freia,slice"]
    timed = [peer for peer in speed.PEERS.values() if peer.table1]
    assert {(peer.at_once, peer.kept, peer.train) for peer in timed} == {(best.at_once, best.kept, best.train)}


def test_only_those_that_take_hundreds_of_steps_are_left_out_of_the_quick_run(benchmarks):
    speed, _ = benchmarks
    assert [peer.label for peer in speed.PEERS.values() if peer.table1 and not peer.quick] == ["Ceiling", "DDFM"]


@pytest.mark.parametrize(
    ("name", "kind"), [("mean", "MeanFusion"), ("unet", "UNet"), ("published", "PublishedFusionINN"), ("ddfm", "DDFM")]
)
def test_the_network_is_that_of_the_method_s_config(benchmarks, name, kind):
    _, table1 = benchmarks
    network = table1.build_method(name)
    assert type(network).__name__ == kind
    assert not network.training


def test_settings_of_the_row_reach_the_network(benchmarks):
    _, table1 = benchmarks
    ours, shipped = (table1.build_method(name) for name in ("fusioninn", "shipped"))
    couplings = [sum(type(step).__name__ == "AffineCoupling" for step in one.steps) for one in (ours, shipped)]
    assert isinstance(ours, FusionINN)
    assert couplings[0] == 4


def test_ddfm_fuses_with_a_prior_that_was_never_trained(benchmarks):
    _, table1 = benchmarks
    from fusioninn_research.methods import DDFM

    network = DDFM(channels=(16,), steps=2).eval()
    assert table1.fusing(network)(torch.rand(1, 2, 8, 8)).shape == (1, 1, 8, 8)


class TestTimes:
    options = Namespace(repeats=1, device="cpu")

    def test_a_method_that_decomposes_is_timed_in_both_directions(self, benchmarks):
        speed, _ = benchmarks
        times = speed.method_times(FusionINN(hidden_channels=2), torch.rand(2, 2, 16, 16).split(1), self.options)
        assert set(times) == {"fuse", "decompose"}
        assert all(0 < value < 1 for value in times.values())

    def test_one_that_fuses_only_has_no_time_for_the_other(self, benchmarks):
        speed, table1 = benchmarks
        times = speed.method_times(table1.build_method("mean"), torch.rand(2, 2, 16, 16).split(1), self.options)
        assert set(times) == {"fuse"}

    def test_a_slow_one_fuses_one_slice_once(self, benchmarks, monkeypatch):
        speed, _ = benchmarks
        seen = []

        class Slow(torch.nn.Module):
            def forward(self, image):
                seen.append(len(image))
                return image

        monkeypatch.setattr(speed, "ONCE_SECONDS", 0.0)
        assert set(speed.method_times(Slow(), torch.rand(3, 2, 8, 8).split(1), self.options)) == {"fuse"}
        assert seen == [1]

    def test_one_that_fails_does_not_stop_the_others(self, benchmarks, monkeypatch):
        speed, _ = benchmarks

        def build(peer, device, folder):
            if peer.network == "mean":
                raise RuntimeError("out of memory")
            return torch.nn.Identity()

        monkeypatch.setattr(speed, "build", build)
        options = Namespace(peers=["table1,mean", "table1,max"], batch=1, repeats=1, device="cpu")
        found = speed.methods(options)
        assert found["table1,mean"] == {"error": "out of memory"}
        assert set(found["table1,max"]) == {"fuse"}


class TestTable:
    def lines(self, benchmarks, **rows):
        speed, _ = benchmarks
        return speed.methods_table({speed.OF_TABLE_1 + name: row for name, row in rows.items()})

    def test_cost_and_quality_stand_in_one_line(self, benchmarks):
        lines = self.lines(
            benchmarks,
            unet={"fuse": 0.25},
            published={"fuse": 0.014, "decompose": 0.0135},
            shipped={"fuse": 0.0125, "decompose": 0.012},
        )
        assert lines[2:] == [
            "| UNet | 250.0 | – | 20 | 0.756 | – |",
            "| FusionINN (published) | 14.0 | 13.5 | 1.1 | 0.705 | 0.658 / 0.612 |",
            "| FusionINN (shipped weights) | 12.5 | 12.0 | 1.0 | – | – |",
        ]

    def test_without_the_shipped_network_nothing_is_compared_with_it(self, benchmarks):
        assert self.lines(benchmarks, mean={"fuse": 0.001})[2] == "| Plain mean | 1.0 | – |  | 0.753 | – |"

    def test_a_method_that_fails_says_why(self, benchmarks):
        assert self.lines(benchmarks, unet={"error": "out of memory"})[2].startswith("| UNet | out of memory |")

    def test_the_methods_are_in_no_other_table(self, benchmarks):
        speed, _ = benchmarks
        rows = {"freia": {"fuse": 0.1, "decompose": 0.1}, "table1,mean": {"fuse": 0.001}}
        assert len(speed.table(rows, {"fuse": 0.01}, "freia", ("fuse", "decompose"))) == 3
