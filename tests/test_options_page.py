"""The manual's page of options is what the commands' help says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from scripts.commands.main import main
from scripts.commands.options import options_of
from scripts.commands.tasks import tasks

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "bundle" / "docs" / "options.md"


def test_the_page_is_up_to_date():
    spec = importlib.util.spec_from_file_location("options_page", ROOT / "tools" / "options_page.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    remedy = "python tools/options_page.py > bundle/docs/options.md"
    assert PAGE.read_text(encoding="utf-8") == tool.page(), remedy


@pytest.mark.parametrize("task", tasks().values(), ids=lambda task: task.name)
def test_every_option_of_the_help_is_in_the_section_of_its_task_or_the_one_it_refers_to(task, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE.read_text(encoding="utf-8"), re.M | re.S))
    named = [task.name, *re.findall(r"as for \[(\w+)\]", sections[task.name])]
    rows = {option: effect for name in reversed(named) for option, effect in table_rows(sections[name]).items()}
    main([task.name, "--help"])
    shown = capsys.readouterr().out
    for option in options_of(task, *task.configs()):
        (line,) = (line for line in shown.splitlines() if line.startswith(f"  --{option} "))
        assert line.endswith(f"  {rows[option]}"), option


def table_rows(section: str) -> dict[str, str]:
    """Effect of each option of a section; what recipes change is left out."""
    section = section.partition("\nWith `--")[0]
    return dict(re.findall(r"^\| `--(\w+)` \| .+? \| (.+) \|$", section, re.M))
