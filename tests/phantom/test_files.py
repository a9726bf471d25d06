from __future__ import annotations

import gzip
import json

import nibabel as nib
import numpy as np
import pytest

from scripts.phantom.files import _replace_file, write_description, write_phantom
from scripts.phantom.tissues import FLAIR, TISSUES

KINDS = ("t1ce", "flair", "seg", "tissue")


class TestWritePhantom:
    @pytest.fixture
    def written(self, tmp_path, coarse_build):
        return write_phantom(tmp_path / "new" / "folder", "P1", 7)

    def test_files_are_named_as_in_brats_2018(self, written, tmp_path):
        folder = tmp_path / "new" / "folder" / "P1"
        assert [path.name for path in written] == [*(f"P1_{kind}.nii.gz" for kind in KINDS), "P1_tissue.json"]
        assert sorted(folder.iterdir()) == sorted(written)

    def test_volumes_are_those_of_the_phantom_of_the_seed(self, written, coarse_build):
        phantom = coarse_build(7)
        for path, volume in zip(written, (phantom.t1gd, phantom.flair, phantom.seg, phantom.tissue), strict=False):
            image = nib.load(path)
            assert np.array_equal(np.asarray(image.dataobj), volume)
            assert np.array_equal(image.affine, phantom.affine)

    def test_headers_say_int16_millimetres_and_digital_phantom(self, written):
        for path in written[:4]:
            header = nib.load(path).header
            assert header.get_data_dtype() == np.int16
            assert header.get_xyzt_units() == ("mm", "sec")
            assert header["descrip"].item() == b"digital phantom"
            assert (header["sform_code"], header["qform_code"]) == (1, 1)
            assert nib.aff2axcodes(header.get_best_affine()) == ("L", "P", "S")

    def test_the_same_phantom_has_the_same_bytes(self, written, tmp_path):
        again = write_phantom(tmp_path / "again", "P1", 7)
        assert [path.read_bytes() for path in again] == [path.read_bytes() for path in written]

    def test_volumes_carry_no_time_and_no_file_name(self, written):
        header = written[0].read_bytes()[:10]
        assert header[:2] == b"\x1f\x8b"
        assert header[3] == 0
        assert header[4:8] == bytes(4)

    def test_legend_names_every_tissue_with_its_relaxation(self, written):
        legend = json.loads(written[-1].read_text(encoding="utf-8"))
        assert legend["Labels"] == {"0": "background", **{str(t.label): name for name, t in TISSUES.items()}}
        assert legend["Relaxation"]["white_matter"]["T1_ms"] == 832.0
        assert legend["SegmentationLabels"]["enhancing_tumour"] == 4


class TestWriteDescription:
    def test_it_names_phantoms_seeds_and_sequences_and_says_not_a_patient(self, tmp_path):
        path = write_description(tmp_path, {"phantom-01": 2018, "phantom-02": 2019})
        description = json.loads(path.read_text(encoding="utf-8"))
        assert path == tmp_path / "dataset_description.json"
        assert description["Subjects"] == {"phantom-01": {"Seed": 2018}, "phantom-02": {"Seed": 2019}}
        assert description["Sequences"]["flair"]["ti"] == FLAIR["ti"]
        assert "not a patient" in description["Warning"]
        assert "Louis Collins" in description["SourceDatasets"][0]["Notice"]

    def test_it_is_the_description_next_to_the_example(self, tmp_path, repository):
        shipped = repository / "bundle" / "example" / "dataset_description.json"
        assert write_description(tmp_path, {"phantom-01": 2018}).read_bytes() == shipped.read_bytes()


class TestReplaceFile:
    def test_an_older_file_is_replaced_and_readable_by_all(self, tmp_path):
        path = tmp_path / "a.nii.gz"
        path.write_bytes(b"old")
        _replace_file(path, gzip.compress(b"new"))
        assert gzip.decompress(path.read_bytes()) == b"new"
        assert path.stat().st_mode & 0o777 == 0o644
        assert list(tmp_path.iterdir()) == [path]

    def test_a_failure_leaves_the_older_file_and_nothing_else(self, tmp_path):
        path = tmp_path / "a.json"
        path.write_bytes(b"old")
        with pytest.raises(TypeError):
            _replace_file(path, "text is not bytes")
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]
