"""Number format of training, chosen for the machine."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
import torch

from scripts.inferers import BidirectionalInferer
from scripts.inferers.training_precision import PRECISIONS, bfloat16_is_faster, resolve_precision

CPU = torch.device("cpu")
CPUINFO = Path("/proc/cpuinfo")


def test_what_the_user_says_counts():
    assert [resolve_precision(name, CPU) for name in ("float32", "bfloat16")] == ["float32", "bfloat16"]


def test_auto_is_bfloat16_where_that_is_faster():
    assert resolve_precision("auto", CPU) == ("bfloat16" if bfloat16_is_faster(CPU) else "float32")


@pytest.mark.skipif(not CPUINFO.is_file(), reason="the system's own list of features is read")
def test_the_system_says_the_same_of_its_processor():
    text = CPUINFO.read_text()
    amx, vectors = (re.search(rf"^flags\s*:.*\b{name}\b", text, re.MULTILINE) for name in ("amx_bf16", "avx512_bf16"))
    assert bfloat16_is_faster(CPU) == bool(amx or (vectors and "AuthenticAMD" in text))


@pytest.mark.parametrize(
    ("known", "faster"),
    [
        ({"cpu_name": "Intel Xeon", "amx_bf16": True, "avx512_bf16": True}, True),
        ({"cpu_name": "Intel Xeon", "amx_bf16": False, "avx512_bf16": True}, False),
        ({"cpu_name": "AMD EPYC", "amx_bf16": False, "avx512_bf16": True}, True),
        ({"cpu_name": "AMD EPYC", "amx_bf16": False, "avx512_bf16": False}, False),
        ({}, False),
    ],
)
def test_each_kind_of_processor_gets_what_was_faster_on_it(monkeypatch, known, faster):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known)
    assert bfloat16_is_faster(CPU) is faster


def test_a_device_that_pytorch_says_nothing_of_gets_single_precision():
    assert resolve_precision("auto", torch.device("meta")) == "float32"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_with_matrix_units_has_capability_8():
    device = torch.device("cuda")
    assert bfloat16_is_faster(device) == (torch.cuda.get_device_capability(device) >= (8, 0))


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
            assert f"training in {resolve_precision('auto', CPU)}, because bfloat16 is" in told[0]

    def test_auto_trains_in_what_it_resolves_to(self, network):
        image = torch.rand(1, 2, 8, 8)
        results = []
        for precision in ("auto", resolve_precision("auto", CPU)):
            torch.manual_seed(0)
            results.append(BidirectionalInferer(precision=precision)(image, network.train())["decomposed"])
        assert torch.equal(*results)
