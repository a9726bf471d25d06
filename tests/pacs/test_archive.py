"""What every way to a PACS must do, with a real one."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import numpy as np
import pytest

from scripts.data.errors import BadInputError
from scripts.pacs.errors import PacsError

pytest.importorskip("dicomweb_client", reason="no dicomweb_client: pip install -r requirements-clinic.txt")
pytest.importorskip("pynetdicom", reason="no pynetdicom: pip install -r requirements-clinic.txt")

from pydicom import dcmread
from pydicom.uid import JPEG2000Lossless, MRSpectroscopyStorage, RLELossless, generate_uid

from scripts.pacs.archive import FoundStudy
from segmentations import write_segmentation

ALL = {"study-001"}


def pixels(folder):
    return {i.SOPInstanceUID: i.pixel_array for i in map(dcmread, Path(folder).rglob("*.dcm"))}


def digests(folder):
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in Path(folder).rglob("*") if path.is_file()}


class TestFinding:
    def test_finds_a_study_by_what_is_known_of_it(self, archive, study):
        for query in (
            {"patient_id": "Secret-0815"},
            {"patient_id": "Secret-0815", "accession": "A0815"},
            {"patient_id": "Secret-0815", "study_date": "20240102"},
            {"patient_id": "Secret-0815", "study_date": "20240101-20240131"},
        ):
            (found,) = archive.find_studies(**query)
            assert found.uid == study[0] and found.modalities == ("MR",)

    def test_finds_it_by_its_uid_and_counts(self, archive, study):
        (found,) = archive.find_studies(study_uid=study[0])
        assert isinstance(found, FoundStudy) and found.series >= 3 and found.instances >= 13
        assert "Secret" not in str(found)

    def test_finds_nothing_where_a_key_differs(self, archive, study):
        for query in (
            {"study_uid": "1.2.3"},
            {"patient_id": "secret-0815"},
            {"patient_id": "Secret-0815", "study_date": "20250101"},
            {"patient_id": "Secret-0815", "accession": "B1"},
        ):
            assert archive.find_studies(**query) == []


class TestFetching:
    def test_brings_every_series_voxel_by_voxel(self, archive, write_small_study, tmp_path):
        uid = write_small_study(tmp_path / "sent", f"Fetched-{generate_uid()[-12:]}")
        archive.send(tmp_path / "sent", new_study=True)
        before = digests(tmp_path / "sent")
        folder = archive.fetch_study(uid, tmp_path / "fetched")
        assert folder == tmp_path / "fetched" / "study-001"
        assert sorted(path.name for path in folder.iterdir()) == ["series-001", "series-002", "series-003"]
        sent, fetched = pixels(tmp_path / "sent"), pixels(folder)
        assert sent.keys() == fetched.keys() and len(sent) == 13
        assert all(np.array_equal(sent[key], fetched[key]) for key in sent)
        assert digests(tmp_path / "sent") == before
        assert {path.name for path in (tmp_path / "fetched").iterdir()} == ALL

    @pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
    def test_brings_segmentations_where_they_are_asked_for(self, orthanc, way, write_small_study, tmp_path, kind):
        if kind == "LABELMAP" and way != "dicomweb":
            pytest.skip("Orthanc takes label maps by DICOMweb only")
        uid = write_small_study(tmp_path / "sent", f"Segmented-{generate_uid()[-12:]}")
        series = sorted((tmp_path / "sent" / "09_t1gd").iterdir())
        mask = {"Edema": np.indices((32, 36, 5))[0] > 12}
        seg = write_segmentation(tmp_path / "sent" / "seg" / "0001.dcm", series, mask, kind=kind)
        orthanc.connect(way).send(tmp_path / "sent", new_study=True)
        folder = orthanc.connect(way, modalities=["MR", "SEG"]).fetch_study(uid, tmp_path / "fetched")
        (found,) = (path for path in folder.rglob("*.dcm") if dcmread(path).Modality == "SEG")
        assert np.array_equal(dcmread(found).pixel_array, dcmread(seg).pixel_array)
        assert len(list(folder.rglob("*.dcm"))) == 14
        images = orthanc.connect(way).fetch_study(uid, tmp_path / "images")
        assert len(list(images.rglob("*.dcm"))) == 13

    def test_a_segmentation_that_does_not_arrive_stops_nothing(
        self, orthanc, way, write_small_study, tmp_path, monkeypatch, caplog
    ):
        uid = write_small_study(tmp_path / "sent", f"Segmented-{generate_uid()[-12:]}")
        series = sorted((tmp_path / "sent" / "09_t1gd").iterdir())
        write_segmentation(tmp_path / "sent" / "seg" / "0001.dcm", series, {"Edema": np.ones((32, 36, 5))})
        archive = orthanc.connect(way, modalities=["MR", "SEG"], attempts=1)
        archive.send(tmp_path / "sent", new_study=True)
        outline = dcmread(tmp_path / "sent" / "seg" / "0001.dcm").SeriesInstanceUID
        listed = archive._images
        one_more = {outline: {"1.2.3"}}  # than the archive has
        monkeypatch.setattr(archive, "_images", lambda study, one: listed(study, one) | one_more.get(one, set()))
        folder = archive.fetch_study(uid, tmp_path / "fetched")
        assert len(list(folder.rglob("*.dcm"))) == 13
        assert "A segmentation was not fetched and will not be outlined" in caplog.text

    def test_segmentations_alone_are_no_study(self, orthanc, way, study, tmp_path):
        with pytest.raises(PacsError, match="the study holds no CT series, only MR"):
            orthanc.connect(way, modalities=["CT", "SEG"]).fetch_study(study[0], tmp_path)

    @pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
    def test_brings_compressed_series_as_they_are(self, archive, write_small_study, tmp_path, syntax):
        uid = write_small_study(tmp_path / "sent", f"{syntax.name[:6]}{generate_uid()[-9:]}", transfer_syntax=syntax)
        archive.send(tmp_path / "sent", new_study=True)
        folder = archive.fetch_study(uid, tmp_path / "fetched")
        kept = {dcmread(path).file_meta.TransferSyntaxUID for path in folder.rglob("*.dcm")}
        assert syntax in kept
        sent, fetched = pixels(tmp_path / "sent"), pixels(folder)
        assert sent.keys() == fetched.keys()
        assert all(np.array_equal(sent[key], fetched[key]) for key in sent)

    def test_brings_enhanced_multi_frame_series(self, archive, write_small_study, tmp_path):
        uid = write_small_study(tmp_path / "sent", f"Enh-{generate_uid()[-9:]}", enhanced=True, localizer=False)
        archive.send(tmp_path / "sent", new_study=True)
        assert len(pixels(archive.fetch_study(uid, tmp_path / "fetched"))) == 2

    def test_a_study_that_is_not_there_leaves_nothing(self, archive, tmp_path):
        with pytest.raises(PacsError, match="holds no MR series, only no series at all"):
            archive.fetch_study("1.2.3", tmp_path / "fetched")
        assert not list(tmp_path.rglob("*.dcm"))

    def test_a_study_of_other_modalities_is_told(self, orthanc, way, study, tmp_path):
        with pytest.raises(PacsError, match="holds no CT/PT series, only MR"):
            orthanc.connect(way, modalities=["CT", "PT"]).fetch_study(study[0], tmp_path)

    def test_spectra_of_the_same_modality_stay_where_they_are(self, archive, write_small_study, tmp_path):
        uid = write_small_study(tmp_path / "sent", f"Spec-{generate_uid()[-9:]}", localizer=False)
        file = tmp_path / "spectrum.dcm"
        spectrum = dcmread(next((tmp_path / "sent" / "06_flair").iterdir()))
        spectrum.SeriesInstanceUID = generate_uid()
        spectrum.SOPInstanceUID = spectrum.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        del spectrum.PixelData
        spectrum.SOPClassUID = spectrum.file_meta.MediaStorageSOPClassUID = MRSpectroscopyStorage
        spectrum.save_as(file)
        archive.send(tmp_path / "sent", new_study=True)
        archive.store([file])
        assert len(pixels(archive.fetch_study(uid, tmp_path / "fetched"))) == 10

    def test_a_second_study_does_not_disturb_the_first(self, archive, study, tmp_path):
        names = [archive.fetch_study(study[0], tmp_path).name for _ in range(2)]
        assert names == ["study-001", "study-002"]

    def test_a_folder_that_cannot_be_written_is_told(self, archive, study, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(BadInputError, match="cannot be written"):
            archive.fetch_study(study[0], tmp_path / "file")

    def test_a_full_disk_is_told_and_leaves_nothing(self, archive, study, tmp_path):
        resource = pytest.importorskip("resource", reason="no limit of file sizes on this system")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            with pytest.raises(BadInputError, match="cannot be written .*with space left"):
                archive.fetch_study(study[0], tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert list(tmp_path.iterdir()) == []

    def test_nothing_of_the_patient_is_logged(self, archive, study, tmp_path, caplog):
        with caplog.at_level(logging.INFO):
            archive.find_studies(patient_id="Secret-0815")
            archive.fetch_study(study[0], tmp_path)
        assert "Secret" not in caplog.text and "A0815" not in caplog.text and study[0] not in caplog.text


class TestSending:
    def test_a_derived_series_is_found_in_the_study(self, archive, study, derive, tmp_path):
        series = derive(study[1] / "09_t1gd", tmp_path / "derived")
        before = digests(tmp_path)
        assert archive.send(tmp_path / "derived") == 5
        assert digests(tmp_path) == before
        folder = archive.fetch_study(study[0], tmp_path / "fetched")
        back = [i for i in map(dcmread, folder.rglob("*.dcm")) if i.SeriesInstanceUID == series]
        assert len(back) == 5 and all(list(i.ImageType) == ["DERIVED", "SECONDARY"] for i in back)

    def test_sending_again_changes_nothing(self, archive, study, derive, tmp_path):
        derive(study[1] / "09_t1gd", tmp_path / "derived")
        archive.send(tmp_path / "derived")
        (before,) = archive.find_studies(study_uid=study[0])
        archive.send(tmp_path / "derived")
        assert archive.find_studies(study_uid=study[0]) == [before]

    def test_all_studies_below_a_folder_are_sent(self, archive, study, derive, tmp_path, caplog):
        derive(study[1] / "09_t1gd", tmp_path / "a" / "fused")
        derive(study[1] / "06_flair", tmp_path / "a" / "estimated")
        with caplog.at_level(logging.INFO):
            assert archive.send_all(tmp_path) == 10
        assert "10 instances of 1 study(s) sent" in caplog.text

    def test_a_study_that_the_archive_does_not_know_is_not_made(self, archive, write_small_study, tmp_path):
        uid = write_small_study(tmp_path, f"Unknown-{generate_uid()[-9:]}")
        with pytest.raises(BadInputError, match="has no study"):
            archive.send(tmp_path)
        assert archive.find_studies(study_uid=uid) == []

    def test_nothing_is_sent_when_one_file_is_not_dicom(self, archive, study, derive, tmp_path):
        derive(study[1] / "09_t1gd", tmp_path / "derived")
        (before,) = archive.find_studies(study_uid=study[0])
        (tmp_path / "derived" / "z.dcm").write_bytes(b"no DICOM")
        with pytest.raises(BadInputError, match=r"z\.dcm cannot be sent"):
            archive.send(tmp_path / "derived")
        assert archive.find_studies(study_uid=study[0]) == [before]

    def test_two_studies_at_once_are_refused(self, archive, study, write_small_study, tmp_path):
        write_small_study(tmp_path, "Other-1")
        with pytest.raises(BadInputError, match="series of 2 studies"):
            archive.send([*tmp_path.rglob("*.dcm"), *study[1].rglob("*.dcm")])

    def test_an_empty_folder_is_refused(self, archive, tmp_path):
        with pytest.raises(BadInputError, match="nothing to send"):
            archive.send(tmp_path)
        with pytest.raises(BadInputError, match="holds no DICOM file"):
            archive.send_all(tmp_path)
