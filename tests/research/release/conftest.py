"""A small repository with weights, data, two documents and a plan of three steps that are real programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fusioninn_research.release.plan import Plan, read_plan
from fusioninn_research.release.release import Release

OLD = "6583c010f98b"
COUNT = """
import json, pathlib, sys
out, patients = pathlib.Path(sys.argv[1]), json.load(open(sys.argv[2]))["validation"]
runs = out.parent.parent / "runs.txt"
runs.write_text((runs.read_text() if runs.exists() else "") + "network\\n")
facts = {"parameters": 1000 * len(patients), "megabytes": 0.5, "gflop": 2.0}
(out / "network.json").write_text(json.dumps(facts))
"""
DRAW = """
import pathlib, sys
from PIL import Image
out = pathlib.Path(sys.argv[1])
runs = out.parent.parent / "runs.txt"
runs.write_text(runs.read_text() + "draw\\n")
Image.new("L", (8, 8), 200).save(out / "drawn.png")
"""
FAIL = """
import pathlib, sys, time
signal = pathlib.Path(sys.argv[1])
if signal.exists():
    signal.with_suffix(".started").touch()
    time.sleep(60)
if not pathlib.Path("bundle/reference.json").with_suffix(".allowed").exists():
    print("Error: nothing was allowed"); sys.exit(1)
pathlib.Path("bundle/reference.json").write_text("made")
"""
STEPS = [
    {
        "name": "network",
        "does": "count",
        "minutes": 2,
        "commands": ["python tools/count.py {out} {validation_split}"],
    },
    {
        "name": "fit",
        "does": "fit",
        "commands": ["python tools/fit.py {OPEN}/wait"],
        "makes": ["bundle/reference.json"],
    },
    {
        "name": "draw",
        "does": "draw",
        "needs": ["fit"],
        "commands": ["python tools/draw.py {out}"],
        "pictures": {"docs/drawn.png": "drawn.png"},
    },
]


def plan_file(root: Path, **changes: Any) -> Path:
    """Write the plan."""
    content = {
        "weights": "bundle/models/model.pt",
        "data": {"OPEN": "open", "LGG": "lgg"},
        "training": ["OPEN"],
        "measured_on": "LGG",
        "left_out": [],
        "pictured": "A",
        "documents": ["README.md"],
        "steps": STEPS,
        **changes,
    }
    (root / "release.json").write_text(json.dumps(content))
    return root / "release.json"


@pytest.fixture
def write_plan() -> Callable[..., Path]:
    """Return a function that writes the plan of a repository, with changes."""
    return plan_file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The repository."""
    for name, code in {"count": COUNT, "fit": FAIL, "draw": DRAW}.items():
        (tmp_path / "tools").mkdir(exist_ok=True)
        (tmp_path / "tools" / f"{name}.py").write_text(code)
    (tmp_path / "bundle" / "models").mkdir(parents=True)
    (tmp_path / "bundle" / "models" / "model.pt").write_bytes(b"first weights")
    for name in ("open/A", "open/B", "lgg/V1", "lgg/V2", "lgg/T1", "lgg/T2", "lgg/T3", "docs"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "image.nii").write_text(name)
    (tmp_path / "lgg" / "split.json").write_text(json.dumps({"train": ["T1", "T2", "T3"], "validation": ["V1", "V2"]}))
    (tmp_path / "README.md").write_text(
        f"It has <!-- measured: network.sizes weights={OLD} -->5 parameters<!-- end -->.\n\n"
        f"<!-- measured: network.words weights={OLD} -->\nby hand\n<!-- end -->\n"
    )
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "docs" / "drawn.png")
    plan_file(tmp_path)
    return tmp_path


@pytest.fixture
def allowed(root: Path) -> Path:
    """The same, where the step "fit" succeeds."""
    (root / "bundle" / "reference.allowed").touch()
    return root


@pytest.fixture
def open_release() -> Callable[[Path], Release]:
    """Return a function that opens the release of a repository."""

    def open_it(root: Path, plan: Plan | None = None) -> Release:
        return Release(plan or read_plan(root / "release.json", root), root, root / "work")

    return open_it
