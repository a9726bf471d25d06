"""What is published says the same everywhere: versions, results, and nothing that users do not need."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import scripts

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "bundle" / "docs"
NUMBER = re.compile(r"\d\.\d{3}")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def metadata() -> dict:
    return json.loads(text("bundle/configs/metadata.json"))


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, str(ROOT / "tools" / "build_bundle.py"), str(folder)], check=True)
    return zipfile.ZipFile(next(folder.glob("*.zip")))


def test_the_version_is_the_same_everywhere(metadata):
    version = metadata["version"]
    assert scripts.__version__ == version
    assert f'\nversion = "{version}"\n' in text("pyproject.toml")
    assert f"\nversion: {version}\n" in text("CITATION.cff")
    assert f"fusioninn_v{version}.zip" in text("bundle/docs/install.md")


def test_the_changelog_has_each_version_with_its_date_newest_first(metadata):
    headings = re.findall(r"^## (.+)$", text("CHANGELOG.md"), re.MULTILINE)
    released = [heading for heading in headings if heading != "Unreleased"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ \(\d{4}-\d{2}-\d{2}\)", heading) for heading in released)
    assert [heading.split()[0] for heading in released] == list(metadata["changelog"])
    assert f"date-released: {released[0].split('(')[1][:-1]}\n" in text("CITATION.cff")


def test_the_paper_is_cited_alike():
    for author in re.findall(r"family-names: (\w+)", text("CITATION.cff")):
        assert author in text("README.md")
        assert author in text("bundle/docs/README.md")
    assert "2403.15769" in text("CITATION.cff")


@pytest.mark.parametrize("page", ["README.md", "bundle/docs/README.md"])
def test_results_on_the_first_page_are_those_of_the_model_card(page):
    card = [NUMBER.findall(line) for line in text("bundle/docs/model_card.md").splitlines() if line.startswith("|")]
    shown = [found for line in text(page).splitlines() if line.startswith("|") and (found := NUMBER.findall(line))]
    assert len(shown) == 3
    for row in shown:
        assert row in card


@pytest.mark.parametrize("page", ["README.md", "bundle/docs/README.md"])
def test_the_first_page_shows_a_picture_and_says_that_it_is_for_research(page):
    beginning = text(page)[:2500]
    assert "images/overview.png" in beginning
    assert "For research use only. Not for diagnosis or treatment." in beginning


def test_a_template_asks_for_what_a_maintainer_needs_and_for_no_patient_data():
    template = text(".github/ISSUE_TEMPLATE/bug_report.yml")
    for asked in ("No patient data", "label: Command", "FUSIONINN_TRACEBACK=1", "label: Input", "label: Versions"):
        assert asked in template


class TestArchive:
    def test_it_is_small(self, archive):
        assert sum(entry.file_size for entry in archive.infolist()) < 6 * 2**20

    def test_it_holds_kinds_of_files_that_users_need_and_no_others(self, archive):
        names = [name.split("/", 1)[1] for name in archive.namelist()]
        assert {name for name in names if "/" not in name} == {"LICENSE", "requirements.txt", "requirements-clinic.txt"}
        folders = {name.split("/")[0] for name in names if "/" in name}
        assert folders == {"configs", "docs", "example", "models", "scripts"}
        assert {Path(name).suffix for name in names if name.startswith("configs/")} == {".json", ".conf"}
        assert {Path(name).suffix for name in names if name.startswith("docs/")} == {".md", ".txt", ".png"}
        assert {name for name in names if name.startswith("models/")} == {
            "models/model.pt",
            "models/typicality.json",
            "models/uncertainty.pt",
        }
        assert {Path(name).name for name in names if name.startswith("example/")} == {
            *("README.md", "dataset_description.json"),
            *(f"phantom-01_{ending}.nii.gz" for ending in ("t1ce", "flair", "seg")),
        }

    def test_what_contributors_alone_need_is_left_out_and_used_by_nothing_that_is_in_it(self, archive):
        names = archive.namelist()
        assert not [name for name in names if "phantom/" in name and name.endswith(".py")]
        for name in names:
            if not name.endswith(".py"):
                continue
            for node in ast.walk(ast.parse(archive.read(name))):
                module = getattr(node, "module", None) or ""
                assert not module.startswith("scripts.phantom"), name
        assert not [name for name in names if name.endswith(".json") and b"scripts.phantom." in archive.read(name)]

    def test_every_picture_of_it_is_shown_on_a_page(self, archive):
        pages = "".join(archive.read(name).decode() for name in archive.namelist() if name.endswith(".md"))
        assert [name for name in archive.namelist() if name.endswith(".png") and Path(name).name not in pages] == []
