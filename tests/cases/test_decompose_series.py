"""Estimated series are written beside nothing that they do not belong to."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from scripts.data.errors import BadInputError

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from phantom_studies.study import write_series  # noqa: E402
from scripts.cases.decompose_series import EstimatedSeriesFiles  # noqa: E402
from scripts.dicom.derived import fused_values, slice_digests, write_derived  # noqa: E402
from scripts.dicom.scan import scan_folder  # noqa: E402
from scripts.dicom.series_record import DIGESTS  # noqa: E402
from scripts.dicom.source_pixels import describe_source  # noqa: E402
from scripts.dicom.stored import read_fused_series  # noqa: E402
from scripts.dicom.volume import read_series  # noqa: E402
from scripts.outputs.identity import identity_keys  # noqa: E402
from scripts.outputs.sidecar import write_sidecar  # noqa: E402
from scripts.transforms.normalize import normalize_slices  # noqa: E402


@pytest.fixture
def data(tmp_path):
    """What was read of a fused series of random numbers."""
    volume = np.random.default_rng(5).integers(1, 900, (16, 14, 4)).astype(np.float32)
    write_series(tmp_path / "in", volume, np.diag([-1.0, -1.0, 3.0, 1.0]))
    (series,) = scan_folder(tmp_path / "in").series
    source = read_series(series)
    normal, scale = normalize_slices(source.volume.as_tensor()[None].repeat(2, 1, 1, 1), 2)
    fused = normal[0].numpy()
    sidecar = write_sidecar(
        tmp_path / "x_fused.json",
        sources={"t1gd": "a", "flair": "b"},
        intensity_scale=scale,
        stored_dtype="uint16",
        checkpoint_sha256="0" * 64,
        fused_sha256="0" * 64,
        extra={
            **identity_keys("x", fused.shape, np.asarray(source.volume.affine)),
            "SourceSeries": {name: describe_source(source) for name in ("t1gd", "flair")},
            DIGESTS: slice_digests(fused_values(fused)),
        },
    )
    write_derived(tmp_path / "fused", volume=fused, reference=source, sources={"t1gd": source}, sidecar=sidecar)
    return read_fused_series(tmp_path / "fused")


@pytest.fixture
def results(data):
    return {"decomposed": torch.arange(2 * 16 * 14 * 4).reshape(2, 16, 14, 4) % 700 + 0.4}


def test_each_source_gets_a_series_of_whole_numbers_of_its_own(tmp_path, data, results):
    files = EstimatedSeriesFiles(str(tmp_path / "back"), overview=False)(data, results)
    assert {Path(file).parent.name for file in files} == {"t1gd_estimated", "flair_estimated"}
    read = {series.files[0].parent.name: read_series(series) for series in scan_folder(tmp_path / "back").series}
    estimate = np.asarray(read["flair_estimated"].volume)
    assert np.array_equal(estimate, np.rint(results["decomposed"][1].numpy()))
    assert np.allclose(np.asarray(read["flair_estimated"].volume.affine), data["affine"], atol=1e-4)


def test_picture_and_nifti_come_where_they_are_asked_for(tmp_path, data, results):
    files = EstimatedSeriesFiles(str(tmp_path / "back"), overview="true", nifti="true")(data, results)
    others = {Path(file).name.removeprefix(data["patient"]): file for file in files if not file.endswith(".dcm")}
    assert set(others) == {"_decomposed_overview.png", "_t1gd_decomposed.nii.gz", "_flair_decomposed.nii.gz"}
    image = nib.load(others["_t1gd_decomposed.nii.gz"])
    assert image.get_data_dtype() == np.int16
    assert b"ESTIMATED t1gd" in image.header["descrip"].item()


def test_a_folder_with_another_fusion_is_left_alone(tmp_path, data, results):
    folder = tmp_path / "back" / data["patient"]
    folder.mkdir(parents=True)
    other = json.loads((tmp_path / "x_fused.json").read_text())
    del other["FusedSHA256"]
    text = json.dumps({**other, "FusionID": "ba9876543210"})
    (folder / f"{data['patient']}_fused.json").write_text(text)
    with pytest.raises(BadInputError, match="another fused image"):
        EstimatedSeriesFiles(str(tmp_path / "back"), overview=False)(data, results)
    assert len(list(folder.iterdir())) == 1


def test_an_unknown_compression_is_refused_at_once(tmp_path):
    with pytest.raises(BadInputError, match="compression"):
        EstimatedSeriesFiles(str(tmp_path), compression="zip")
