"""The commands that fuse, decompose and evaluate, on real files and from anywhere."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow

from scripts.networks.uncertainty import UncertaintyHead
from scripts.networks.weights import fingerprint
from scripts.outputs.volumes import load_fused
from warm_python import Command, run_python

BUNDLE = Path(__file__).resolve().parent.parent / "bundle"
SHIPPED = BUNDLE / "models" / "model.pt"
RUN = ["-m", "monai.bundle", "run"]


@pytest.fixture(scope="session")
def weights(tmp_path_factory) -> str:
    """Return the shipped weights, or random ones of the config's network where none are shipped."""
    if SHIPPED.is_file():
        return str(SHIPPED)
    parser = ConfigParser()
    parser.read_config(BUNDLE / "configs" / "inference.json")
    torch.manual_seed(0)
    network = parser.get_parsed_content("network_def")
    for name, weight in network.named_parameters():
        if "conv_1" in name:
            torch.nn.init.normal_(weight, std=0.01)
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    torch.save(network.state_dict(), path)
    return str(path)


@pytest.fixture
def command(weights, monkeypatch) -> Callable[..., None]:
    """Return a function that does in this process what the command does."""
    # Keeps this process's own way of telling errors.
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")

    def run(config: str, **overrides: object) -> None:
        settings = {"ckpt_path": weights, "overview": "false", "device": "cpu", **overrides}
        if config == "evaluate":
            del settings["overview"]
        file = str(BUNDLE / "configs" / f"{config}.json")
        settings = {key: str(value) if isinstance(value, Path) else value for key, value in settings.items()}
        workflow = ConfigWorkflow(file, workflow_type="infer", logging_file=False, **settings)
        workflow.initialize()
        workflow.run()

    return run


def rotated(degrees: float) -> np.ndarray:
    """Return an oblique affine."""
    turn = np.deg2rad(degrees)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    tilt = np.eye(4)
    tilt[1:3, 1:3] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    affine = affine @ tilt
    affine[:3, 3] = (12.5, -30.25, 7.125)
    return affine


def axes(order: str, spacing: tuple[float, ...] = (1, 1, 1)) -> np.ndarray:
    """Return the affine of a volume whose axes run as `order` says, for instance "PSR"."""
    codes = nib.orientations.axcodes2ornt(tuple(order))
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for i, (axis, sign) in enumerate(codes):
        affine[int(axis), i] = sign * spacing[i]
    affine[:3, 3] = (-20.5, 11, 3)
    return affine


# Name: affine, shape, type, background.
PATIENTS = {
    "LPS": (axes("LPS"), (40, 48, 9), "int16", 0),
    "RAS-odd": (axes("RAS"), (37, 43, 7), "uint8", 0),
    "sagittal-first": (axes("PSR"), (40, 42, 8), "uint16", 0),
    "oblique": (rotated(17), (33, 36, 8), "float32", 0),
    "thick-axial": (axes("LPS", (1, 1, 5)), (36, 40, 6), "int16", -1024),
    "thick-sagittal": (axes("RAS", (5, 1, 1)), (7, 36, 41), "float64", 0),
}


@pytest.fixture
def cohort(tmp_path, write_patient):
    """Patients of every orientation and type."""
    records = {}
    for name, (affine, shape, dtype, background) in PATIENTS.items():
        record = write_patient(tmp_path / "data", name, shape=shape, affine=affine, dtype="float64")
        for source in ("t1gd", "flair"):
            values = nib.load(record[source]).get_fdata()
            values = values / values.max() * 200 if dtype == "uint8" else values + background
            nib.save(nib.Nifti1Image(values.astype(dtype), affine), record[source])
        records[name] = record
    return records


def test_sources_come_back_on_their_own_grid_and_in_their_own_units(tmp_path, cohort, command):
    command("inference", dataset_dir=tmp_path / "data", output_dir=tmp_path / "out", lossless="true")
    command("decompose", dataset_dir=tmp_path / "out", output_dir=tmp_path / "back", lossless="true")
    for name, (affine, shape, dtype, _) in PATIENTS.items():
        folder = tmp_path / "out" / name
        outputs = [*folder.glob("*.nii.gz"), *(tmp_path / "back" / name).glob("*.nii.gz")]
        assert len(outputs) == 6
        for path in outputs:
            image = nib.load(path)
            assert image.shape == shape, path
            assert np.allclose(image.affine, affine, atol=1e-5), path
            assert b"research use only" in image.header["descrip"].item()
        axis = json.loads((folder / f"{name}_fused.json").read_text())["SliceAxis"]
        assert axis == {"sagittal-first": 1, "thick-sagittal": 0}.get(name, 2)
        for source in ("t1gd", "flair"):
            original = np.asarray(nib.load(cohort[name][source]).dataobj)
            back = np.asarray(nib.load(tmp_path / "back" / name / f"{name}_{source}_decomposed.nii.gz").dataobj)
            if np.issubdtype(dtype, np.integer):
                assert back.dtype == dtype
                assert np.array_equal(back, original), name
            else:
                assert np.abs(back - original).max() <= 1e-4 * np.ptp(original), name


def test_a_volume_normalised_as_a_whole_comes_back_exactly_too(tmp_path, write_patient, command):
    record = write_patient(tmp_path / "data", "P")
    image = nib.load(record["t1gd"])
    values = np.asarray(image.dataobj).copy()
    values[20:22, 20:22, 4] = 2500  # a vessel far above the 99.9th percentile
    nib.save(nib.Nifti1Image(values, image.affine), record["t1gd"])
    command(
        "inference", dataset_dir=tmp_path / "data", output_dir=tmp_path / "out", lossless="true", normalisation="volume"
    )
    command("decompose", dataset_dir=tmp_path / "out", output_dir=tmp_path / "back", lossless="true")
    back = nib.load(tmp_path / "back" / "P" / "P_t1gd_decomposed.nii.gz")
    assert np.array_equal(back.dataobj, values)


def test_decomposing_the_stored_file_gives_what_fusing_gave(tmp_path, write_patient, command):
    write_patient(tmp_path / "data", "P")
    out = tmp_path / "out" / "P"
    for dtype in ("float32", "uint16", "uint8"):
        command("inference", dataset_dir=tmp_path / "data", output_dir=tmp_path / "out", fused_dtype=dtype)
        first = {source: nib.load(out / f"P_{source}_decomposed.nii.gz").get_fdata() for source in ("t1gd", "flair")}
        command("decompose", dataset_dir=tmp_path / "out")
        for source, values in first.items():
            again = nib.load(tmp_path / "out" / "decomposed" / "P" / f"P_{source}_decomposed.nii.gz").get_fdata()
            assert np.abs(again - values).max() <= 1, dtype


def test_everything_fits_in_one_folder(tmp_path, write_patient, command):
    """The folder of the sources holds the results, and running again finds neither more nor other patients."""
    write_patient(tmp_path, "P")
    for _ in range(2):
        command("inference", dataset_dir=tmp_path, output_dir=tmp_path, overview="true")
        command("decompose", dataset_dir=tmp_path, output_dir=tmp_path, overview="true")
    assert sorted(path.name for path in (tmp_path / "P").iterdir()) == [
        "P_decomposed_overview.png",
        "P_flair.nii.gz",
        "P_flair_decomposed.nii.gz",
        "P_fused.json",
        "P_fused.nii.gz",
        "P_overview.png",
        "P_t1ce.nii.gz",
        "P_t1gd_decomposed.nii.gz",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".finished", "P"]


class TestMaps:
    """On request: which source speaks, and how far off an estimate may be."""

    @pytest.fixture
    def phantom(self, tmp_path):
        """A few slices of the embedded phantom."""
        folder = tmp_path / "data" / "phantom-01"
        folder.mkdir(parents=True)
        for path in (BUNDLE / "example" / "phantom-01").glob("*_[tf][1l]*.nii.gz"):
            nib.save(nib.load(path).slicer[30:210, 20:220, 24:28], folder / path.name)
        return tmp_path / "data"

    @pytest.fixture
    def head(self, tmp_path, weights):
        """The shipped head where it belongs to the weights, else one that is not trained."""
        path = BUNDLE / "models" / "uncertainty.pt"
        if path.is_file():
            state = torch.load(path, weights_only=True)
            if bytes(state["checksum"].tolist()).hex() == fingerprint(weights):
                return path
        torch.save(UncertaintyHead(belongs_to=fingerprint(weights)).state_dict(), tmp_path / "head.pt")
        return tmp_path / "head.pt"

    def test_both_maps_of_the_phantom_in_their_units_and_the_doubt_again_from_the_stored_file(
        self, tmp_path, phantom, head, command
    ):
        out = tmp_path / "out"
        command(
            "inference",
            dataset_dir=phantom,
            output_dir=out,
            contribution="true",
            uncertainty="true",
            uncertainty_path=head,
            overview="true",
        )
        folder = out / "phantom-01"
        names = {"fused", "fused.json", "overview.png"}
        for source in ("t1gd", "flair"):
            names |= {f"{source}_decomposed", f"{source}_contribution", f"{source}_uncertainty"}
        expected = {f"phantom-01_{name}{'' if '.' in name else '.nii.gz'}" for name in names}
        assert {path.name for path in folder.iterdir()} == expected
        maps = {name: nib.load(folder / f"phantom-01_{name}.nii.gz").get_fdata() for name in names if "." not in name}
        fused = maps["fused"]
        gap = maps["t1gd_contribution"] + maps["flair_contribution"] - fused
        assert np.sqrt(np.mean(gap**2)) < 0.3 * np.sqrt(np.mean(fused**2))
        sidecar = json.loads((folder / "phantom-01_fused.json").read_text())
        assert sidecar["ContributionFiles"][0] == "phantom-01_t1gd_contribution.nii.gz"
        assert "Expected error" in sidecar["Uncertainty"]
        # sources are in scanner units, several hundreds; so is the doubt
        inside = fused > 0.1
        assert 1 < maps["t1gd_uncertainty"][inside].mean() < 0.2 * maps["t1gd_decomposed"].max()
        assert nib.load(folder / "phantom-01_flair_uncertainty.nii.gz").get_data_dtype() == np.uint16

        command("decompose", dataset_dir=out, uncertainty="true", uncertainty_path=head, overview="true")
        again = out / "decomposed" / "phantom-01"
        for source in ("t1gd", "flair"):
            values = nib.load(again / f"phantom-01_{source}_uncertainty.nii.gz").get_fdata()
            step = 2 * maps[f"{source}_uncertainty"].max() / 65535
            assert np.abs(values - maps[f"{source}_uncertainty"]).max() <= 0.01 * values.max() + step
        told = json.loads((again / "phantom-01_uncertainty.json").read_text())
        assert told["UncertaintyFiles"] == sidecar["UncertaintyFiles"]

    def test_results_among_the_sources_are_not_taken_for_patients(self, tmp_path, write_patient, head, command):
        write_patient(tmp_path, "P")
        for _ in range(2):
            command(
                "inference",
                dataset_dir=tmp_path,
                output_dir=tmp_path,
                contribution="true",
                uncertainty="true",
                uncertainty_path=head,
            )
        assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == [".finished", "P"]

    def test_a_doubt_that_cannot_be_told_is_refused(self, tmp_path, write_patient, head, command, refused):
        write_patient(tmp_path / "data", "P")
        asked = {"dataset_dir": tmp_path / "data", "output_dir": tmp_path / "out", "uncertainty": "true"}
        assert "No weights of the map" in refused("inference", **asked, uncertainty_path=tmp_path / "none.pt")
        told = refused("inference", **asked, uncertainty_path=head, latent="normal")
        assert "Leave out --latent, or --uncertainty" in told
        torch.save(UncertaintyHead(belongs_to="ab" * 32).state_dict(), tmp_path / "other.pt")
        told = refused("inference", **asked, uncertainty_path=tmp_path / "other.pt")
        assert "other.pt estimates the errors of other weights" in told
        assert "expected true or false, got 'perhaps'" in refused("inference", **{**asked, "uncertainty": "perhaps"})
        assert not (tmp_path / "out").exists()
        command("inference", dataset_dir=tmp_path / "data", output_dir=tmp_path / "out", lossless="true")
        told = refused(
            "decompose", dataset_dir=tmp_path / "out", lossless="true", uncertainty="true", uncertainty_path=head
        )
        assert "so there is no uncertainty to map" in told


def test_evaluation_writes_tables(tmp_path, write_patient, command):
    seg = np.zeros((40, 48, 8))
    seg[18:24, 20:26, 4] = 2
    write_patient(tmp_path / "data", "P", seg=seg)
    write_patient(tmp_path / "data", "Q")
    command("evaluate", dataset_dir=tmp_path / "data", output_dir=tmp_path / "tables")
    summary = json.loads((tmp_path / "tables" / "summary.json").read_text())
    assert summary["patients"] == 2
    assert summary["largest_roundtrip_error"] <= 1e-4
    assert summary["mean_over_slices"]["fused_lesion"] is not None
    rows = (tmp_path / "tables" / "slices.csv").read_text().splitlines()
    assert rows[0].startswith("patient,slice,fused_slice,mean_slice,max_slice,fused_t1gd_slice")
    assert len(rows) == 1 + summary["slices"]


def test_evaluation_takes_the_validation_patients_of_a_split(tmp_path, write_patient, command):
    for name in "PQR":
        write_patient(tmp_path / "data", name)
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": ["P", "R"], "validation": ["Q"]}))
    command("evaluate", dataset_dir=tmp_path / "data", output_dir=tmp_path / "tables", split_file=split)
    assert (tmp_path / "tables" / "patients.csv").read_text().splitlines()[1].startswith("Q,")


def spoil_constant(path):
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.full(image.shape, 7, "int16"), image.affine), path)


def spoil_zero(path):
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.zeros(image.shape, "int16"), image.affine), path)


def spoil_value(value):
    def spoil(path):
        image = nib.load(path)
        values = image.get_fdata(dtype=np.float32)
        values[3, 3, 3] = value
        nib.save(nib.Nifti1Image(values, image.affine), path)

    return spoil


def spoil_shape(*shape):
    def spoil(path):
        nib.save(
            nib.Nifti1Image(
                np.ones(shape, "int16") * np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1)).astype("int16"),
                nib.load(path).affine,
            ),
            path,
        )

    return spoil


def spoil_affine(path):
    image = nib.load(path)
    affine = image.affine.copy()
    affine[0, 3] += 4
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), affine), path)


def spoil_checksum(path):
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(content)


def spoil_size(path):
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[42:48] = b"\xff\x7f" * 3
    path.write_bytes(gzip.compress(content))


BAD = {
    "missing": (Path.unlink, r"the flair image is missing"),
    "of another shape": (spoil_shape(40, 48, 7), "different shapes"),
    "of another affine": (spoil_affine, "different affines"),
    "with NaN": (spoil_value(np.nan), "1 NaN"),
    "with Inf": (spoil_value(np.inf), "1 Inf"),
    "all zero": (spoil_zero, "is all zero"),
    "constant": (spoil_constant, "is constant"),
    "2-D": (spoil_shape(40, 48), "has 2 dimensions"),
    "4-D": (spoil_shape(40, 48, 8, 2), "has 4 dimensions"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:3000]), "truncated"),
    "no NIfTI": (lambda path: path.write_bytes(b"hello" * 99), "cannot be read as NIfTI"),
    "a wrong checksum": (spoil_checksum, "CRC check failed"),
    "a claim of terabytes": (spoil_size, "32767 x 32767 x 32767 voxels"),
    "not compressed": (lambda path: path.write_bytes(gzip.decompress(path.read_bytes())), "Rename it to"),
    "LFS": (lambda path: path.write_bytes(b"version https://git-lfs.github.com/spec/v1"), "git lfs pull"),
    "web page": (lambda path: path.write_bytes(b"<!DOCTYPE html>"), "is a web page"),
}


def test_every_bad_patient_is_told_with_file_and_remedy_and_the_others_are_finished(tmp_path, write_patient, refused):
    for name in ("A good one", "Z good one"):
        write_patient(tmp_path / "data", name.replace(" ", "-"))
    for kind, (spoil, _) in BAD.items():
        spoil(Path(write_patient(tmp_path / "data", kind.replace(" ", "-"))["flair"]))
    message = refused("inference", dataset_dir=tmp_path / "data", output_dir=tmp_path / "out")
    assert message.startswith(f"{len(BAD)} of {len(BAD) + 2} patients could not be processed:\n")
    lines = {line[2:].split(": ")[0]: line for line in message.splitlines()[1:]}
    for kind, (_, told) in BAD.items():
        line = lines[kind.replace(" ", "-")]
        assert told in line
        assert f"{kind.replace(' ', '-')}_flair.nii.gz" in line
        assert line.endswith((".", ")."))
    assert sorted(path.name for path in (tmp_path / "out").glob("[!.]*")) == ["A-good-one", "Z-good-one"]
    for folder in (tmp_path / "out").glob("[!.]*"):
        assert len(list(folder.iterdir())) == 4


def test_an_input_in_the_place_of_a_result_is_refused_and_the_other_patients_are_finished(
    tmp_path, write_patient, refused
):
    data, out = tmp_path / "data", tmp_path / "out"
    write_patient(data, "P1")
    record = write_patient(data, "P2")
    source = out / "P2" / "P2_t1gd_decomposed.nii.gz"
    source.parent.mkdir(parents=True)
    shutil.move(record["t1gd"], source)
    content = source.read_bytes()
    entries = [
        {"patient": "P1", "t1gd": "P1/P1_t1ce.nii.gz", "flair": "P1/P1_flair.nii.gz"},
        {"patient": "P2", "t1gd": str(source), "flair": "P2/P2_flair.nii.gz"},
    ]
    (data / "datalist.json").write_text(json.dumps(entries))
    message = refused("inference", dataset_dir=data, output_dir=out)
    assert f"- P2: {source} is read by this command, and a result would have the same name" in message
    assert "1 of 2 patients" in message
    assert source.read_bytes() == content
    assert [path.name for path in source.parent.iterdir()] == [source.name]
    assert (out / "P1" / "P1_fused.nii.gz").is_file()


def test_a_black_and_a_constant_slice_are_fine_and_stay_constant(tmp_path, write_patient, command):
    record = write_patient(tmp_path / "data", "P")
    for source in ("t1gd", "flair"):
        image = nib.load(record[source])
        values = np.asarray(image.dataobj).copy()
        values[..., 0], values[..., 7] = 0, 55
        nib.save(nib.Nifti1Image(values, image.affine), record[source])
    command("inference", dataset_dir=tmp_path / "data", output_dir=tmp_path / "out", overview="true")
    for source in ("t1gd", "flair"):
        back = np.asarray(nib.load(tmp_path / "out" / "P" / f"P_{source}_decomposed.nii.gz").dataobj)
        assert (back[..., 0] == 0).all()
        assert (back[..., 7] == 55).all()


def test_files_of_two_patients_are_refused_and_the_same_file_twice_is_warned_of(tmp_path, write_patient, refused):
    one, other = (write_patient(tmp_path / "data", name) for name in ("P1", "P2"))
    datalist = tmp_path / "list.json"
    mixed = {"patient": "mixed", "t1gd": one["t1gd"], "flair": other["flair"]}
    twice = {"patient": "twice", "t1gd": one["t1gd"], "flair": one["t1gd"]}
    datalist.write_text(json.dumps([mixed, twice]))
    with pytest.warns(UserWarning, match=r"P1_t1ce\.nii\.gz is given both as t1gd and as flair"):
        message = refused("inference", dataset_dir=tmp_path / "data", datalist=datalist, output_dir=tmp_path / "out")
    assert "1 of 2 patients" in message
    assert "the files belong to different patients by their names" in message
    assert (tmp_path / "out" / "twice" / "twice_fused.nii.gz").is_file()


class TestWhatEndsARun:
    @pytest.fixture
    def data(self, tmp_path, write_patient):
        write_patient(tmp_path / "data", "P")
        return {"dataset_dir": tmp_path / "data", "output_dir": tmp_path / "out"}

    def test_no_data(self, tmp_path, data, refused):
        assert "does not exist" in refused("inference", **{**data, "dataset_dir": tmp_path / "none"})
        (tmp_path / "empty").mkdir()
        assert "is empty" in refused("inference", **{**data, "dataset_dir": tmp_path / "empty"})
        assert "no fused image was found in" in refused("decompose", **{**data, "dataset_dir": tmp_path / "empty"})
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("config", ["inference", "evaluate"])
    def test_bad_weights_are_never_replaced_by_random_ones(self, tmp_path, data, weights, refused, config):
        bad = tmp_path / "bad.pt"
        assert "No checkpoint at" in refused(config, **data, ckpt_path=bad)
        bad.write_bytes(Path(weights).read_bytes()[:5000])
        assert "bad.pt cannot be read as a checkpoint" in refused(config, **data, ckpt_path=bad)
        torch.save(torch.nn.Conv2d(2, 2, 3).state_dict(), bad)
        assert "bad.pt does not fit this FusionINN" in refused(config, **data, ckpt_path=bad)
        assert not (tmp_path / "out").exists()

    def test_decomposing_with_bad_weights(self, tmp_path, data, command, refused):
        command("inference", **data)
        missing = {"dataset_dir": tmp_path / "out", "ckpt_path": tmp_path / "bad.pt"}
        assert "No checkpoint at" in refused("decompose", **missing)

    def test_a_folder_that_cannot_be_written(self, tmp_path, data, refused):
        (tmp_path / "file").touch()
        message = refused("inference", **{**data, "output_dir": tmp_path / "file" / "out"})
        assert message.startswith(f"{tmp_path / 'file' / 'out'} is not writable (Not a directory)")
        assert "--output_dir" in message

    @pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
    def test_a_gpu_that_is_not_there(self, data, refused):
        assert refused("inference", **data, device="cuda").startswith("The device 'cuda' cannot be used")

    @pytest.mark.parametrize(
        ("setting", "told"),
        [
            ({"fused_dtype": "int8"}, "fused_dtype is 'int8', expected one of uint8, uint16, float32"),
            ({"latent": "cauchy"}, "latent is 'cauchy', expected one of normal"),
            ({"normalisation": "z"}, 'the normalisation is "z", expected one of'),
            ({"lossless": "maybe"}, "expected true or false, got 'maybe'"),
            ({"slices_at_once": 0}, "slices_at_once is 0"),
            ({"sources": ["t1gd", "flair", "t2"]}, "was trained on 2 sources, this FusionINN fuses 3"),
        ],
    )
    def test_settings_that_cannot_be_followed(self, data, refused, setting, told):
        assert told in refused("inference", **data, **setting)


def execute(*arguments: object, cwd: Path, check: bool = True) -> subprocess.CompletedProcess:
    """Run the command in a process of its own."""
    command = [*RUN, *(str(argument) for argument in arguments)]
    done = run_python(*command, cwd=cwd, env=environment())
    assert not check or done.returncode == 0, done.stderr
    return done


def environment() -> dict[str, str]:
    """Return the environment of a user, who has set no path."""
    hidden = ("PYTHONPATH", "FUSIONINN_TRACEBACK")
    return {key: value for key, value in os.environ.items() if key not in hidden}


class TestFromTheShell:
    def test_each_command_works_from_where_people_stand(self, tmp_path, write_patient, weights):
        write_patient(tmp_path / "data", "P")
        execute(
            *("inference", "--config_file", "bundle/configs/inference.json", "--bundle_root", "bundle"),
            *("--dataset_dir", tmp_path / "data", "--output_dir", tmp_path / "out", "--ckpt_path", weights),
            *("--device", "cpu", "--lossless", "true", "--overview", "false"),
            cwd=BUNDLE.parent,
        )
        assert sorted(path.name for path in (tmp_path / "out" / "P").iterdir()) == [
            "P_flair_decomposed.nii.gz",
            "P_fused.json",
            "P_fused.nii.gz",
            "P_latent.nii.gz",
            "P_t1gd_decomposed.nii.gz",
        ]
        execute(
            *("decomposition", "--config_file", "configs/decompose.json"),
            *("--dataset_dir", tmp_path / "out", "--ckpt_path", weights),
            cwd=BUNDLE,
        )
        assert (tmp_path / "out" / "decomposed" / "P" / "P_decomposed_overview.png").is_file()
        execute(
            *("evaluation", "--config_file", BUNDLE / "configs" / "evaluate.json"),
            *("--dataset_dir", "data", "--output_dir", "tables", "--ckpt_path", weights),
            cwd=tmp_path,
        )
        assert (tmp_path / "tables" / "summary.json").is_file()

    def test_the_last_lines_are_the_message_alone(self, tmp_path, write_patient, weights):
        for name in "ABC":
            record = write_patient(tmp_path / "data", name)
            if name == "B":
                Path(record["flair"]).write_bytes(b"")
        done = execute(
            *("--config_file", "bundle/configs/inference.json", "--dataset_dir", tmp_path / "data"),
            *("--output_dir", tmp_path / "out", "--ckpt_path", weights, "--overview", "false"),
            cwd=BUNDLE.parent,
            check=False,
        )
        assert done.returncode == 1
        first, second = done.stderr.rstrip("\n").splitlines()[-2:]
        assert first == "Error: 1 of 3 patients could not be processed:"
        assert second.startswith("- B: ")
        assert "B_flair.nii.gz is empty" in second
        assert "Traceback" not in done.stdout + done.stderr
        shown = sorted(path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith("."))
        assert shown == ["A", "C"]

    def test_a_run_killed_while_it_writes_leaves_whole_files_only(self, tmp_path, write_patient, weights, command):
        noise = np.random.default_rng(0).integers(1, 9999, (160, 160, 40))
        write_patient(tmp_path / "data", "P", t1ce=noise, flair=noise[::-1])
        folder = tmp_path / "out" / "P"
        arguments = ("--dataset_dir", tmp_path / "data", "--output_dir", tmp_path / "out", "--ckpt_path", weights)
        process = Command(
            *(*RUN, "--config_file", BUNDLE / "configs" / "inference.json", *arguments), env=environment()
        )
        deadline = time.monotonic() + 60
        while process.is_running() and time.monotonic() < deadline:
            if folder.is_dir() and any(folder.iterdir()):
                break
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for path in folder.glob("*.nii.gz"):
            np.asarray(nib.load(path).dataobj)
        if (folder / "P_fused.nii.gz").exists():
            load_fused(folder / "P_fused.nii.gz")
            json.loads((folder / "P_fused.json").read_text())
        shutil.rmtree(tmp_path / "data")
        write_patient(tmp_path / "data", "P")
        command("inference", dataset_dir=tmp_path / "data", output_dir=tmp_path / "out")
        assert len(list(folder.iterdir())) == 4
        assert nib.load(folder / "P_fused.nii.gz").shape == (40, 48, 8)


class TestRefinement:
    def test_the_sidecar_names_the_steps_and_the_same_command_decomposes(self, command, write_patient, tmp_path):
        write_patient(tmp_path / "data", "P")
        fused = {}
        for steps in (0, 20):
            out = tmp_path / f"out{steps}"
            command("inference", dataset_dir=tmp_path / "data", output_dir=out, refine=steps)
            record = json.loads((out / "P" / "P_fused.json").read_text())
            assert record.get("RefinementSteps", 0) == steps
            command("decompose", dataset_dir=out)
            assert (out / "decomposed" / "P" / "P_t1gd_decomposed.nii.gz").is_file()
            fused[steps] = np.asarray(nib.load(out / "P" / "P_fused.nii.gz").dataobj)
        assert not np.array_equal(fused[0], fused[20])

    def test_lossless_cannot_be_combined_with_it(self, refused, write_patient, tmp_path):
        write_patient(tmp_path / "data", "P")
        message = refused(
            "inference", dataset_dir=tmp_path / "data", output_dir=tmp_path / "out", refine=2, lossless="true"
        )
        assert "refine and lossless cannot be combined" in message
        assert not (tmp_path / "out").exists()
