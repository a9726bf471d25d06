"""Figures and pictures of the repository belong to the weights that ship, and the plan knows all of them.

After new weights, `python tools/release.py --list` says what each failure here needs.
"""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

import pytest
from fire.parser import DefaultParseValue
from monai.bundle import ConfigParser
from monai.utils import ensure_tuple

import scripts
from fusioninn_research.release.blocks import find_blocks
from fusioninn_research.release.fits import MAIN, check_network
from fusioninn_research.release.marks import mark_of, mark_of_picture
from fusioninn_research.release.plan import Plan, read_plan
from fusioninn_research.release.release import Release, outdated
from fusioninn_research.release.updates import UPDATES, VERSIONS, metrics_mark
from fusioninn_research.release.views import VIEWS
from scripts.command_line.begin import check
from scripts.command_line.call import Call
from scripts.data.errors import BadInputError
from scripts.data.strict_json import read_json
from scripts.networks.weights import read_checkpoint
from scripts.runtimes.onnx_properties import read_properties

ROOT = Path(__file__).resolve().parents[3]
WEIGHTS = ROOT / "bundle" / "models" / "model.pt"
DOCUMENTS = [
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "README.md", *ROOT.glob("bundle/docs/*.md"), *ROOT.glob("research/docs/*.md"))
]
PICTURES = [
    path.relative_to(ROOT).as_posix()
    for folder in ("bundle", "research")
    for path in (ROOT / folder).glob("docs/images/*")
]
RUN = ["python", "-m", "monai.bundle", "run"]

pytestmark = pytest.mark.skipif(not WEIGHTS.is_file(), reason="no weights are shipped with this copy")


@cache
def plan() -> Plan:
    return read_plan(ROOT / "research" / "configs" / "release.json", ROOT)


@cache
def mark() -> str:
    return mark_of(WEIGHTS)


def blocks() -> dict[str, list]:
    return {document: find_blocks((ROOT / document).read_text("utf-8"), document) for document in DOCUMENTS}


def test_every_figure_of_a_document_belongs_to_the_shipped_weights():
    assert outdated(plan(), mark(), blocks()) == []


@pytest.mark.parametrize("picture", plan().pictures)
def test_a_picture_that_depends_on_the_weights_carries_their_mark(picture):
    assert mark_of_picture(ROOT / picture) == mark(), f"{picture}: python tools/release.py --list"


def test_the_metrics_of_the_metadata_belong_to_the_shipped_weights():
    assert metrics_mark(ROOT) == mark()


def test_reference_and_head_belong_to_the_shipped_weights():
    assert read_json(ROOT / "bundle/models/typicality.json")["checkpoint_sha256"][:12] == mark()
    head = read_checkpoint(ROOT / "bundle/models/uncertainty.pt")
    assert bytes(head["checksum"].tolist()).hex()[:12] == mark()


@pytest.mark.parametrize("name", ["fuse.onnx", "decompose.onnx"])
def test_graphs_for_browsers_belong_to_the_shipped_weights_and_version(name):
    properties = read_properties(ROOT / "bundle/models" / name)
    assert properties["checkpoint_sha256"][:12] == mark()
    assert properties["bundle_version"] == scripts.__version__


def test_the_weights_fit_the_one_network_of_all_configs():
    check_network(ROOT, plan().weights, plan().same_network)


def test_a_config_with_another_network_is_named(tmp_path):
    for config in (MAIN, "bundle/configs/decompose.json"):
        (tmp_path / config).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / config, tmp_path / config)
    changed = tmp_path / MAIN
    changed.write_text(changed.read_text().replace('"seed": "@seed"', '"seed": "@seed", "blocks": 3', 1))
    with pytest.raises(BadInputError, match=r"decompose\.json and bundle/configs/inference\.json .*\(blocks\)"):
        check_network(tmp_path, str(WEIGHTS), ["bundle/configs/decompose.json"])
    with pytest.raises(BadInputError, match=r"model\.pt does not fit this FusionINN"):
        check_network(tmp_path, str(WEIGHTS), [])


def test_figures_of_other_weights_are_noticed(tmp_path):
    changed = tmp_path / "bundle" / "models" / "model.pt"
    changed.parent.mkdir(parents=True)
    shutil.copyfile(WEIGHTS, changed)
    with changed.open("ab") as file:
        file.write(b"\0")
    other = Plan(**{**plan().__dict__, "root": tmp_path})
    for document in other.documents:
        (tmp_path / document).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / document, tmp_path / document)
    release = Release(other, None, tmp_path / "work")
    told = outdated(other, release.mark, release.blocks())
    assert len(told) == sum(map(len, blocks().values()))
    assert any(re.fullmatch(r"README\.md:\d+: validation\.readme belongs .*: --only validation", line) for line in told)
    assert any(line.endswith("correct it by hand, then --accept training.words") for line in told)


class TestPlan:
    def test_knows_every_document_with_a_figure(self):
        assert sorted(document for document, found in blocks().items() if found) == sorted(plan().documents)

    def test_every_figure_has_a_step(self):
        steps = {step.name for step in plan().steps}
        assert {block.name for found in blocks().values() for block in found if block.measurement not in steps} == set()

    def test_every_view_is_shown_somewhere(self):
        assert VIEWS.keys() - {block.name for found in blocks().values() for block in found} == set()

    def test_knows_every_picture(self):
        assert sorted([*plan().pictures, *plan().independent_pictures]) == sorted(PICTURES)

    def test_files_that_it_names_are_there(self):
        named = {file for step in plan().steps for file in (*step.files, *step.makes, *step.updates)}
        named |= {*plan().read, *(test.partition("::")[0] for test in plan().tests)} - {"CHANGELOG.md"}
        assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
        assert {name for step in plan().steps for name in step.updates} == UPDATES.keys()

    @pytest.mark.parametrize("step", plan().steps, ids=lambda step: step.name)
    def test_its_commands_are_understood(self, step, monkeypatch):
        places = dict.fromkeys(step.places, "FOLDER")
        for words in step.words(places):
            assert words[0] == "python"
            if words[:4] == RUN:
                self.check_command(words[4:])
            elif words[1] == "-m":
                assert (ROOT / "research" / f"{words[2].replace('.', '/')}.py").is_file()
            else:
                self.check_program(words[1:], monkeypatch)

    def check_command(self, words):
        section = "run" if words[0].startswith("--") else words.pop(0)
        options = {
            name.removeprefix("--"): DefaultParseValue(value)
            for name, value in zip(words[::2], words[1::2], strict=True)
        }
        files = options["config_file"]
        options["config_file"] = [str(ROOT / file) for file in ensure_tuple(files)]
        check(Call.of({**options, "run_id": section}))
        parser = ConfigParser()
        parser.read_config(options["config_file"])
        assert section in parser

    def check_program(self, words, monkeypatch):
        text = (ROOT / words[0]).read_text() + (ROOT / "benchmarks" / "shipped.py").read_text()
        options = [word for word in words if word.startswith("--")]
        assert [option for option in options if f'"{option}"' not in text] == []


def test_the_version_stands_where_the_release_writes_it():
    for name, pattern in VERSIONS.items():
        found = re.search(pattern, (ROOT / name).read_text(), re.MULTILINE)
        assert found, name
        assert found[0] == scripts.__version__
