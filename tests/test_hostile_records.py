"""No record that a command reads makes it write outside the output folder, or end in anything but a clear message."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigWorkflow
from PIL import Image

from scripts.command_line.plain_errors import plain_cause

CONFIGS = Path(__file__).resolve().parent.parent / "bundle" / "configs"
OUTWARD = ("../../../../x", "/x", "..", "a/b", "a\\b", "a\nb", ".hidden", "", " ", "CON/../x", "a" * 300, "a\0b")
"""Texts that are no names."""


@pytest.fixture(scope="module")
def run() -> Callable[..., str]:
    """Return a function that does in this process what a command does; it gives the message that it ended with."""

    def command(config: str, **overrides: Any) -> str:
        settings = {} if config == "report" else {"overview": "false"}
        settings |= overrides
        settings = {key: str(value) if isinstance(value, Path) else value for key, value in settings.items()}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("FUSIONINN_TRACEBACK", "1")
            file = str(CONFIGS / f"{config}.json")
            workflow = ConfigWorkflow(file, workflow_type="infer", logging_file=False, **settings)
            try:
                workflow.initialize()
                workflow.run()
            except Exception as error:
                cause = plain_cause(error)
                if cause is None:
                    raise
                return str(cause)
        return ""

    return command


def tree(folder: Path, without: Path) -> dict[str, str]:
    """Checksums of all files below a folder, but for those in an output folder; links as what they point to."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path == without or without in path.parents:
            continue
        if path.is_symlink():
            found[str(path)] = str(path.readlink())
        else:
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
    return found


def write_sources(folder: Path, name: str = "s") -> dict[str, str]:
    grid = np.linspace(0, 3, 24 * 24 * 3).reshape(24, 24, 3)
    files = {}
    folder.mkdir(parents=True, exist_ok=True)
    for source, values in {"t1gd": np.sin(grid) * 400 + 500, "flair": np.cos(2 * grid) * 90 + 100}.items():
        files[source] = str(folder / f"{name}_{source}.nii.gz")
        nib.save(nib.Nifti1Image(values.astype("int16"), np.diag([-1.0, -1.0, 5.0, 1.0])), files[source])
    return files


@pytest.fixture(scope="module")
def fused(tmp_path_factory, run) -> Path:
    """Folder of a fused patient P."""
    folder = tmp_path_factory.mktemp("fused")
    write_sources(folder / "in", "P")
    assert run("inference", dataset_dir=folder / "in", output_dir=folder / "out") == ""
    return folder / "out" / "P"


def changed(**keys: Any) -> Callable[[dict[str, Any]], str]:
    return lambda content: json.dumps({**content, **keys})


def named(name: str) -> Callable[[dict[str, Any]], str]:
    """Name a source anything, in a sidecar as version 0.4.0 wrote it."""
    return lambda content: json.dumps(
        {key: value for key, value in content.items() if key != "FusedSHA256"} | {"SourceModalities": [name, "flair"]}
    )


def scaled(**keys: Any) -> Callable[[dict[str, Any]], str]:
    return lambda content: json.dumps({**content, "IntensityScale": {**content["IntensityScale"], **keys}})


HOSTILE: dict[str, tuple[Callable[[dict[str, Any]], str | bytes], str]] = {
    **{f"name-{i}": (named(name), "SourceModalities[0]") for i, name in enumerate(OUTWARD)},
    "names-swapped": (
        lambda c: json.dumps({**c, "SourceModalities": c["SourceModalities"][::-1]}),
        "was changed since",
    ),
    "factor-changed": (scaled(factor=[[2.0] * 3] * 2), "was changed since"),
    "offset-changed": (scaled(offset=[[0.5] * 3] * 2), "was changed since"),
    "rows-too-short": (scaled(factor=[[2.0] * 2] * 2), "numbers, expected 3 in each"),
    "factor-negative": (scaled(factor=[[-2.0] * 3] * 2), "expected a finite number from 0 on"),
    "factor-true": (scaled(factor=[[True] * 3] * 2), "expected a finite number"),
    "offset-is-text": (scaled(offset="0"), "expected a list of numbers for each source"),
    "mode-unknown": (scaled(mode="none"), "expected slice or volume"),
    "axis-2.0": (changed(SliceAxis=2.0), "expected a whole number: 0, 1 or 2"),
    "axis-7": (scaled(slice_axis=7), "expected a whole number: 0, 1 or 2"),
    "shape-huge": (changed(Shape=[10**9, 24, 3]), "expected a whole number from 1 to 32767"),
    "shape-text": (changed(Shape="24x24x3"), "expected three whole numbers"),
    "affine-flat": (changed(Affine=[1, 2, 3]), "expected a row of four numbers"),
    "dtype-unknown": (changed(SourceDtypes=["int16", "object"]), "expected uint8, int16, uint16 or float32"),
    "checkpoint-number": (changed(CheckpointSHA256=5), "expected 64 hexadecimal digits"),
    "id-number": (changed(FusionID=5), "expected 12 hexadecimal digits"),
    "latent-elsewhere": (changed(LatentFile="../../P_latent.nii.gz"), "the name of a file in the same folder"),
    "not-an-object": (lambda c: "[1]", "expected a JSON object"),
    "empty": (lambda c: "", "cannot be read as JSON"),
    "nan": (lambda c: json.dumps({**c, "SliceAxis": float("nan")}), "NaN is not a number"),
    "number-too-large": (lambda c: json.dumps(c).replace('"SliceAxis": 2', '"SliceAxis": 1e999'), "is too large"),
    "integer-too-large": (
        lambda c: json.dumps(c).replace('"SliceAxis": 2', f'"SliceAxis": 1{"0" * 5000}'),
        "too large",
    ),
    "key-twice": (lambda c: '{"SliceAxis": 1, ' + json.dumps(c)[1:], "the key 'SliceAxis' occurs twice"),
    "nested": (lambda c: "[" * 10**6 + "]" * 10**6, "nested too deeply"),
    "half-a-surrogate": (changed(Patient="\ud800"), "cannot be read as JSON"),
    "utf-16": (lambda c: json.dumps(c).encode("utf-16"), "is not UTF-8 text"),
}
assert len(HOSTILE) > 35


@pytest.fixture
def patients(tmp_path, fused) -> Path:
    """A folder of one fused patient for each hostile sidecar, and a good one."""
    content = json.loads((fused / "P_fused.json").read_text())
    for name in ("good", *HOSTILE):
        folder = tmp_path / "fused" / name
        folder.mkdir(parents=True)
        for file in fused.iterdir():
            shutil.copy(file, folder / file.name.replace("P_", f"{name}_", 1))
        if name != "good":
            text = HOSTILE[name][0](content)
            (folder / f"{name}_fused.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    return tmp_path / "fused"


@pytest.mark.parametrize("config", ["decompose", "report"])
def test_hostile_sidecars_of_volumes(tmp_path, run, patients, config):
    output = tmp_path / "results"
    before = tree(tmp_path, output)
    told = run(config, dataset_dir=patients, output_dir=output)
    assert tree(tmp_path, output) == before
    problems = dict(line[2:].split(": ", 1) for line in told.splitlines()[1:] if line.startswith("- "))
    assert set(problems) == set(HOSTILE)
    for name, (_, expected) in HOSTILE.items():
        assert expected in problems[name], name
    assert {path.name.partition("_")[0] for path in output.rglob("*_*") if path.is_file()} == {"good"}


def test_links_that_lead_out_of_the_output_folder_are_not_followed(tmp_path, run, fused):
    output, elsewhere = tmp_path / "results", tmp_path / "elsewhere"
    (output).mkdir()
    elsewhere.mkdir()
    (elsewhere / "P_t1gd_decomposed.nii.gz").write_text("of somebody else")
    (output / "P").symlink_to(elsewhere)
    before = tree(tmp_path, output)
    told = run("decompose", dataset_dir=fused, output_dir=output)
    assert "is a link to" in told and "outside the output folder" in told
    (output / "P").unlink()
    (output / "P").mkdir()
    # A file that is a link is replaced; what it points to stays.
    (output / "P" / "P_t1gd_decomposed.nii.gz").symlink_to(elsewhere / "P_t1gd_decomposed.nii.gz")
    assert run("decompose", dataset_dir=fused, output_dir=output) == ""
    assert not (output / "P" / "P_t1gd_decomposed.nii.gz").is_symlink()
    assert tree(tmp_path, output) == before


PICTURES: dict[str, tuple[Callable[[dict[str, Any]], str | bytes], str]] = {
    **{
        name: HOSTILE[name]
        for name in ("names-swapped", "not-an-object", "empty", "nan", "key-twice", "nested", "utf-16")
    },
    "bits-huge": (changed(SourceBits=[8, 10**6]), "expected 8 or 16"),
    "bits-missing": (changed(SourceBits=[8]), "one for each of the 2 sources"),
    "colour-from-7": (changed(ColourFrom=7), '"ColourFrom" is 7, but there are 2 sources'),
    "shape-text": (changed(Shape="x"), "expected height and width"),
    "factor-changed": (scaled(factor=[[2.0]] * 2), "was changed since"),
}


def test_hostile_sidecars_of_pictures(tmp_path, run):
    y, x = np.meshgrid(*[np.linspace(0, 6, 24)] * 2, indexing="ij")
    for folder, values in {"MRI": np.sin(x * y), "PET": np.cos(x + y)}.items():
        (tmp_path / folder).mkdir()
        Image.fromarray(np.rint(127 + 120 * values).astype(np.uint8)).save(tmp_path / folder / "a.png")
    assert (
        run("fuse_pictures", sources=[str(tmp_path / "MRI"), str(tmp_path / "PET")], output_dir=tmp_path / "one") == ""
    )
    content = json.loads((tmp_path / "one" / "a_fused.json").read_text())
    (tmp_path / "many").mkdir()
    for name, (change, _) in PICTURES.items():
        Image.open(tmp_path / "one" / "a_fused.png").copy().save(tmp_path / "many" / f"{name}_fused.png")
        text = change(content)
        (tmp_path / "many" / f"{name}_fused.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    shutil.copy(tmp_path / "one" / "a_fused.png", tmp_path / "many" / "edited_fused.png")
    with Image.open(tmp_path / "one" / "a_fused.png") as image:
        levels = np.asarray(image).copy()
    levels[3, 3] ^= 1
    shutil.copy(tmp_path / "one" / "a_fused.json", tmp_path / "many" / "edited_fused.json")
    Image.fromarray(levels).save(tmp_path / "many" / "edited_fused.png")
    output = tmp_path / "results"
    before = tree(tmp_path, output)
    told = run("decompose_pictures", dataset_dir=tmp_path / "many", output_dir=output)
    assert tree(tmp_path, output) == before
    problems = dict(line[2:].split(": ", 1) for line in told.splitlines()[1:] if line.startswith("- "))
    assert set(problems) == {*PICTURES, "edited"}
    for name, (_, expected) in PICTURES.items():
        assert expected in problems[name], name
    assert "does not hold the pixels that were written" in problems["edited"]
    assert not list(output.rglob("*.png"))


STRANGE_NAMES = {
    "../../../../x": "%2E.%2F..%2F..%2F..%2Fx",
    ".hidden": "%2Ehidden",
    "a\nb": "a%0Ab",
    "CON": "%43ON",
    "-rf": "%2Drf",
    "a\0b": "a%00b",
}


def test_a_hostile_datalist(tmp_path, run):
    files = write_sources(tmp_path / "in")
    entries: list[Any] = [{"patient": name, **files} for name in STRANGE_NAMES]
    entries += [
        {"patient": "name-too-long-" + "n" * 300, **files},
        {"patient": ["a list"], **files},
        {"patient": "path-too-long", **files, "t1gd": "p" * 300},
        {"patient": "path-with-null", **files, "t1gd": "a\0b.nii.gz"},
        {"patient": "path-of-nobody", **files, "t1gd": "~nobody-of-this-name/x.nii.gz"},
        {"patient": "path-a-number", **files, "t1gd": 5},
        {"patient": "channel-a-text", "image": files["t1gd"], "channels": {"t1gd": "0", "flair": 1}},
        {"patient": "channel-missing", "image": files["t1gd"], **files, "channels": {"t1gd": 0}},
    ]
    (tmp_path / "in" / "list.json").write_text(json.dumps({"training": entries}))
    output = tmp_path / "results"
    before = tree(tmp_path, output)
    told = run(
        "inference",
        dataset_dir=tmp_path / "in",
        datalist=tmp_path / "in" / "list.json",
        output_dir=output,
        typicality="false",
    )
    assert tree(tmp_path, output) == before
    assert {path.name for path in output.iterdir() if not path.name.startswith(".")} == set(STRANGE_NAMES.values())
    assert "Traceback" not in told
    # and what was written under such a name is found again
    again = run("decompose", dataset_dir=output, output_dir=tmp_path / "again")
    assert again == ""
    assert {path.name for path in (tmp_path / "again").iterdir() if path.is_dir()} >= set(STRANGE_NAMES.values())
