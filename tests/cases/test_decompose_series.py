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
from scripts.cases.case import DecomposedCase  # noqa: E402
from scripts.cases.folders import DecomposedFolder  # noqa: E402
from scripts.cases.overview import Overview  # noqa: E402
from scripts.cases.series_files import EstimatedSeries  # noqa: E402
from scripts.cases.volume_files import EstimatedVolumes  # noqa: E402
from scripts.dicom.derived import fused_values, slice_digests, write_derived  # noqa: E402
from scripts.dicom.scan import scan_folder  # noqa: E402
from scripts.dicom.series_record import DIGESTS  # noqa: E402
from scripts.dicom.source_pixels import describe_source  # noqa: E402
from scripts.dicom.stored import read_fused_series  # noqa: E402
from scripts.dicom.volume import read_series  # noqa: E402
from scripts.outputs.identity import identity_keys  # noqa: E402
from scripts.transforms.normalize import normalize_slices  # noqa: E402
from sidecars import write_sidecar  # noqa: E402


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
def case(data):
    """Estimates that count up, as if the network had made them."""
    return DecomposedCase(
        patient=data["patient"],
        sources=("t1gd", "flair"),
        fused=data["image"],
        decomposed=torch.arange(2 * 16 * 14 * 4).reshape(2, 16, 14, 4) % 700 + 0.4,
        scale={"mode": "volume", "slice_axis": 2, "offset": [[0.0], [0.0]], "factor": [[1.0], [1.0]]},
        affine=data["affine"],
        series=data["series"],
        record=data["sidecar"],
        file=data["fused"],
    )


def write(folder, case, *others):
    return DecomposedFolder(str(folder), [EstimatedSeries(), *others])(case)


def test_each_source_gets_a_series_of_whole_numbers_of_its_own(tmp_path, case):
    files = write(tmp_path / "back", case)
    assert {Path(file).parent.name for file in files} == {"t1gd_estimated", "flair_estimated"}
    read = {series.files[0].parent.name: read_series(series) for series in scan_folder(tmp_path / "back").series}
    estimate = np.asarray(read["flair_estimated"].volume)
    assert np.array_equal(estimate, np.rint(case.decomposed[1].numpy()))
    assert np.allclose(np.asarray(read["flair_estimated"].volume.affine), case.affine, atol=1e-4)


def test_picture_and_nifti_come_where_they_are_asked_for(tmp_path, case):
    files = write(tmp_path / "back", case, EstimatedVolumes(), Overview())
    others = {Path(file).name.removeprefix(case.patient): file for file in files if not file.endswith(".dcm")}
    assert set(others) == {"_decomposed_overview.png", "_t1gd_decomposed.nii.gz", "_flair_decomposed.nii.gz"}
    image = nib.load(others["_t1gd_decomposed.nii.gz"])
    assert image.get_data_dtype() == np.int16
    assert b"ESTIMATED t1gd" in image.header["descrip"].item()


def test_the_expected_errors_are_series_next_to_the_estimates_and_go_with_them(tmp_path, case):
    write(tmp_path / "back", case.with_map("uncertainty", case.decomposed / 10))
    folder = tmp_path / "back" / case.patient
    estimates = {"t1gd_estimated", "flair_estimated"}
    assert {path.name for path in folder.iterdir()} == {*estimates, "t1gd_uncertainty", "flair_uncertainty"}
    (series,) = scan_folder(folder / "flair_uncertainty").series
    read = np.asarray(read_series(series).volume)
    assert np.abs(read - case.decomposed[1].numpy() / 10).max() < 1e-3
    write(tmp_path / "back", case)
    assert {path.name for path in folder.iterdir()} == estimates


def test_a_folder_with_another_fusion_is_left_alone(tmp_path, case):
    folder = tmp_path / "back" / case.patient
    folder.mkdir(parents=True)
    other = json.loads((tmp_path / "x_fused.json").read_text())
    del other["FusedSHA256"]
    text = json.dumps({**other, "FusionID": "ba9876543210"})
    (folder / f"{case.patient}_fused.json").write_text(text)
    with pytest.raises(BadInputError, match="another fused image"):
        write(tmp_path / "back", case)
    assert len(list(folder.iterdir())) == 1


def test_an_unknown_compression_is_refused_at_once():
    with pytest.raises(BadInputError, match="compression"):
        EstimatedSeries(compression="zip")
