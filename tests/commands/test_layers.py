"""Layers are read as MONAI reads them, without MONAI."""

from __future__ import annotations

import json

import pytest

from scripts.command_line.references import UsedIds
from scripts.command_line.references import layered as monai_layered
from scripts.commands.layers import layered, used_keys
from scripts.data.errors import BadInputError


def test_the_layers_of_every_task_are_those_of_monai(task, value):
    files, _ = task.configs(value)
    assert {**layered(files), "_meta_": {}} == monai_layered([str(file) for file in files], {}).get()


def test_the_keys_that_a_task_uses_are_those_that_its_check_of_options_knows(task, value):
    files, section = task.configs(value)
    parser = monai_layered([str(file) for file in files], {})
    known = UsedIds(parser, (section, "initialize", "finalize", "imports"))
    assert used_keys(layered(files), section) == {key for key in parser.get() if key in known}


def test_a_layer_that_does_not_fit_is_refused_with_its_name(tmp_path):
    below, above = tmp_path / "below.json", tmp_path / "above.json"
    below.write_text(json.dumps({"a": {"b": 1}}))
    above.write_text(json.dumps({"c#d": 2}))
    with pytest.raises(BadInputError, match=r"above\.json sets 'c#d', which the configs before it do not have"):
        layered([below, above])
    above.write_text("[]")
    with pytest.raises(BadInputError, match="expected a JSON object"):
        layered([below, above])
