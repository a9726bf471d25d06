"""The commands that fuse and decompose pictures: PNG in, PNG out."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigWorkflow
from PIL import Image

from scripts.data.colour import luminance_and_chroma
from scripts.data.pictures import read_picture
from scripts.networks.weights import fingerprint
from scripts.outputs.digest import record_id
from warm_python import run_python

CONFIGS = Path(__file__).resolve().parent.parent / "bundle" / "configs"


def anatomy(shape):
    """A head as an MRI would show it: [H, W] in 0 to 255."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    radius = np.hypot(x / 0.8, y / 0.9)
    return 200 / (1 + np.exp(20 * (radius - 1))) * (0.6 + 0.3 * np.sin(9 * x) * np.cos(7 * y))


def uptake(shape):
    """The same head as a PET would show it, in the colours from black over red to yellow: [H, W, 3]."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    amount = np.exp(-3 * (x**2 + y**2)) * (1 - 0.4 * np.exp(-30 * ((x - 0.2) ** 2 + y**2)))
    return np.stack([np.clip(2 * amount, 0, 1), np.clip(2 * amount - 1, 0, 1), 0 * x], axis=-1) * 255


def write(folder, name, levels, dtype=np.uint8):
    folder.mkdir(exist_ok=True)
    Image.fromarray(np.rint(levels).astype(dtype)).save(folder / f"{name}.png")
    return folder / f"{name}.png"


@pytest.fixture
def pairs(tmp_path):
    """Folders MRI and PET with two pairs, one of them of odd size."""
    for name, shape in (("a", (64, 48)), ("b", (51, 67))):
        write(tmp_path / "MRI", name, anatomy(shape))
        write(tmp_path / "PET", name, uptake(shape))
    return [str(tmp_path / "MRI"), str(tmp_path / "PET")]


@pytest.fixture
def command(monkeypatch):
    """Return a function that does in this process what the command does."""
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")

    def run(config, **overrides):
        settings = {"device": "cpu", "overview": "false", **overrides}
        settings = {key: str(value) if isinstance(value, Path) else value for key, value in settings.items()}
        file = str(CONFIGS / f"{config}.json")
        workflow = ConfigWorkflow(file, workflow_type="infer", logging_file=False, **settings)
        workflow.initialize()
        workflow.run()

    return run


def test_colour_goes_in_and_comes_back(tmp_path, pairs, command):
    command("fuse_pictures", sources=pairs, output_dir=tmp_path / "out")
    for name in "ab":
        mri, pet = (read_picture(f"{folder}/{name}.png") for folder in pairs)
        fused = read_picture(tmp_path / "out" / f"{name}_fused.png")
        grey, coloured = (read_picture(tmp_path / "out" / f"{name}_decomposed-{i}_estimate.png") for i in (1, 2))
        assert fused.luminance.shape == mri.luminance.shape
        assert fused.chroma is not None
        assert np.corrcoef(fused.chroma.ravel(), pet.chroma.ravel())[0, 1] > 0.95
        assert grey.chroma is None
        assert np.corrcoef(grey.luminance.ravel(), mri.luminance.ravel())[0, 1] > 0.97
        assert np.corrcoef(coloured.luminance.ravel(), pet.luminance.ravel())[0, 1] > 0.97
        assert np.corrcoef(coloured.chroma.ravel(), pet.chroma.ravel())[0, 1] > 0.95


def test_the_fused_png_alone_gives_both_back(tmp_path, pairs, command):
    """Sources and sidecar are gone, the file has another name: the pictures come out as they did."""
    command("fuse_pictures", sources=pairs, output_dir=tmp_path / "out")
    lonely = tmp_path / "lonely" / "sent by mail.png"
    lonely.parent.mkdir()
    lonely.write_bytes((tmp_path / "out" / "b_fused.png").read_bytes())
    command("decompose_pictures", dataset_dir=lonely)
    for i in (1, 2):
        first = np.asarray(Image.open(tmp_path / "out" / f"b_decomposed-{i}_estimate.png"))
        again = np.asarray(Image.open(lonely.parent / "decomposed" / f"sent by mail_decomposed-{i}_estimate.png"))
        # Convolutions may add up in another order.
        assert np.abs(first.astype(int) - again).max() <= 2


def test_estimates_are_on_the_scale_of_their_sources(tmp_path, command):
    """A faint picture of 16 bits stays faint, with 16 bits."""
    faint = write(tmp_path, "faint", 3000 + anatomy((64, 64)) * 30, np.uint16)
    bright = write(tmp_path, "bright", anatomy((64, 64)).T)
    command("fuse_pictures", sources=[str(faint), str(bright)], output_dir=tmp_path / "out", fused_bits=16)
    fused = np.asarray(Image.open(tmp_path / "out" / "faint_fused.png"))
    assert fused.dtype == np.uint16
    assert fused.max() > 10000
    back = np.asarray(Image.open(tmp_path / "out" / "faint_decomposed-1_estimate.png")).astype(float)
    original = np.asarray(Image.open(faint)).astype(float)
    assert back.min() == pytest.approx(3000, abs=200)
    assert np.abs(back - original).mean() < 0.03 * np.ptp(original)


def test_everything_fits_in_one_folder_and_is_drawn(tmp_path, command):
    files = [str(write(tmp_path, "p_mr", anatomy((40, 40)))), str(write(tmp_path, "p_ct", anatomy((40, 40)).T))]
    for _ in range(2):
        command("fuse_pictures", sources=files, output_dir=tmp_path, overview="true")
        command("decompose_pictures", dataset_dir=tmp_path, output_dir=tmp_path, overview="true")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "p_ct.png",
        "p_mr.png",
        "p_mr_decomposed-1_estimate.png",
        "p_mr_decomposed-2_estimate.png",
        "p_mr_decomposed_overview.png",
        "p_mr_fused.json",
        "p_mr_fused.png",
        "p_mr_overview.png",
    ]
    assert json.loads((tmp_path / "p_mr_fused.json").read_text())["SourceModalities"] == ["p_mr", "p_ct"]


def test_tiny_pictures_are_fused_too(tmp_path, command):
    files = [str(write(tmp_path, name, rows)) for name, rows in (("a", np.array([[0, 9, 3]])), ("b", np.eye(1, 3) * 8))]
    command("fuse_pictures", sources=files, output_dir=tmp_path / "out", overview="true")
    assert read_picture(tmp_path / "out" / "a_fused.png").luminance.shape == (1, 3)


class TestTypicality:
    @pytest.fixture
    def usual(self, tmp_path):
        """Return what says what is usual, marked for the weights that ship."""
        content = json.loads((CONFIGS.parent / "models" / "typicality.json").read_text())
        content["checkpoint_sha256"] = fingerprint(CONFIGS.parent / "models" / "model.pt")
        (tmp_path / "usual.json").write_text(json.dumps(content))
        return tmp_path / "usual.json"

    def test_unusual_pictures_are_told_and_fused_all_the_same(self, tmp_path, pairs, command, usual, caplog):
        with caplog.at_level(logging.WARNING):
            command("fuse_pictures", sources=pairs, output_dir=tmp_path / "out", typicality_file=usual)
        for name in "ab":
            told = json.loads((tmp_path / "out" / f"{name}_fused.json").read_text())["Typicality"]
            assert told["Unusual"]
            assert told["LikelyReason"] is None
            assert f"{name} looks unlike the training data" in caplog.text
            assert (tmp_path / "out" / f"{name}_fused.png").is_file()

    def test_slices_of_the_phantom_are_less_unusual_than_other_kinds(self, tmp_path, pairs, command, usual):
        files = []
        for source in ("t1ce", "flair"):
            volume = nib.load(CONFIGS.parent / "example" / "phantom-01" / f"phantom-01_{source}.nii.gz").get_fdata()
            page = volume[:, :, volume.shape[2] // 2]
            files.append(str(write(tmp_path, source, 255 * page / page.max())))
        scores = {}
        for name, sources in (("phantom", files), ("other", pairs)):
            out = tmp_path / name
            command("fuse_pictures", sources=sources, output_dir=out, typicality_file=usual)
            scores[name] = [json.loads(file.read_text())["Typicality"]["Score"] for file in out.glob("*.json")]
        assert max(scores["phantom"]) < min(scores["other"])

    def test_it_can_be_left_out(self, tmp_path, pairs, command, usual):
        settings = {"typicality_file": usual, "typicality": "false"}
        command("fuse_pictures", sources=pairs, output_dir=tmp_path / "out", **settings)
        assert "Typicality" not in json.loads((tmp_path / "out" / "a_fused.json").read_text())


def test_every_bad_pair_is_told_and_the_others_are_finished(tmp_path, pairs, refused):
    mri, pet = map(Path, pairs)
    write(mri, "lonely", anatomy((20, 20)))
    write(mri, "sizes", anatomy((20, 20)))
    write(pet, "sizes", uptake((20, 21)))
    write(mri, "constant", anatomy((20, 20)))
    write(pet, "constant", np.full((20, 20), 9.0))
    write(mri, "no-png", anatomy((20, 20)))
    (pet / "no-png.png").write_bytes(b"hello" * 20)
    write(mri, "both-coloured", uptake((20, 20)))
    write(pet, "both-coloured", uptake((20, 20)))
    message = refused("fuse_pictures", sources=pairs, output_dir=tmp_path / "out")
    assert message.startswith("5 of 7 pictures could not be processed")
    lines = {line[2:].split(": ")[0]: line for line in message.splitlines()[1:]}
    assert "the picture lonely is missing in" in lines["lonely"]
    assert "20 x 20" in lines["sizes"]
    assert "21 x 20" in lines["sizes"]
    assert "same brightness everywhere" in lines["constant"]
    assert "cannot be read as PNG" in lines["no-png"]
    assert "--colour_from 1" in lines["both-coloured"]
    assert (tmp_path / "out" / "a_fused.png").is_file()
    assert (tmp_path / "out" / "b_fused.png").is_file()


def test_a_picture_fused_with_other_weights_is_told(tmp_path, pairs, command, refused):
    command("fuse_pictures", sources=pairs, output_dir=tmp_path / "out")
    for file in (tmp_path / "out").glob("*_fused.*"):
        if file.suffix == ".json":
            file.unlink()
            continue
        image = Image.open(file)
        sidecar = json.loads(image.text["FusionINN"])
        sidecar["CheckpointSHA256"] = "0" * 64
        sidecar["FusionID"] = record_id(sidecar)
        file.with_suffix(".json").write_text(json.dumps(sidecar))
        image.save(file)
    message = refused("decompose_pictures", dataset_dir=tmp_path / "out")
    assert message.count("was fused with other weights") == 2


def test_a_source_is_no_fused_picture(tmp_path, pairs, refused):
    message = refused("decompose_pictures", dataset_dir=f"{pairs[1]}/a.png", output_dir=tmp_path / "out")
    assert "does not contain its record" in message


@pytest.mark.parametrize("name", ["fuse_pictures", "decompose_pictures"])
def test_the_network_is_that_of_the_volumes(name):
    ours, theirs = (json.loads((CONFIGS / f"{file}.json").read_text())["network_def"] for file in (name, "inference"))
    assert {**ours, "in_channels": theirs["in_channels"]} == theirs


def test_sources_must_be_given(tmp_path, refused):
    assert "--sources" in refused("fuse_pictures", output_dir=tmp_path / "out")


def test_the_command_line_takes_the_folders_as_a_list(tmp_path, pairs):
    run = ["-m", "monai.bundle", "run", "--config_file", str(CONFIGS / "fuse_pictures.json")]
    run += ["--sources", str(pairs), "--output_dir", str(tmp_path / "out"), "--device", "cpu", "--overview", "false"]
    done = run_python(*run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out").glob("*_fused.png"))) == 2
    fused = np.asarray(Image.open(tmp_path / "out" / "a_fused.png"))
    assert luminance_and_chroma(fused / 255)[0].max() > 0.4
