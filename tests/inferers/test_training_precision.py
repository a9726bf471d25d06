"""Number format of training, chosen for the machine."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
import torch

from scripts.inferers import BidirectionalInferer
from scripts.inferers.training_precision import PRECISIONS, has_matrix_units, resolve_precision

CPU = torch.device("cpu")
CPUINFO = Path("/proc/cpuinfo")


def test_what_the_user_says_counts():
    assert [resolve_precision(name, CPU) for name in ("float32", "bfloat16")] == ["float32", "bfloat16"]


def test_auto_is_bfloat16_where_there_are_matrix_units():
    assert resolve_precision("auto", CPU) == ("bfloat16" if has_matrix_units(CPU) else "float32")


@pytest.mark.skipif(not CPUINFO.is_file(), reason="the system's own list of features is read")
def test_the_system_says_the_same_of_its_processor():
    assert has_matrix_units(CPU) == bool(re.search(r"^flags\s*:.*\bamx_bf16\b", CPUINFO.read_text(), re.MULTILINE))


def test_a_device_that_pytorch_says_nothing_of_gets_single_precision():
    assert resolve_precision("auto", torch.device("meta")) == "float32"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_with_matrix_units_has_capability_8():
    device = torch.device("cuda")
    assert has_matrix_units(device) == (torch.cuda.get_device_capability(device) >= (8, 0))


class TestInferer:
    @pytest.mark.parametrize("precision", PRECISIONS)
    def test_the_choice_is_logged_once_and_only_where_it_is_left_to_the_machine(self, network, precision, caplog):
        caplog.set_level(logging.INFO)
        inferer = BidirectionalInferer(precision=precision)
        for _ in range(2):
            inferer(torch.rand(1, 2, 8, 8), network.train())
        told = [record.message for record in caplog.records if "precision auto" in record.message]
        assert len(told) == (precision == "auto")
        if told:
            assert f"training in {resolve_precision('auto', CPU)}, because this processor has" in told[0]

    def test_auto_trains_in_what_it_resolves_to(self, network):
        image = torch.rand(1, 2, 8, 8)
        results = []
        for precision in ("auto", resolve_precision("auto", CPU)):
            torch.manual_seed(0)
            results.append(BidirectionalInferer(precision=precision)(image, network.train())["decomposed"])
        assert torch.equal(*results)
