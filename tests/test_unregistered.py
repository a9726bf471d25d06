"""Sources on different grids are registered, fused, and decomposed from what was stored."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("itk", reason="no itk: pip install -r requirements-clinic.txt")

import itk

from scripts.phantom.build import build_phantom
from scripts.registration.motion import rigid_matrix
from scripts.registration.resample import resample
from warm_python import run_python

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A phantom whose FLAIR was moved, sampled in thick slices and stored as NRRD."""
    folder = tmp_path_factory.mktemp("unregistered") / "data" / "phantom-07"
    folder.mkdir(parents=True)
    phantom = build_phantom(7, voxel=3.0, slice_factor=1)
    nib.save(nib.Nifti1Image(phantom.t1gd, phantom.affine), folder / "phantom-07_t1ce.nii.gz")
    truth = rigid_matrix(np.array([4.0, -6.0, 8.0]), np.array([6.0, -9.0, 4.0]), np.array([0.0, 120.0, 78.0]))
    onto = np.diag([-2.0, -2.0, 4.0, 1.0])
    onto[:3, 3] = (10, 260, -20)
    moved = resample(phantom.flair, phantom.affine, onto, (135, 135, 52), np.linalg.inv(truth)).volume
    nib.save(nib.Nifti1Image(np.rint(moved).astype(np.int16), onto), folder / "temporary.nii.gz")
    itk.imwrite(itk.imread(str(folder / "temporary.nii.gz")), str(folder / "phantom-07_flair.nrrd"))
    (folder / "temporary.nii.gz").unlink()
    right = resample(np.rint(moved), onto, phantom.affine, phantom.t1gd.shape, truth).volume
    return folder.parent, truth, phantom, right


@pytest.fixture(scope="module")
def fused(dataset, repository, tmp_path_factory):
    """Output folder of the command."""
    output = tmp_path_factory.mktemp("fused")
    configs = [str(repository / "bundle" / "configs" / f"{name}.json") for name in ("inference", "unregistered")]
    command = ["-m", "monai.bundle", "run", "--config_file", str(configs)]
    settings = {"dataset_dir": dataset[0], "output_dir": output, "typicality": False, "overview": False}
    for key, value in settings.items():
        command += [f"--{key}", str(value)]
    done = run_python(*command, cwd=repository)
    assert done.returncode == 0, done.stderr[-2000:]
    return output / "phantom-07"


def test_flair_is_found_where_it_was_moved_to(fused, dataset):
    _, truth, phantom, _ = dataset
    sidecar = json.loads((fused / "phantom-07_fused.json").read_text())
    flair = sidecar["Registration"]["flair"]
    assert flair["applied"] is True
    index = np.argwhere(phantom.t1gd > 0)[::200]
    points = index @ phantom.affine[:3, :3].T + phantom.affine[:3, 3]
    apart = (np.array(flair["matrix"]) - truth)[:3]
    assert np.linalg.norm(points @ apart[:, :3].T + apart[:, 3], axis=1).max() < 0.5
    assert sidecar["Preparation"] == ["skulls were stripped already"]


def test_what_is_written_lies_on_the_grid_of_t1gd_and_resembles_the_sources(fused, dataset):
    _, _, phantom, right = dataset
    image = nib.load(fused / "phantom-07_fused.nii.gz")
    assert image.shape == phantom.t1gd.shape
    assert np.allclose(image.affine, phantom.affine)
    flair = nib.load(fused / "phantom-07_flair_decomposed.nii.gz").get_fdata()
    brain = (phantom.flair > 0) & (right > 0)
    assert np.corrcoef(flair[brain], right[brain])[0, 1] > 0.85
    assert nib.load(fused / "phantom-07_flair_decomposed.nii.gz").get_data_dtype() == np.float32


def test_a_report_made_later_shows_the_sources_where_they_were_moved_to(fused, dataset):
    from scripts.report.results import ReadResults, find_results

    folder, _, phantom, right = dataset
    (record,) = find_results(str(fused), str(folder))
    volumes = ReadResults()(record)["report"].volumes
    np.testing.assert_array_equal(volumes["t1gd"], phantom.t1gd)
    brain = (phantom.flair > 0) & (right > 0)
    assert np.corrcoef(volumes["flair"][brain], right[brain])[0, 1] > 0.98
