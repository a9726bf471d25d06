"""Descriptions of exports."""

from __future__ import annotations

import json

from scripts import RESEARCH_NOTICE, __version__
from scripts.networks import FusionINN
from scripts.runtimes.description import as_properties, describe, from_properties

SUM = "ab" * 32


def test_it_names_weights_version_sources_and_the_notice():
    told = describe(FusionINN(hidden_channels=2), SUM, ["t1gd", "flair"])
    assert told["checkpoint_sha256"] == SUM
    assert told["bundle_version"] == __version__
    assert told["research_only"] == RESEARCH_NOTICE
    assert told["sources"] == ["t1gd", "flair"]
    assert "estimates" in told["estimates"]
    assert "99.9th" in told["normalisation"]["volume"]
    assert json.loads(json.dumps(told)) == told


def test_it_states_shape_and_range_of_inputs_and_outputs():
    told = describe(FusionINN(hidden_channels=2, in_channels=3), SUM, ["a", "b", "c"], ["decompose"])
    assert list(told["interfaces"]) == ["decompose"]
    inputs, outputs = told["interfaces"]["decompose"]["inputs"], told["interfaces"]["decompose"]["outputs"]
    assert inputs["fused"]["shape"] == ["batch", 1, "height", "width"]
    assert inputs["latent"]["shape"] == ["batch", 2, "height", "width"]
    assert inputs["latent"]["range"] == "unbounded"
    assert outputs["decomposed"]["shape"] == ["batch", 3, "height", "width"]
    assert outputs["decomposed"]["content"] == "a and b and c, estimated"


def test_a_static_shape_is_described_in_every_file():
    told = describe(FusionINN(hidden_channels=2), SUM, ["a", "b"], static_shape=(4, 2, 32, 30))
    assert told["static_shape"] == [4, 2, 32, 30]
    assert told["interfaces"]["fuse"]["outputs"]["fused"]["shape"] == [4, 1, 32, 30]


def test_onnx_properties_are_texts_that_lead_back():
    told = describe(FusionINN(hidden_channels=2), SUM, ["a", "b"])
    properties = as_properties(told)
    assert all(isinstance(value, str) for value in properties.values())
    assert properties["research_only"] == RESEARCH_NOTICE
    assert from_properties(properties) == told


def test_a_text_of_digits_alone_is_not_a_version_number_here():
    assert from_properties({"bundle_version": "0.2.0", "other": "plain words"}) == {
        "bundle_version": "0.2.0",
        "other": "plain words",
    }
