"""The files of a fused study appear all at once, in the record's words."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from scripts.data.errors import BadInputError

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from monai.bundle import ConfigParser  # noqa: E402

from phantom_studies.study import write_study  # noqa: E402
from scripts.cases.case import FusedCase  # noqa: E402
from scripts.cases.folders import FusedFolder, Writer  # noqa: E402
from scripts.cases.series_files import DerivedSeries  # noqa: E402
from scripts.cases.study_inputs import named_series, with_files  # noqa: E402
from scripts.cases.study_record import StudyRecord  # noqa: E402
from scripts.cases.volume_files import EstimatedVolumes, FusedVolume, Sidecar  # noqa: E402
from scripts.dicom.scan import scan_folder  # noqa: E402
from scripts.dicom.volume import read_series  # noqa: E402
from scripts.transforms.normalize import normalize_slices  # noqa: E402

AFFINE = np.diag([-1.0, -1.0, 3.0, 1.0])


@pytest.fixture
def make_case(tmp_path):
    """Return a function that gives what stands before and after the network, with its mean in place of its result."""
    generator = np.random.default_rng(3)
    volumes = {source: generator.integers(1, 900, (16, 14, 4)).astype(np.float32) for source in ("t1gd", "flair")}
    write_study(
        tmp_path / "in",
        {source: (volume, AFFINE) for source, volume in volumes.items()},
        patient_name="Doe^Jane",
        patient_id="4711",
        localizer=False,
    )
    series = {read.series.facts.number: read for read in map(read_series, scan_folder(tmp_path / "in").series)}
    series = {"t1gd": series[9], "flair": series[6]}

    def make():
        image, scale = normalize_slices(torch.stack([read.volume.as_tensor() for read in series.values()]), 2)
        return FusedCase(
            patient="study-1",
            sources=("t1gd", "flair"),
            fused=image.mean(0, keepdim=True),
            decomposed=image.clone(),
            scale=scale,
            affine=np.asarray(series["t1gd"].volume.affine),
            series=series,
            image=image,
            files={source: str(read.series.files[0]) for source, read in series.items()},
            ssim={of: np.full((4, 2), 0.9) for of in ("fused", "decomposed")},
            dtype="uint16",
            latent_kind="zeros",
            checkpoint="0" * 64,
            notes={"warnings": ["t1gd: Doe_1.dcm is a copy"], "registration": {"flair": {"applied": False}}},
        )

    return make


def write(folder: Path, case: FusedCase, *others: Writer) -> list[str]:
    return FusedFolder(str(folder), [Sidecar(), DerivedSeries(), *others], StudyRecord())(case)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_series_sidecar_and_nothing_else_where_nothing_else_is_asked_for(tmp_path, make_case):
    files = write(tmp_path / "out", make_case())
    assert names(tmp_path / "out" / "study-1") == {"fused", "t1gd_estimated", "flair_estimated", "study-1_fused.json"}
    assert len(files) == 3 * 4 + 1
    assert all(Path(file).is_file() for file in files)


def test_the_record_hides_who_it_is(tmp_path, make_case):
    write(tmp_path / "out", make_case())
    record = json.loads((tmp_path / "out" / "study-1" / "study-1_fused.json").read_text())
    assert record["Warnings"] == ["t1gd: [hidden]_1.dcm is a copy"]
    assert record["Registration"] == {"flair": {"applied": False}}
    assert record["Sources"] == ["DICOM series 9", "DICOM series 6"]
    assert record["SSIM"]["fused"] == {"t1gd": 0.9, "flair": 0.9}


def test_what_an_earlier_run_wrote_does_not_stay_beside(tmp_path, make_case):
    write(tmp_path / "out", make_case(), FusedVolume(), EstimatedVolumes())
    assert len(list((tmp_path / "out").rglob("*.nii.gz"))) == 3
    write(tmp_path / "out", make_case())
    assert not list((tmp_path / "out").rglob("*.nii.gz"))


def with_maps(case: FusedCase) -> FusedCase:
    """Return the case with maps that a network could have made."""
    return case.with_map("uncertainty", case.image * 7).with_map("contribution", case.image / 2 - 0.1)


def test_each_map_of_each_source_is_a_series_of_the_study(tmp_path, make_case):
    case = with_maps(make_case())
    write(tmp_path / "out", case)
    folder = tmp_path / "out" / "study-1"
    maps = {f"{source}_{kind}" for source in ("t1gd", "flair") for kind in ("uncertainty", "contribution")}
    assert names(folder) == {"fused", "t1gd_estimated", "flair_estimated", "study-1_fused.json", *maps}
    record = json.loads((folder / "study-1_fused.json").read_text())
    assert record["UncertaintySeries"] == ["t1gd_uncertainty", "flair_uncertainty"]
    assert "may be negative" in record["Contribution"]
    read = {one.files[0].parent.name: read_series(one) for one in scan_folder(folder).series}
    volume = np.asarray(read["flair_contribution"].volume)
    assert np.abs(volume - 1000 * (case.image[1].numpy() / 2 - 0.1)).max() < 0.02
    assert np.abs(np.asarray(read["t1gd_uncertainty"].volume) - 7 * case.image[0].numpy()).max() < 1e-4
    # the expected error is computed from the fused image, a contribution from the sources
    of_series = {name: len(one.headers[0].ReferencedSeriesSequence) for name, one in read.items()}
    assert (of_series["t1gd_uncertainty"], of_series["t1gd_contribution"]) == (1, 3)


def test_a_map_of_another_kind_has_no_series(tmp_path, make_case):
    case = make_case()
    write(tmp_path / "out", case.with_map("edges", case.image))
    assert not [name for name in names(tmp_path / "out" / "study-1") if "edges" in name]


def test_maps_of_an_earlier_run_do_not_stay_beside_another_fused_series(tmp_path, make_case):
    write(tmp_path / "out", with_maps(make_case()))
    folder = tmp_path / "out" / "study-1"
    (folder / "my_uncertainty").mkdir()
    (folder / "my_uncertainty" / "notes.txt").write_text("of somebody else")
    write(tmp_path / "out", make_case())
    assert names(folder) == {"fused", "t1gd_estimated", "flair_estimated", "study-1_fused.json", "my_uncertainty"}


def test_a_full_disk_leaves_the_earlier_results(tmp_path, make_case):
    first = {file: Path(file).read_bytes() for file in write(tmp_path / "out", make_case())}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
    try:
        with pytest.raises(BadInputError, match="nothing was written|cannot be written"):
            write(tmp_path / "out", make_case())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {str(file): file.read_bytes() for file in (tmp_path / "out").rglob("*") if file.is_file()} == first


def test_what_a_series_cannot_hold_is_refused_at_once():
    for settings in ({"lossless": True}, {"dtype": "float32"}):
        with pytest.raises(BadInputError, match="16 bits"):
            DerivedSeries(**settings)
    with pytest.raises(BadInputError, match="compression"):
        DerivedSeries(compression="jpeg")


def test_named_series_are_texts_and_only_those_that_are_named():
    assert named_series(t1gd=9, flair="*tirm*", t2=None, adc="") == {"t1gd": "9", "flair": "*tirm*"}


@pytest.mark.parametrize("selector", ["6:2", "6#2"])
def test_the_second_acquisition_of_a_series_is_named_through_a_config(selector):
    config = {"imports": ["$from scripts.cases.study_inputs import named_series"], "flair": selector}
    parser = ConfigParser({**config, "named": "$named_series(flair=@flair)"})
    assert parser.get_parsed_content("named") == {"flair": "6:2"}


def test_records_name_each_file_of_their_series(tmp_path):
    series = SimpleNamespace(files=(tmp_path / "b", tmp_path / "a"))
    outline = SimpleNamespace(files=(tmp_path / "seg",))
    records = [
        {"patient": "p", "series": {"t1gd": SimpleNamespace(series=series)}, "segmentations": [outline]},
        {"patient": "q", "problem": "no"},
    ]
    first, second = with_files(records)
    assert (first["t1gd 0"], first["t1gd 1"]) == (str(tmp_path / "a"), str(tmp_path / "b"))
    assert first["segmentation 0"] == str(tmp_path / "seg")
    assert second == records[1]
