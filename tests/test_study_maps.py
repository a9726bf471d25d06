"""Studies with a segmentation and with maps: from the command to the files, the record and the report."""

from __future__ import annotations

import json
import logging
import re
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from monai.bundle import ConfigWorkflow

from scripts.command_line.plain_errors import plain_cause

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from other_readers import READERS, dciodvfy_errors  # noqa: E402
from phantom_studies.example import middle  # noqa: E402
from phantom_studies.study import write_study  # noqa: E402
from scripts.dicom.scan import scan_folder  # noqa: E402
from scripts.dicom.volume import read_series  # noqa: E402
from scripts.report.results import ReadResults, find_results  # noqa: E402
from segmentations import CODES, write_segmentation  # noqa: E402

BUNDLE = Path(__file__).resolve().parent.parent / "bundle"
SIZE = (56, 52, 5)
QUICK = {"skull_stripping": "false", "register": "never", "overview": "false", "device": "cpu"}

pytestmark = pytest.mark.skipif(
    not (BUNDLE / "models" / "model.pt").is_file(), reason="no weights are shipped with this copy"
)


def run(*configs: str, **settings: object) -> None:
    """Do in this process what the command does."""
    files = [str(BUNDLE / "configs" / f"{config}.json") for config in configs]
    settings = {key: str(value) if isinstance(value, Path) else value for key, value in settings.items()}
    workflow = ConfigWorkflow(files, workflow_type="infer", logging_file=False, **settings)
    workflow.initialize()
    workflow.run()


def fuse(**settings: object) -> None:
    run("inference", "study", **{**QUICK, **settings})


@pytest.fixture(autouse=True)
def _plain_process(monkeypatch):
    """Keep this process's own way of telling errors."""
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")


@pytest.fixture(scope="module")
def lesion() -> np.ndarray:
    """The lesion of the phantom, [X, Y, Z]."""
    return cropped("seg")[0] > 0


def cropped(name: str) -> tuple[np.ndarray, np.ndarray]:
    # where the lesion is
    return middle(name, SIZE, moved=(-8, 0, 0))


@pytest.fixture(scope="module")
def study(tmp_path_factory, lesion) -> Path:
    """Folder of a study whose segmentation was drawn on FLAIR by somebody with a name."""
    folder = tmp_path_factory.mktemp("in")
    volumes = {"t1gd": cropped("t1ce"), "flair": cropped("flair")}
    written = write_study(folder, volumes, patient_name="Musterfrau^Erika", patient_id="H.4711-X", localizer=False)
    assert lesion.sum() > 100
    masks = {"Musterfrau Oedema": lesion, "Brain": volumes["flair"][0] > 0}
    codes = {"Musterfrau Oedema": CODES["Edema"]}
    write_segmentation(
        folder / "Musterfrau_seg.dcm", written["flair"], masks, codes=codes, content_creator_name="Quacksalber^Q"
    )
    return folder


@pytest.fixture(scope="module")
def fused(tmp_path_factory, study) -> Path:
    """Folder of the results, with maps and a report."""
    folder = tmp_path_factory.mktemp("out")
    handler = logging.FileHandler(folder / "all.log")
    logging.getLogger().addHandler(handler)
    fuse(dataset_dir=study, output_dir=folder, uncertainty="true", contribution="true")
    logging.getLogger("test").warning("drawn by Quacksalber in Musterfrau_seg.dcm")
    logging.getLogger().removeHandler(handler)
    (patient,) = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return patient


def test_maps_are_series_beside_the_estimates(fused):
    maps = {f"{source}_{kind}" for source in ("t1gd", "flair") for kind in ("uncertainty", "contribution")}
    estimates = {"t1gd_estimated", "flair_estimated"}
    assert {path.name for path in fused.iterdir() if path.is_dir()} == {"fused", *estimates, *maps}
    headers = [pydicom.dcmread(next((fused / name).iterdir())) for name in sorted({"fused", *estimates, *maps})]
    assert len({header.SeriesNumber for header in headers}) == len(headers) == 7
    assert len({header.FrameOfReferenceUID for header in headers}) == 1
    assert dciodvfy_errors([next((fused / name).iterdir()) for name in maps]) == set()


@pytest.mark.parametrize("reader", READERS)
def test_the_contributions_add_up_to_the_fused_series_in_other_programs(fused, tmp_path, reader):
    read = {
        name: READERS[reader](fused / name, tmp_path / name).get_fdata()
        for name in ("fused", "t1gd_contribution", "flair_contribution")
    }
    rest = read["fused"] - read["t1gd_contribution"] - read["flair_contribution"]
    inside = read["fused"] > 100
    # to first order only
    assert np.sqrt(np.mean(rest[inside] ** 2)) < 0.15 * read["fused"][inside].mean()


def test_the_stored_fused_series_alone_gives_the_same_expected_errors(fused, tmp_path):
    shutil.copytree(fused / "fused", tmp_path / "archive")
    run(
        "decompose", "decompose_series", dataset_dir=tmp_path / "archive", output_dir=tmp_path / "back",
        overview="false", device="cpu", uncertainty="true",
    )  # fmt: skip

    def errors(folder):
        found = scan_folder(folder).series
        return {
            one.files[0].parent.name: np.asarray(read_series(one).volume)
            for one in found
            if one.files[0].parent.name.endswith("_uncertainty")
        }

    there, back = errors(fused), errors(tmp_path / "back")
    assert set(there) == set(back) == {"t1gd_uncertainty", "flair_uncertainty"}
    for name, values in there.items():
        assert np.array_equal(values, back[name])
        nifti = next((tmp_path / "back").rglob(f"*_{name}.nii.gz"))
        assert np.abs(nib.load(nifti).get_fdata() - values).max() < 1e-4 * values.max()


def test_the_record_says_what_is_outlined_and_not_by_whom(fused, lesion):
    text = (fused / f"{fused.name}_fused.json").read_text()
    record = json.loads(text)
    (told,) = record["Segmentation"]["Segments"].values()
    assert (told["Name"], told["Number"], told["Voxels"]) == ("Edema", 1, lesion.sum())
    assert re.fullmatch(r"uid-[0-9a-f]{8}", told["Series"])
    assert record["UncertaintySeries"] == ["t1gd_uncertainty", "flair_uncertainty"]
    report = (fused / f"{fused.name}_report.html").read_text()
    log = (fused.parent / "all.log").read_text()
    assert "drawn by [hidden]" in log
    for secret in ("Musterfrau", "Erika", "Quacksalber", "H.4711"):
        assert secret not in text and secret not in report and secret not in log
    assert '"segments": [{"label": 1, "name": "Edema", "colour": "#ff5242"}]' in report


def test_a_report_made_later_outlines_the_same_segments(study, lesion, tmp_path):
    fuse(dataset_dir=study, output_dir=tmp_path, nifti="true")
    (fused,) = (path for path in tmp_path.iterdir() if not path.name.startswith("."))
    (record,) = find_results(str(fused), str(study))
    report = ReadResults()(record)["report"]
    assert np.array_equal(report.seg > 0, lesion)
    assert report.segments == {1: "Edema"}


def test_other_segments_are_outlined_if_the_segmentation_is_named(study, tmp_path):
    fuse(dataset_dir=study, output_dir=tmp_path, segmentation=20)
    record = json.loads(next(tmp_path.rglob("*_fused.json")).read_text())
    assert [told["Name"] for told in record["Segmentation"]["Segments"].values()] == ["Brain", "Edema"]


def test_a_segmentation_that_is_not_there_stops_the_study_and_writes_nothing(study, tmp_path):
    with pytest.raises(Exception) as raised:
        fuse(dataset_dir=study, output_dir=tmp_path / "out", segmentation="99")
    assert 'no segmentation (DICOM SEG) of the study is "99"' in str(plain_cause(raised.value))
    assert not list(tmp_path.rglob("*.dcm"))


def test_a_segmentation_of_another_space_is_told_in_record_and_report(study, tmp_path):
    shutil.copytree(study, tmp_path / "in")
    file = tmp_path / "in" / "Musterfrau_seg.dcm"
    dataset = pydicom.dcmread(file)
    dataset.FrameOfReferenceUID = "1.2.3.999"
    dataset.save_as(file)
    fuse(dataset_dir=tmp_path / "in", output_dir=tmp_path / "out")
    (folder,) = (path for path in (tmp_path / "out").iterdir() if not path.name.startswith("."))
    record = json.loads((folder / f"{folder.name}_fused.json").read_text())
    assert "Segmentation" not in record
    assert "its place is unknown" in record["Warnings"][0]
    assert "its place is unknown" in (folder / f"{folder.name}_report.html").read_text()
