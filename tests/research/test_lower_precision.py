"""What less than single precision does to the images."""

from __future__ import annotations

import pytest
import torch
from monai.transforms import Compose

from fusioninn_research.lower_precision import HARMLESS, LowerPrecision, by_int8, by_torch, harm
from scripts.data.discovery import find_patients
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd

SOURCES = ["t1gd", "flair"]


def test_single_precision_does_none(small_network, phantom_slices):
    single = by_torch(small_network, None)
    figures = harm(single, single, phantom_slices[:1, :, ::3, ::3])
    assert figures["fused, largest"] == figures["decomposed, largest"] == 0
    assert figures["round trip, largest"] < 1e-4
    assert figures["harmless"]


def test_bfloat16_does_more_than_float16_and_both_more_than_none(small_network, phantom_slices):
    image = phantom_slices[:1, :, ::3, ::3]
    single = by_torch(small_network, None)
    half, brain = (harm(single, by_torch(small_network, dtype), image) for dtype in (torch.float16, torch.bfloat16))
    assert 0 < half["decomposed, mean"] < brain["decomposed, mean"]


@pytest.mark.slow
def test_integers_do_harm(onnx_exports, small_network, phantom_slices, tmp_path):
    pytest.importorskip("onnxruntime", reason="no onnxruntime: pip install -r requirements-dev.txt")
    image = phantom_slices[:1, :, ::3, ::3].contiguous()
    single = by_torch(small_network, None)
    both = by_int8(onnx_exports / "fuse.onnx", onnx_exports / "decompose.onnx", tmp_path, image, single)
    figures = harm(single, both, image)
    assert figures["decomposed, largest"] > HARMLESS
    assert not figures["harmless"]


def test_the_table_is_written_even_without_onnx_files(small_network, write_patient, tmp_path):
    write_patient(tmp_path, "P1", shape=(24, 24, 6))
    read = Compose([LoadSourcesd(SOURCES, with_seg=False), NormalizeSourcesd()])
    rows = LowerPrecision(small_network, str(tmp_path), find_patients(str(tmp_path), SOURCES), read, 2)()
    assert [row["precision"] for row in rows] == ["float32", "float16", "bfloat16"]
    text = (tmp_path / "precision.md").read_text()
    assert "research use only" in text
    assert "| float32 | 0.00000 |" in text
