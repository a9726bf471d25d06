"""The distribution of usual pairs, and its file."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from scripts.data.errors import BadInputError
from scripts.typicality.fused_density import FusedDensity
from scripts.typicality.mahalanobis import Mahalanobis
from scripts.typicality.reference import Reference, other_source

REFERENCE = Reference(
    checkpoint_sha256="ab" * 32,
    sources=("t1gd", "flair"),
    slices=4,
    density=FusedDensity((0.5, 0.5, -0.1, 0.0), (0.02, 0.2)),
    usual=Mahalanobis(("edges",), (0.3,), ((0.01,),)),
    order=Mahalanobis(("rim_1", "rim_2"), (0.3, 0.5), ((0.01, 0.0), (0.0, 0.01))),
    threshold=2.0,
    false_alarm_rate=0.05,
    fitted={"patients": ["P"]},
)


def test_what_is_written_is_read_back(tmp_path):
    REFERENCE.save(tmp_path / "typicality.json")
    assert Reference.load(tmp_path / "typicality.json", "ab" * 32) == REFERENCE
    assert "research use" in json.loads((tmp_path / "typicality.json").read_text())["ResearchUseOnly"].lower()


def test_other_weights_are_refused_with_the_command_that_helps(tmp_path):
    REFERENCE.save(tmp_path / "typicality.json")
    with pytest.raises(
        BadInputError, match=r"belongs to other weights \(SHA-256 abababababab…, but the weights in use have cdcd"
    ) as told:
        Reference.load(tmp_path / "typicality.json", "cd" * 32)
    assert "configs/typicality.json" in str(told.value)


def test_a_missing_or_damaged_file_is_reported(tmp_path):
    path = tmp_path / "typicality.json"
    with pytest.raises(BadInputError, match=r"typicality\.json does not exist\. Fit it for the weights in use"):
        Reference.load(path, None)
    for content, told in {
        "{half": "cannot be read as JSON",
        "{}": 'no key "checkpoint_sha256"',
        "[]": "expected",
    }.items():
        path.write_text(content)
        with pytest.raises(BadInputError, match=told):
            Reference.load(path, None)
    REFERENCE.save(path)
    content = json.loads(path.read_text())
    content["usual"]["mean"] = [1, 2]
    path.write_text(json.dumps(content))
    with pytest.raises(BadInputError, match="1 statistics, but a covariance of shape"):
        Reference.load(path, "ab" * 32)


def test_scores_are_distances():
    assert REFERENCE.scores({"edges": np.array([0.3, 0.1])}) == pytest.approx([0, 2])


def test_the_order_ratio_compares_with_the_swapped_sources():
    usual = {"rim_1": np.array([0.3]), "rim_2": np.array([0.4])}
    ratio = REFERENCE.order_ratios(usual)[0]
    assert ratio < 1
    swapped = {other_source(name): values for name, values in usual.items()}
    assert REFERENCE.order_ratios(swapped)[0] == pytest.approx(1 / ratio)
    even = replace(REFERENCE).order_ratios({"rim_1": np.array([0.4]), "rim_2": np.array([0.4])})
    assert even == pytest.approx([1])
