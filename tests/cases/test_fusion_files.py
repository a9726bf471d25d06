"""The files of a fused patient."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import nibabel as nib
import numpy as np
import pytest
import torch

from case_files import fused_case, write_fused
from scripts.cases.volume_files import channels_last
from scripts.data.errors import BadInputError
from scripts.outputs.volumes import load_fused, stored_dtype
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd


@pytest.fixture
def ckpt(tmp_path, network):
    torch.save(network.state_dict(), tmp_path / "model.pt")
    return str(tmp_path / "model.pt")


@pytest.fixture
def fuse(tmp_path, network, ckpt):
    """Return a function that fuses a patient and writes the files to `out`."""

    def run(record, lossless=False, contribution=False, overview=True):
        data = NormalizeSourcesd("slice")(LoadSourcesd()(record))
        case = fused_case(network, data, ckpt, lossless=lossless, contribution=contribution)
        return write_fused(tmp_path / "out", case, overview)

    return run


def test_files_are_those_that_are_promised(tmp_path, fuse, write_patient):
    written = fuse(write_patient(tmp_path, "P1"))
    folder = tmp_path / "out" / "P1"
    assert sorted(path.name for path in folder.iterdir()) == [
        "P1_flair_decomposed.nii.gz",
        "P1_fused.json",
        "P1_fused.nii.gz",
        "P1_overview.png",
        "P1_t1gd_decomposed.nii.gz",
    ]
    assert sorted(written) == sorted(str(path) for path in folder.iterdir())


def test_headers_say_what_a_volume_is_and_what_for(tmp_path, fuse, write_patient):
    fuse(write_patient(tmp_path, "P1"), overview=False)
    folder = tmp_path / "out" / "P1"
    sidecar = json.loads((folder / "P1_fused.json").read_text())
    told = {
        name: nib.load(folder / f"P1_{name}.nii.gz").header["descrip"].item().decode()
        for name in ("fused", "t1gd_decomposed", "flair_decomposed")
    }
    assert told == {
        "fused": f"FusionINN fused, research use only, id {sidecar['FusionID']}",
        "t1gd_decomposed": "FusionINN ESTIMATED t1gd, research use only",
        "flair_decomposed": "FusionINN ESTIMATED flair, research use only",
    }
    assert "research use only" in sidecar["ResearchUseOnly"].lower()
    assert (sidecar["Patient"], sidecar["Shape"]) == ("P1", [40, 48, 8])


def test_the_overview_can_be_left_out_and_the_latent_kept(tmp_path, fuse, write_patient):
    fuse(write_patient(tmp_path, "P1"), lossless=True, overview=False)
    names = {path.name for path in (tmp_path / "out" / "P1").iterdir()}
    assert "P1_latent.nii.gz" in names
    assert "P1_overview.png" not in names


def test_the_latent_of_three_sources_has_two_channels():
    assert channels_last(torch.zeros(1, 4, 5, 6)).shape == (4, 5, 6)
    assert channels_last(torch.zeros(2, 4, 5, 6)).shape == (4, 5, 6, 2)


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [("uint8", "uint8"), (">i2", "int16"), ("uint16", "uint16"), ("int32", "float32"), ("float64", "float32")],
)
def test_estimates_are_stored_like_their_source_where_it_is_a_small_integer(tmp_path, dtype, stored):
    nib.save(nib.Nifti1Image(np.ones((2, 2, 2), dtype), np.eye(4)), tmp_path / "a.nii")
    assert stored_dtype(tmp_path / "a.nii") == stored


def test_integers_with_a_scale_factor_are_no_integers(tmp_path):
    image = nib.Nifti1Image(np.linspace(0, 1, 8).reshape(2, 2, 2), np.eye(4))
    image.set_data_dtype("int16")
    nib.save(image, tmp_path / "a.nii")
    assert stored_dtype(tmp_path / "a.nii") == "float32"


def test_a_black_patient_slice_and_small_images_do_no_harm(tmp_path, fuse, write_patient):
    fuse(write_patient(tmp_path, "P1", shape=(7, 9, 3)))
    sidecar = json.loads((tmp_path / "out" / "P1" / "P1_fused.json").read_text())
    assert sidecar["SSIM"]["fused"] == {"t1gd": None, "flair": None}


def test_leftovers_of_a_killed_run_are_swept(tmp_path, fuse, write_patient):
    folder = tmp_path / "out" / "P1"
    folder.mkdir(parents=True)
    (folder / ".staged-ab12" / "new").mkdir(parents=True)
    (folder / ".staged-ab12" / "new" / "P1_fused.nii.gz").write_bytes(b"half")
    fuse(write_patient(tmp_path, "P1"), overview=False)
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_maps_and_latent_of_an_earlier_run_do_not_lie_beside_another_fused_image(tmp_path, fuse, write_patient):
    fuse(write_patient(tmp_path, "P1"), lossless=True, contribution=True)
    folder = tmp_path / "out" / "P1"
    assert {"P1_flair_contribution.nii.gz", "P1_latent.nii.gz"} <= {path.name for path in folder.iterdir()}
    (folder / "P1_notes.txt").write_text("mine")
    other = np.full((40, 48, 8), 7)
    other[10:30, 10:30] = np.arange(8) * 30
    written = fuse(write_patient(tmp_path, "P1", flair=other), overview=False)
    left = {str(path) for path in folder.iterdir()}
    assert left == {*written, str(folder / "P1_notes.txt")}
    sidecar = json.loads((folder / "P1_fused.json").read_text())
    assert not {"ContributionFiles", "LatentFile"} & sidecar.keys()


def test_results_may_lie_among_their_sources(tmp_path, network, ckpt, write_patient):
    record = write_patient(tmp_path, "P1")
    for _ in range(2):
        data = NormalizeSourcesd("slice")(LoadSourcesd()(record))
        write_fused(tmp_path, fused_case(network, data, ckpt, contribution=True))
    names = {path.name for path in (tmp_path / "P1").iterdir()}
    assert {"P1_t1ce.nii.gz", "P1_flair.nii.gz", "P1_flair_contribution.nii.gz", "P1_fused.nii.gz"} <= names


def test_an_existing_result_stays_when_the_new_one_cannot_be_written(tmp_path, fuse, write_patient, monkeypatch):
    record = write_patient(tmp_path, "P1")
    fuse(record, overview=False)
    folder = tmp_path / "out" / "P1"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    flair = folder / "P1_flair_decomposed.nii.gz"
    flair.unlink()
    flair.mkdir()
    (flair / "in the way").touch()
    with pytest.raises(BadInputError, match=r"P1_flair_decomposed\.nii\.gz cannot be written: it is a folder"):
        fuse(record, overview=False)
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert after == {name: content for name, content in before.items() if name != flair.name}
    load_fused(folder / "P1_fused.nii.gz")


def test_what_is_given_stays_as_it_is(tmp_path, network, ckpt, write_patient):
    data = NormalizeSourcesd("slice")(LoadSourcesd()(write_patient(tmp_path, "P1")))
    case = fused_case(network, data, ckpt)
    image, decomposed = case.image.clone(), case.decomposed.clone()
    write_fused(tmp_path / "out", case, overview=True)
    assert torch.equal(case.image, image)
    assert torch.equal(case.decomposed, decomposed)
    with pytest.raises(FrozenInstanceError):
        case.decomposed = image
