"""Write the manual's page of options from what the help of the commands shows.

python tools/options_page.py > bundle/docs/options.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bundle"))

from scripts import RESEARCH_NOTICE  # noqa: E402
from scripts.commands.help_text import OF_EVERY_TASK, capital, row  # noqa: E402
from scripts.commands.layers import CONFIGS  # noqa: E402
from scripts.commands.options import options_of  # noqa: E402
from scripts.commands.request import call_words  # noqa: E402
from scripts.commands.tasks import Task, tasks  # noqa: E402

HEAD = f"""# Commands and options

{RESEARCH_NOTICE} Decomposed images are estimates.

```sh
fusioninn --help             # all tasks
fusioninn fuse --help        # the options of one task
eval "$(fusioninn completion bash)"   # completes tasks, options and files; zsh and fish likewise
```

This page has the same text as `--help`; `tools/options_page.py` in the repository makes it. Install the command as
described in [install.md](install.md). Without it, `python -m scripts` in the folder of the bundle does the same.

## How to write a command

- Words without a name are the arguments in the first line of each task; those in brackets may be left out. Each of them
  may also be given by its name.
- `--report` is the same as `--report true`. `--fused_dtype` may be written `--fused-dtype`.
- Lists are written `t1gd,flair`, or as in Python. Write patterns with `*` in quotes.
- A part of a section is set by its path, such as `--network_def#blocks 4`.
- An unknown word, a value that cannot be used, and an option without effect are errors that name the nearest valid
  word.
- `bundle` in a default is the folder of the bundle, which `fusioninn where` prints.
- The exit code is 0 if all is done, 1 if the task or one of its patients failed, 2 if the command was not understood,
  130 or 143 if it was stopped.

{{every}}
## MONAI's commands

A short command runs configs of the bundle by MONAI, and `--verbose` logs the command of MONAI that does the same. It
shows the folders that you named; what identifies a patient in a search is hidden. In
the folder of the bundle, `configs/tasks` has an `args_file` for each task:

```sh
python -m monai.bundle run --args_file configs/tasks/study.json --dataset_dir STUDIES --output_dir OUT
```

It names the configs in the order in which they are layered, and the section to run. The configs may be listed instead:

```sh
python -m monai.bundle run --config_file "['configs/inference.json','configs/study.json']" \\
    --dataset_dir STUDIES --output_dir OUT
```

In this form every option has a value, and lists are written as in Python: `--report true --sources "['t1gd','flair']"`.
"""
MOST_EXCEPTIONS = 4
"""Largest number of differences for which a table is replaced by a link."""
Rows = dict[str, tuple[str, str]]


def page() -> str:
    """Return the page."""
    rows = "".join(f"| `{words}` | {does} |\n" for words, does in OF_EVERY_TASK.items())
    lines = [HEAD.replace("{every}", f"| option of every task | effect |\n|---|---|\n{rows}")]
    shown: dict[str, tuple[str, Rows]] = {}
    for task in tasks().values():
        lines += [f"## {task.name}", "", f"`fusioninn {call_words(task)}`", "", f"{capital(task.does)}.", ""]
        lines += _task(task, shown)
    return "\n".join(lines).rstrip("\n") + "\n"


def _task(task: Task, shown: dict[str, tuple[str, Rows]]) -> Iterator[str]:
    files, section = task.configs()
    name = task.args_file().relative_to(CONFIGS.parent).as_posix()
    yield from [f"MONAI: `run --args_file {name}`, which is the section `{section}` of {_named(files)}.", ""]
    for config, rows in _groups(task, None).items():
        before, same = shown.setdefault(config, (task.name, rows))
        changed = {name: row for name, row in rows.items() if same.get(name) != row}
        missing = same.keys() - rows.keys()
        if before != task.name and len(changed) + len(missing) <= MOST_EXCEPTIONS:
            without = f", without {_listed(sorted(missing))}" if missing else ""
            yield from [
                f"Options of `{config}`: as for [{before}](#{before}){without}{', except' if changed else '.'}",
                "",
            ]
            rows = changed
        else:
            yield from [f"Options of `{config}`:", ""]
        yield from _table(rows)
    yield from _variants(task)


def _variants(task: Task) -> Iterator[str]:
    if task.choice:
        yield from [f"| `--{task.choice}` | what it is |", "|---|---|"]
        yield from (f"| `{value}` | {does} |" for value, does in task.variants[task.choice].items())
        yield ""
    standard = {name: row for rows in _groups(task, None).values() for name, row in rows.items()}
    for value in task.calls[1:]:
        rows = {name: row for group in _groups(task, value).values() for name, row in group.items()}
        changed = {name: row for name, row in rows.items() if standard.get(name) != row}
        if changed:
            if value in task.switches:
                yield from [f"`--{value}`: {task.switches[value]}. Its options:", ""]
                changed = rows
            else:
                yield from [f"With `--{task.choice} {value}`:", ""]
            yield from _table(changed)


def _groups(task: Task, value: str | None) -> dict[str, Rows]:
    """Return the rows of each config: default and effect, by option."""
    arguments: dict[str, str] = {}
    for shown, place in task.arguments.items():
        option = place.partition("#")[0]
        arguments[option] = f"{arguments[option]} {shown}" if option in arguments else shown
    options = options_of(task, *task.configs(value)).values()
    found: dict[str, Rows] = {}
    for config, group in groupby(options, lambda option: option.config):
        rows = ((option.name, row(option, arguments)) for option in group)
        found[config] = {name: (default.partition(" ")[2][1:-1], effect) for name, (default, effect) in rows}
    return found


def _table(rows: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    if rows:
        yield from ["| option | default | effect |", "|---|---|---|"]
        yield from (f"| `--{name}` | {default} | {effect} |" for name, (default, effect) in rows.items())
        yield ""


def _named(files: list[Path]) -> str:
    return _listed([file.relative_to(CONFIGS).as_posix() for file in files], mark="`{}`")


def _listed(names: list[str], mark: str = "`--{}`") -> str:
    *first, last = (mark.format(name) for name in names)
    return f"{', '.join(first)} and {last}" if first else last


if __name__ == "__main__":
    sys.stdout.write(page())
