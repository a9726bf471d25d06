"""Options that are true or false reach the configs as booleans, however they were typed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import fire
import monai.bundle
import pytest
from monai.bundle import ConfigParser, ConfigWorkflow

from scripts.command_line.booleans import type_booleans
from scripts.data.errors import BadInputError

CONFIG = {
    "imports": ["$import pathlib", "$from scripts.command_line.begin import begin"],
    "flag": True,
    "off": False,
    "text": "as it is",
    "place": None,
    "computed": "$1 > 2",
    "component": {"_target_": "builtins.dict", "inner": False},
    "written": "${'flag': @flag, 'off': @off, 'text': @text, 'computed': @computed, 'inner': @component['inner']}",
    "run": ["$begin()", "$pathlib.Path(@place).write_text(repr(@written))"],
}

pytestmark = pytest.mark.usefixtures("process_as_it_was")


@pytest.fixture
def config(tmp_path, monkeypatch) -> Path:
    """Write the config of a command that writes down its options."""
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")
    path = tmp_path / "command.json"
    path.write_text(json.dumps(CONFIG))
    return path


@pytest.mark.parametrize(
    ("words", "option", "value"),
    [
        ("--flag false", "flag", False),
        ("--flag False", "flag", False),
        ("--flag no", "flag", False),
        ("--flag 0", "flag", False),
        ("--noflag", "flag", False),
        ("--off yes", "off", True),
        ("--off on", "off", True),
        ("--off", "off", True),
        ("--computed true", "computed", True),
        ("--component#inner true", "inner", True),
        ("--text true", "text", "true"),
    ],
)
def test_an_option_that_is_typed_becomes_a_boolean(config, tmp_path, monkeypatch, words, option, value):
    words = ["--config_file", str(config), "--place", str(tmp_path / "told"), *words.split(), "--logging_file", "False"]
    monkeypatch.setattr(sys, "argv", ["monai.bundle", "run", *words])
    fire.Fire({"run": monai.bundle.run})
    assert eval((tmp_path / "told").read_text())[option] == value


def test_a_workflow_made_by_python_code_takes_the_words_of_a_command_line(config, tmp_path):
    given = {"flag": "false", "off": "True", "place": str(tmp_path / "told")}
    workflow = ConfigWorkflow(str(config), workflow_type="infer", logging_file=False, **given)
    workflow.initialize()
    workflow.run()
    assert eval((tmp_path / "told").read_text()) == {
        "flag": False,
        "off": True,
        "text": "as it is",
        "computed": False,
        "inner": False,
    }


def test_what_was_made_before_stays():
    parser = ConfigParser({"made": {"_target_": "builtins.dict", "a": 1}, "flag": "false", "use": "$not @flag"})
    made = parser.get_parsed_content("made")
    type_booleans(parser, {"flag": "false"}, ConfigParser({"flag": True}))
    assert parser.get_parsed_content("made") is made
    assert parser.get_parsed_content("use") is True


def test_a_word_that_is_neither_true_nor_false_is_refused():
    with pytest.raises(BadInputError, match="expected true or false, got 'maybe'"):
        type_booleans(ConfigParser({"flag": "maybe"}), {"flag": "maybe"}, ConfigParser({"flag": True}))
