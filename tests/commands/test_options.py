"""Every option that a user may set has a description, which agrees with the code."""

from __future__ import annotations

from pydoc import locate

import pytest

from scripts.command_line.values import CHOICES, PLACES
from scripts.commands.layers import layered, used_keys
from scripts.commands.options import HIDDEN, is_value, options_of
from scripts.commands.tasks import descriptions, tasks
from scripts.data.strict_json import read_json


def test_every_option_is_described_in_one_line(task, value):
    for option in options_of(task, *task.configs(value)).values():
        assert option.does, f"{option.name} of {task.name} has no description in configs/commands.json"
        assert not option.does.endswith(".")
        assert len(option.does) <= 100


def test_every_value_at_the_top_of_the_configs_is_an_option(task, value):
    files, section = task.configs(value)
    content = layered(files)
    values = {key for key in used_keys(content, section) if is_value(content[key])}
    options = options_of(task, files, section)
    assert values - options.keys() <= {*HIDDEN, *task.hidden}


def test_the_kind_of_an_option_without_default_is_described(task, value):
    for option in options_of(task, *task.configs(value)).values():
        if option.default is None:
            known = "path" if PLACES.search(option.name) or option.name == "dataset_dir" else None
            described = descriptions(task)[option.name].get("kind")
            assert option.choices or described or known, option.name


def test_allowed_values_are_those_of_the_code(task, value):
    for option in options_of(task, *task.configs(value)).values():
        if option.name in CHOICES:
            declared = [tuple(map(str, locate(place))) for place in CHOICES[option.name]]
            assert option.choices in declared, option.name


def test_descriptions_are_of_options_that_there_are():
    named = {
        name for task in tasks().values() for value in task.calls for name in options_of(task, *task.configs(value))
    }
    assert read_json(tasks()["fuse"].args_file().parents[1] / "commands.json")["options"].keys() == named


@pytest.mark.parametrize("task", tasks().values(), ids=lambda task: task.name)
def test_arguments_and_own_descriptions_are_of_options_of_the_task(task):
    options = {name for value in task.calls for name in options_of(task, *task.configs(value))}
    assert {place.partition("#")[0] for place in task.arguments.values()} <= options
    assert task.options.keys() <= options


def test_every_args_file_belongs_to_a_task():
    files = {task.args_file(value) for task in tasks().values() for value in task.calls}
    assert files == set(tasks()["fuse"].args_file().parent.glob("*.json"))
