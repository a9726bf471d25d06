"""The description of an ONNX file is read without the package onnx."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import BUNDLE_ROOT
from scripts.data.errors import BadInputError
from scripts.runtimes.onnx_properties import read_properties

SHIPPED = Path(BUNDLE_ROOT) / "models" / "decompose.onnx"


def test_it_reads_what_the_package_reads():
    onnx = pytest.importorskip("onnx")
    properties = read_properties(SHIPPED)
    stored = {entry.key: entry.value for entry in onnx.load(SHIPPED).metadata_props}
    assert set(properties) == set(stored)
    assert properties["sources"] == ["t1gd", "flair"]
    assert properties["checkpoint_sha256"] == stored["checkpoint_sha256"]


def test_a_missing_or_damaged_file_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="cannot be read"):
        read_properties(tmp_path / "none.onnx")
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(SHIPPED.read_bytes()[:-1000])
    with pytest.raises(BadInputError, match="is not an ONNX file, or is damaged"):
        read_properties(damaged)
