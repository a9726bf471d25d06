"""From a DICOM study to derived series, and from the stored series alone back to estimates of the sources."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow

from scripts.command_line.plain_errors import plain_cause
from scripts.losses.ssim import SSIM
from scripts.outputs.sidecar import read_sidecar
from scripts.transforms.normalize import normalize_slices

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from phantom_studies.example import middle_of_sources  # noqa: E402
from phantom_studies.study import write_study  # noqa: E402
from scripts.dicom.scan import scan_folder  # noqa: E402
from scripts.dicom.stored import patient_of_study  # noqa: E402
from scripts.dicom.volume import read_series  # noqa: E402

BUNDLE = Path(__file__).resolve().parent.parent / "bundle"
WEIGHTS = BUNDLE / "models" / "model.pt"
NAME, ID, BIRTH = "Musterfrau^Erika", "H.4711-X", "19631224"
SIZE = (80, 72, 6)
QUICK = {"skull_stripping": "false", "register": "never", "report": "false", "overview": "false", "device": "cpu"}

pytestmark = pytest.mark.skipif(not WEIGHTS.is_file(), reason="no weights are shipped with this copy")


def run(configs: list[str], **overrides: object) -> None:
    """Do in this process what the command does."""
    files = [str(BUNDLE / "configs" / f"{config}.json") for config in configs]
    settings = {key: str(value) if isinstance(value, Path) else value for key, value in overrides.items()}
    workflow = ConfigWorkflow(files, workflow_type="infer", logging_file=False, **settings)
    workflow.initialize()
    workflow.run()


def fuse(**overrides: object) -> None:
    run(["inference", "study"], **{**QUICK, **overrides})


def decompose(**overrides: object) -> None:
    run(["decompose", "decompose_series"], **{"overview": "false", "device": "cpu", **overrides})


@pytest.fixture(autouse=True)
def _plain_process(monkeypatch):
    """Keep this process's own way of telling errors."""
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")


@pytest.fixture
def refused() -> Callable[..., str]:
    """Return a function that runs a command and returns the message that it ends with."""

    def refuse(command: Callable[..., None], **overrides: object) -> str:
        with pytest.raises(Exception) as raised:
            command(**overrides)
        cause = plain_cause(raised.value)
        assert cause is not None, raised.getrepr()
        return str(cause)

    return refuse


@pytest.fixture(scope="session")
def volumes() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Slices of the embedded example with their affine."""
    return middle_of_sources(SIZE)


@pytest.fixture(scope="session")
def study(tmp_path_factory, volumes) -> Path:
    """Folder of a study of a patient with a name, which also stands in the folder's files."""
    folder = tmp_path_factory.mktemp("in")
    write_study(folder, volumes, patient_id=ID, patient_name=NAME)
    for file in sorted(folder.rglob("*.dcm")):
        image = pydicom.dcmread(file)
        image.PatientBirthDate, image.ReferringPhysicianName = BIRTH, "Quacksalber^Q"
        image.save_as(file)
        file.rename(file.with_name(f"Musterfrau_{file.name}"))
    return folder


@pytest.fixture(scope="session")
def log(tmp_path_factory) -> Path:
    """File of everything that is logged from now on."""
    path = tmp_path_factory.mktemp("log") / "all.log"
    handler = logging.FileHandler(path)
    logging.getLogger().addHandler(handler)
    yield path
    logging.getLogger().removeHandler(handler)


@pytest.fixture(scope="session")
def fused(tmp_path_factory, study, log) -> Path:
    """Folder of the results, with everything that can be written."""
    folder = tmp_path_factory.mktemp("out")
    fuse(dataset_dir=study, output_dir=folder, nifti="true", overview="true", report="true")
    (patient,) = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return patient


def series_in(folder: Path) -> dict[str, np.ndarray]:
    """Volume [X, Y, Z] of each series below a folder, by the name of its own folder."""
    return {one.files[0].parent.name: np.asarray(read_series(one).volume) for one in scan_folder(folder).series}


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Mean SSIM of the slices, each in the source's range of the slice."""
    both = torch.from_numpy(np.stack([one, other]))
    low = both[:1].amin(dim=(1, 2), keepdim=True)
    normal = (both - low) / (both[:1].amax(dim=(1, 2), keepdim=True) - low)
    pages = normal.movedim(3, 0)
    return float(SSIM()(pages[:, :1], pages[:, 1:]).mean())


def checksums(folder: Path) -> dict[str, str]:
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.rglob("*") if file.is_file()}


def test_a_study_gives_three_series_a_sidecar_and_pictures(fused, study):
    names = sorted(path.name for path in fused.iterdir())
    patient = fused.name
    assert names == sorted(
        ["flair_estimated", "fused", "t1gd_estimated", f"{patient}_fused.json", f"{patient}_overview.png",
         f"{patient}_report.html", f"{patient}_fused.nii.gz", f"{patient}_t1gd_decomposed.nii.gz",
         f"{patient}_flair_decomposed.nii.gz"]
    )  # fmt: skip
    uids = {one.study_uid for one in scan_folder(study).series}
    derived = scan_folder(fused).series
    assert len(derived) == 3
    assert {one.study_uid for one in derived} == uids
    assert patient == patient_of_study(uids.pop())


def test_the_stored_fused_series_alone_gives_the_sources_back(fused, volumes, tmp_path):
    shutil.copytree(fused / "fused", tmp_path / "archive")
    decompose(dataset_dir=tmp_path / "archive", output_dir=tmp_path / "back")
    there, back = series_in(fused), series_in(tmp_path / "back")
    assert set(back) == {"t1gd_estimated", "flair_estimated"}
    for source, at_least in (("t1gd", 0.94), ("flair", 0.94)):
        estimate = back[f"{source}_estimated"]
        assert np.array_equal(estimate, there[f"{source}_estimated"])
        assert ssim(volumes[source][0], estimate) >= at_least


def test_the_fused_image_is_like_both_sources(fused, volumes):
    image = series_in(fused)["fused"] / 1000
    normal, _ = normalize_slices(torch.from_numpy(np.stack([volume for volume, _ in volumes.values()])), 2)
    sources = normal.numpy()
    fused_like, mean_like = (np.array([ssim(source, one) for source in sources]) for one in (image, sources.mean(0)))
    assert (fused_like >= 0.7).all(), fused_like
    assert fused_like.mean() >= mean_like.mean() - 0.02, (fused_like, mean_like)


def test_the_scores_of_the_record_are_those_of_the_stored_series(fused, volumes):
    sidecar = read_sidecar(fused / f"{fused.name}_fused.json")
    for source in ("t1gd", "flair"):
        said = sidecar["SSIM"]["decomposed"][source]
        assert ssim(volumes[source][0], series_in(fused)[f"{source}_estimated"]) == pytest.approx(said, abs=0.002)


def test_nothing_but_dicom_names_the_patient(fused, log):
    secrets = [b"musterfrau", b"erika", ID.lower().encode(), BIRTH.encode(), b"quacksalber"]
    others = [file for file in fused.parent.rglob("*") if file.is_file() and file.suffix != ".dcm"]
    assert len(others) >= 6
    texts = {str(file.relative_to(fused.parent)): file.read_bytes() for file in (*others,)}
    texts |= {
        f"{name}, unpacked": nib.load(fused.parent / name).to_bytes() for name in texts if name.endswith(".nii.gz")
    }
    texts["log"] = log.read_bytes()
    texts["names"] = "\n".join(str(file.relative_to(fused.parent)) for file in fused.parent.rglob("*")).encode()
    found = {name: secret for name, text in texts.items() for secret in secrets if secret in text.lower()}
    assert found == {}
    private = [pydicom.dcmread(file).private_block(0x0071, "FUSIONINN")[0x03].value for file in fused.rglob("*.dcm")]
    assert not any(secret.decode() in text.lower() for text in private for secret in secrets)


def test_the_series_themselves_are_the_patient_s(fused):
    for file in fused.rglob("*.dcm"):
        image = pydicom.dcmread(file, stop_before_pixels=True)
        assert (str(image.PatientName), image.PatientID, image.PatientBirthDate) == (NAME, ID, BIRTH)


def test_results_beside_their_sources_are_not_taken_for_sources(fused, study, tmp_path):
    before = checksums(study)
    shutil.copytree(study, tmp_path / "all" / "in")
    shutil.copytree(fused, tmp_path / "all" / "out")
    fuse(dataset_dir=tmp_path / "all", output_dir=tmp_path / "again")
    again = series_in(tmp_path / "again")
    assert np.array_equal(again["fused"], series_in(fused)["fused"])
    assert checksums(study) == before


def test_the_patient_s_number_names_the_folder_where_that_is_asked_for(study, tmp_path):
    fuse(dataset_dir=study, output_dir=tmp_path, patient_names="id", t1gd=9, flair="*tirm*")
    (folder,) = (path for path in tmp_path.iterdir() if not path.name.startswith("."))
    assert "4711" in folder.name
    block = pydicom.dcmread(next(folder.rglob("*.dcm"))).private_block(0x0071, "FUSIONINN")[0x03].value
    assert "4711" not in block


def test_compressed_series_decompose_bit_by_bit_the_same(study, fused, tmp_path):
    fuse(dataset_dir=study, output_dir=tmp_path / "small", compression="jpeg2000")
    decompose(dataset_dir=tmp_path / "small", output_dir=tmp_path / "back", compression="jpeg2000")
    back = series_in(tmp_path / "back")
    for name in ("t1gd_estimated", "flair_estimated"):
        assert np.array_equal(back[name], series_in(fused)[name])


def test_a_resumed_run_leaves_finished_studies_alone(study, volumes, tmp_path, refused):
    shutil.copytree(study, tmp_path / "in" / "a")
    write_study(tmp_path / "in" / "b", {"t1gd": volumes["t1gd"]}, sources=["t1gd"], patient_id="B", localizer=False)
    again = {"dataset_dir": tmp_path / "in", "output_dir": tmp_path / "out"}
    assert "1 of 2 patients" in refused(fuse, **again)
    first = checksums(tmp_path / "out")
    assert any(name.endswith(".dcm") for name in first)
    refused(fuse, **again, resume="true")
    assert checksums(tmp_path / "out") == first
    changed = next((tmp_path / "in" / "a" / "06_flair").iterdir())
    changed.touch()
    refused(fuse, **again, resume="true")
    assert checksums(tmp_path / "out") != first


def test_without_private_elements_the_sidecar_beside_is_enough(fused, tmp_path, refused):
    shutil.copytree(fused / "fused", tmp_path / "stripped")
    for file in (tmp_path / "stripped").iterdir():
        image = pydicom.dcmread(file)
        image.remove_private_tags()
        image.save_as(file)
    settings = {"dataset_dir": tmp_path / "stripped", "output_dir": tmp_path / "back"}
    assert "--sidecar" in refused(decompose, **settings)
    decompose(**settings, sidecar=fused / f"{fused.name}_fused.json")
    assert np.array_equal(series_in(tmp_path / "back")["flair_estimated"], series_in(fused)["flair_estimated"])


def test_a_record_whose_source_is_a_path_writes_nothing_anywhere(fused, tmp_path, refused):
    archive = shutil.copytree(fused / "fused", tmp_path / "archive")
    for file in archive.iterdir():
        image = pydicom.dcmread(file)
        block = image.private_block(0x0071, "FUSIONINN")
        block[0x03].value = block[0x03].value.replace('"t1gd"', '"../../x"')
        del block[0x04]  # the checksum, which version 0.4.0 did not write
        image.save_as(file)
    before = checksums(tmp_path)
    assert "\"SourceModalities[0]\" is '../../x'" in refused(
        decompose, dataset_dir=archive, output_dir=tmp_path / "a" / "b" / "back", nifti="true", overview="true"
    )
    assert checksums(tmp_path) == before


def test_other_weights_are_refused(fused, tmp_path, refused):
    weights = torch.load(WEIGHTS, weights_only=True)
    name = next(key for key, value in weights.items() if "conv" in key and value.is_floating_point())
    weights[name] = weights[name] * 1.01
    torch.save(weights, tmp_path / "other.pt")
    message = refused(
        decompose, dataset_dir=fused / "fused", output_dir=tmp_path / "back", ckpt_path=tmp_path / "other.pt"
    )
    assert "other weights" in message
    assert not list((tmp_path / "back").rglob("*.dcm"))


def test_what_dicom_cannot_hold_is_refused(study, fused, tmp_path, refused):
    for settings in ({"lossless": "true"}, {"fused_dtype": "uint8"}):
        assert "16 bits" in refused(fuse, dataset_dir=study, output_dir=tmp_path, **settings)
    assert "--lossless" in refused(decompose, dataset_dir=fused, output_dir=tmp_path, lossless="true")


def test_the_nifti_files_decompose_like_those_of_inference(fused, tmp_path):
    run(["decompose"], dataset_dir=fused, output_dir=tmp_path, overview="false", device="cpu")
    image = nib.load(tmp_path / fused.name / f"{fused.name}_t1gd_decomposed.nii.gz")
    assert image.get_data_dtype() == np.int16
    assert np.array_equal(np.asarray(image.dataobj), series_in(fused)["t1gd_estimated"])


def test_the_record_says_how_the_sources_came_together(fused):
    sidecar = json.loads((fused / f"{fused.name}_fused.json").read_text())
    assert sidecar["Reference"] == "t1gd"
    assert sidecar["Sources"] == ["DICOM series 9", "DICOM series 6"]
    assert sidecar["Registration"]["flair"]["applied"] is False
    assert sidecar["SourceSeries"]["flair"]["Signed"] is True


def test_a_report_made_later_finds_the_study_that_was_fused(fused, study, tmp_path):
    """The sources are DICOM: they are found by the study and put where they lay when they were fused."""
    from scripts.report.results import ReadResults, find_results

    (record,) = find_results(str(fused), str(study))
    report = ReadResults()(record)["report"]
    assert set(report.volumes) == {"t1gd", "flair"}
    for source, volume in report.volumes.items():
        assert np.corrcoef(volume.ravel(), report.decomposed[source].ravel())[0, 1] > 0.97
    run(["report"], dataset_dir=fused, sources_dir=study, output_dir=tmp_path)
    assert (tmp_path / f"{fused.name}_report.html").stat().st_size > 2_000_000
