"""Every command that the documents show is known to its configs and runs, here or in a test that the table names.

A short command is checked and run as the command of MONAI that it stands for.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import monai.bundle
import nibabel as nib
import numpy as np
import pytest
from fire.parser import DefaultParseValue
from monai.bundle import ConfigParser
from monai.utils import ensure_tuple
from PIL import Image

from phantom_studies.study import write_study
from scripts.command_line.begin import check
from scripts.command_line.call import OWN_OPTIONS, Call
from scripts.commands.request import LEVELS, Request, read_request
from scripts.commands.tasks import tasks

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "deploy/README.md",
    *sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "bundle" / "docs").glob("*.md")),
    *sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "research" / "docs").glob("*.md")),
]
BLOCK = re.compile(r"^```(?:sh|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
RUN = ["-m", "monai.bundle", "run"]
SHORT = "fusioninn"


@dataclass(frozen=True)
class Shown:
    """One command.

    Args:
        document: where it is shown, relative to the repository.
        words: as the shell gives them to the program, the program itself first.
    """

    document: str
    words: tuple[str, ...]

    @property
    def runs_the_bundle(self) -> bool:
        """Whether it runs a section of the bundle's configs."""
        by_monai = any(list(self.words[i : i + 3]) == RUN for i in range(len(self.words)))
        return (by_monai or self.request is not None) and "…" not in self.words

    @property
    def request(self) -> Request | None:
        """The short command, if it is one."""
        if SHORT not in self.words:
            return None
        name, *words = self.words[self.words.index(SHORT) + 1 :]
        return read_request(name, words) if name in tasks() and "--help" not in words else None

    @property
    def section(self) -> str:
        """The section that is run."""
        if self.request is not None:
            return self.request.section
        if self.args_file is not None:
            return self.args_file.get("run_id", "run")
        after = self.words[self.words.index("run") + 1]
        return "run" if after.startswith("--") else after

    @property
    def options(self) -> dict[str, Any]:
        """Options and their values, ``config_file`` among them."""
        if self.request is not None:
            return {"config_file": [str(file) for file in self.request.files], **self.request.options}
        words = self.words[self.words.index("run") + 1 :]
        words = words if words[0].startswith("--") else words[1:]
        names, values = words[::2], words[1::2]
        assert all(name.startswith("--") for name in names), f"{self.document}: {' '.join(self.words)}"
        return {name[2:]: DefaultParseValue(value) for name, value in zip(names, values, strict=True)}

    @property
    def args_file(self) -> dict[str, Any] | None:
        """The content of the file of arguments, if it has one."""
        if "--args_file" not in self.words:
            return None
        return json.loads((self.folder / self.words[self.words.index("--args_file") + 1]).read_text())

    @property
    def folder(self) -> Path:
        """The folder where the document says that it is run."""
        return ROOT / "bundle" if self.document.startswith("bundle/") else ROOT

    @property
    def config_files(self) -> tuple[Path, ...]:
        """Its config files."""
        named = self.options["config_file"] if self.args_file is None else self.args_file["config_file"]
        return tuple(self.folder / file for file in ensure_tuple(named))

    @property
    def key(self) -> str:
        """What it does: its program, or section and configs, as in "run: evaluate + research/flicker"."""
        if not self.runs_the_bundle:
            return " ".join(self.words[:4] if "monai.bundle" in self.words else self.words[:2])
        configs = [file.relative_to(ROOT).with_suffix("").as_posix() for file in self.config_files]
        named = (config.removeprefix("bundle/").replace("configs/", "", 1) for config in configs)
        return f"{self.section}: {' + '.join(named)}"


def shown_commands() -> Iterator[Shown]:
    """Yield every command of every document."""
    for document in DOCUMENTS:
        for block in BLOCK.findall((ROOT / document).read_text(encoding="utf-8")):
            variables: dict[str, str] = {}
            for line in block.replace("\\\n", " ").splitlines():
                for name, value in variables.items():
                    line = re.sub(rf"\${name}\b", lambda _, value=value: value, line)
                words = shlex.split(line, comments=True)
                if words and re.match(r"^\w+=", words[0]) and len(words) == 1:
                    name, _, variables[name] = words[0].partition("=")
                elif words:
                    yield Shown(document, tuple(words))


SMALL = {"device": "cpu"}
RUN_HERE: dict[str, tuple[dict[str, Any], list[str]]] = {
    "run: inference": (SMALL, ["OUT/P1/P1_fused.nii.gz", "OUT/P2/P2_t1gd_decomposed.nii.gz"]),
    "run: decompose": (SMALL, ["OUT/decomposed/P1/P1_flair_decomposed.nii.gz"]),
    "run: evaluate": (SMALL, ["TABLES/slices.csv", "TABLES/patients.csv", "TABLES/summary.json"]),
    "run: report": ({}, ["OUT/P1/P1_report.html"]),
    "run: cohort_report": ({}, ["OUT/cohort_report.pdf"]),
    "training: train": (
        {**SMALL, "epochs": 1, "image_size": [32, 32], "network_def#blocks": 2, "output_dir": "RUN"},
        ["RUN/model.pt"],
    ),
    "run: inference + study": (
        {**SMALL, "skull_stripping": False, "register": "never"},
        ["OUT_STUDIES/*/fused/*.dcm", "OUT_STUDIES/*/*_report.html"],
    ),
    "run: decompose + decompose_series": (SMALL, ["BACK/*/flair_estimated/*.dcm"]),
    "run: fuse_pictures": (SMALL, ["OUT_PICTURES/*fused*.png"]),
    "run: decompose_pictures": (SMALL, ["OUT_PICTURES/decomposed/*.png"]),
    "run: score": ({}, ["OUT_SCORES/scores.csv"]),
}
"""Commands that are run here, on small data, in this order: what is added to make them quick, and files they make."""

RUN_ELSEWHERE = {
    "run: inference + unregistered": "tests/test_unregistered.py",
    "run: inference + study + pacs": "tests/pacs/test_command.py",
    "run: inference + study + pacs + watch": "tests/watch/test_load_and_kill.py",
    "run: watch_status": "tests/watch/test_status.py",
    "again: watch_status": "tests/watch/test_status.py",
    "run: inference + distributed": "tests/test_distributed.py",
    "run: decompose + distributed": "tests/test_distributed.py",
    "run: evaluate + distributed": "tests/test_distributed.py",
    "training: train + multi_gpu_train": "tests/test_distributed.py",
    "run: inference + export": "tests/export/test_exporter.py",
    "torchscript: inference + export": "tests/export/test_exporter.py",
    "pt2: inference + export": "tests/export/test_exporter.py",
    "onnx: inference + export": "tests/export/test_exporter.py",
    "run: inference + export + research/parity": "tests/research/test_parity.py",
    "trt_export: inference + export": "tests/export/test_tensorrt.py",
    "run: research/convert_published + research/methods/published": "tests/research/methods/test_convert_published.py",
    "run: evaluate + research/methods/published": "tests/research/methods/test_published.py",
    "run: evaluate + methods/mean": "tests/research/test_methods_table.py",
    "run: evaluate + research/methods/unet": "tests/research/methods/test_methods.py",
    "training: train + research/fusion_only + research/methods/unet": "tests/research/methods/test_methods.py",
    "training: train + crops + augmentation + recipe": "tests/test_training.py",
    "training: train + crops + augmentation + recipe + shipped + first_stage": "tests/test_training.py",
    "training: train + crops + augmentation + recipe + shipped + second_stage": "tests/test_training.py",
    "training: train + crops + augmentation + recipe + shipped + first_stage + four_contrasts": (
        "tests/test_four_contrasts.py"
    ),
    "run: inference + four_contrasts": "tests/test_four_contrasts.py",
    "run: decompose + four_contrasts": "tests/test_four_contrasts.py",
    "run: evaluate + four_contrasts": "tests/test_four_contrasts.py",
    "training: train + methods/fusioninn_3d + crops + augmentation + volumes": "tests/test_volumes.py",
    "run: inference + methods/fusioninn_3d": "tests/test_volumes.py",
    "run: evaluate + research/flicker": "tests/research/test_flicker.py",
    "run: inference + export + research/lower_precision": "tests/research/test_lower_precision.py",
    "run: evaluate + research/serve": "tests/research/serve/test_study.py",
    "run: evaluate + research/scorecard": "tests/research/test_scorecard.py",
    "run: fuse_pictures + research/out_of_distribution": "tests/research/test_out_of_distribution.py",
    "run: inference + research/figure6": "tests/research/test_orderings.py",
    "run: make_datalist": "tests/cohort/test_make_datalist.py",
    "run: inference + typicality": "tests/typicality/test_fit_reference.py",
    "run: inference + typicality + research/typicality": "tests/research/test_typicality.py",
    "run: research/reproduce + research/table1": "tests/research/test_methods_table.py",
    "run: research/reproduce + research/table2": "tests/research/test_ablation_table.py",
    "run: research/reproduce + research/ablations": "tests/research/test_ablation_record.py",
    "run: research/reproduce + research/figure3": "tests/research/test_loss_figure.py",
    "run: research/reproduce + research/table1 + research/figure4": "tests/research/test_method_figures.py",
    "run: research/reproduce + research/table2 + research/figure5": "tests/research/test_method_figures.py",
    "python -m monai.bundle ckpt_export": "tests/test_zoo.py",
    "python -m monai.bundle verify_metadata": "tests/test_zoo.py",
    "python -m monai.bundle verify_net_in_out": "tests/test_zoo.py",
    "python tools/build_bundle.py": "tests/test_zoo.py",
    "make bundle": "tests/test_zoo.py",
    "make release": "tests/research/release/test_release.py",
    "python tools/release.py": "tests/research/release/test_release.py",
    "fusioninn --help": "tests/commands/test_main.py",
    "fusioninn fuse": "tests/commands/test_main.py",
    "eval $(fusioninn completion bash)": "tests/commands/test_main.py",
    "make huggingface": "tests/test_huggingface.py",
    "deployenv/bin/python deploy/app.py": "tests/test_deploy.py",
    "deployenv/bin/monai-deploy package": "tests/test_deploy.py",
}
"""Commands that take long, or other programs: the test that runs what they run."""

NOT_RUN = {
    "make demo", "make test", "make test-all", "make bench", "make setup", "make lint", "make format", "make web",
    ". .venv/bin/activate", "hf upload", "hf repos",
    "pip install", "deployenv/bin/pip install", "python3.11 -m", "unzip -q",
    "bids-validator-deno BIDS/derivatives/fusioninn",
    "docker run", "monai-deploy run", "cd bundle", "export FUSIONINN_PACS_PASSWORD=…", "sh tools/uncertainty.sh",
    "python benchmarks/clinic.py", "python benchmarks/likeness.py", "python benchmarks/memory.py",
    "python benchmarks/volume.py",
    "torchrun --nnodes=2",
}  # fmt: skip
"""Set-up, packages, benchmarks and containers: the files that they name are there."""

SHOWN = list(shown_commands())
OF_THE_BUNDLE = [shown for shown in SHOWN if shown.runs_the_bundle]
PLACES = {"run: inference + study": "OUT_STUDIES", "run: fuse_pictures": "OUT_PICTURES", "run: score": "OUT_SCORES"}
"""Folders in place of OUT, which documents use for more than one thing."""
OPTION = re.compile(r"`(--[a-z][a-z_0-9]*)(?![\w.-])")
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
OF_OTHER_PROGRAMS = {"recursive", "max_restarts", "gpus", "source", "rates", "save"}


def test_a_command_that_is_shown_has_its_place_in_the_tables():
    keys = {shown.key for shown in SHOWN}
    assert keys == RUN_HERE.keys() | RUN_ELSEWHERE.keys() | NOT_RUN
    assert all((ROOT / test).is_file() for test in RUN_ELSEWHERE.values())


@pytest.mark.parametrize("shown", OF_THE_BUNDLE, ids=lambda shown: f"{Path(shown.document).stem}-{shown.key}")
def test_the_configs_know_every_option_that_is_shown(shown: Shown):
    options = {**shown.options, "config_file": [str(file) for file in shown.config_files], "run_id": shown.section}
    options.pop("args_file", None)
    check(Call.of(options))
    parser = ConfigParser()
    parser.read_config([str(file) for file in shown.config_files])
    assert shown.section in parser


@pytest.mark.parametrize("document", DOCUMENTS)
def test_options_that_the_text_names_exist(document: str):
    known = {*OWN_OPTIONS, *OF_OTHER_PROGRAMS, *LEVELS, "config", "help", "version"}
    known |= {name for task in tasks().values() for name in (*task.variants, *task.switches)}
    for path in [*(ROOT / "bundle" / "configs").rglob("*.json"), *(ROOT / "research" / "configs").rglob("*.json")]:
        known |= ConfigParser.load_config_file(str(path)).keys()
    named = {option[2:] for option in OPTION.findall((ROOT / document).read_text(encoding="utf-8"))}
    assert named - known == set()


@pytest.mark.parametrize("shown", [shown for shown in SHOWN if not shown.runs_the_bundle], ids=lambda shown: shown.key)
def test_files_that_other_commands_name_exist(shown: Shown):
    for word in shown.words:
        if re.match(r"^(bundle|research|deploy|tools|benchmarks)(/[\w/.-]*)?$|^requirements", word):
            assert (ROOT / word).exists(), f"{shown.document} names {word}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_link_leads_to_a_file_that_is_there(document: str):
    path = ROOT / document
    within = ROOT / "bundle" if document.startswith("bundle/") else ROOT
    for link in LINK.findall(path.read_text(encoding="utf-8")):
        target = (path.parent / link).resolve()
        assert target.exists(), link
        assert target.is_relative_to(within), f"{link} is not in the bundle, which others download alone"


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if not name.startswith("research/")])
def test_no_row_of_a_table_is_empty(document: str):
    rows = [
        line.strip("| ").split("|")
        for line in (ROOT / document).read_text(encoding="utf-8").splitlines()
        if line[:1] == "|"
    ]
    assert [row for row in rows if "(not run" in "".join(row) or (len(row) > 2 and not "".join(row[1:]).strip())] == []


def test_the_readme_stays_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 900


def test_the_manual_lists_all_its_pages():
    folder = ROOT / "bundle" / "docs"
    listed = set(LINK.findall((folder / "README.md").read_text(encoding="utf-8")))
    assert {path.name for path in folder.glob("*.*")} - listed == {"README.md"}


@pytest.fixture
def data(tmp_path, write_patient) -> Path:
    """Folder of data with the names that documents use for it."""
    for name in ("P1", "P2"):
        write_patient(tmp_path / "DIR", name, shape=(32, 36, 4), seg=np.ones((32, 36, 4)))
    study = {}
    for source, ending in (("t1gd", "t1ce"), ("flair", "flair")):
        image = nib.load(ROOT / "bundle/example/phantom-01" / f"phantom-01_{ending}.nii.gz").slicer[::3, ::3, 20:24]
        study[source] = (image.get_fdata(), image.affine)
    write_study(tmp_path / "STUDIES" / "one", study, patient_id="1", patient_name="Doe^Jane")
    random = np.random.default_rng(0)
    for name in ("PET", "MRI", "CT", "MR", "FUSED"):
        (tmp_path / name).mkdir()
        Image.fromarray(random.integers(0, 255, (32, 36), dtype=np.uint8)).save(tmp_path / name / "01.png")
    return tmp_path


def placed(value: Any, key: str, folder: Path) -> Any:
    """Put a folder in the place of its name."""
    if isinstance(value, (list, tuple)):
        return [placed(one, key, folder) for one in value]
    if not isinstance(value, str) or not value.isupper():
        return value
    if key == "run: decompose_pictures":
        return str(folder / "OUT_PICTURES")
    if value == "ARCHIVE":
        return str(folder / "OUT_STUDIES")
    return str(folder / (PLACES.get(key, value) if value == "OUT" else value))


@pytest.mark.slow
@pytest.mark.usefixtures("process_as_it_was")
def test_commands_run_as_they_are_shown(data, monkeypatch):
    pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")
    if not (ROOT / "bundle/models/model.pt").is_file():
        pytest.skip("no weights are shipped with this copy")
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")
    first = {
        shown.key: shown
        for shown in reversed(OF_THE_BUNDLE)
        if "dataset_dir" in shown.options or "sources" in shown.options
    }
    for key, (added, made) in RUN_HERE.items():
        shown = first[key]
        monkeypatch.chdir(shown.folder)
        options = {**shown.options, **added}
        options = {name: placed(value, key, data) for name, value in options.items()}
        monai.bundle.run(run_id=shown.section, logging_file=False, **options)
        for pattern in made:
            assert list(data.glob(pattern)), f"{key} made no {pattern}"
