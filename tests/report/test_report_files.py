from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from scripts.cases.fuse import FuseVolume
from scripts.cases.fusion_files import FusionFiles
from scripts.report.report_files import AddReport, ReportFiles, report_of
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd


def test_a_report_lies_beside_its_fused_image_by_name():
    assert report_of("P1/P1_fused.nii.gz") == Path("P1/P1_report.html")


def test_a_report_is_written_where_it_is_asked_for(make_patient, tmp_path):
    data = {"fused": str(tmp_path / "in" / "P_fused.nii.gz"), "report": make_patient()}
    assert ReportFiles()(data) == [str(tmp_path / "in" / "P_report.html")]
    (file,) = ReportFiles(str(tmp_path / "out"))(data)
    assert Path(file) == tmp_path / "out" / "P_report.html"
    assert "blocks-01" in Path(file).read_text(encoding="utf-8")


@pytest.mark.parametrize("overview", [True, False])
def test_fusing_can_end_with_a_report_of_the_sources_own_values(
    write_patient, small_network, tmp_path, monkeypatch, overview
):
    torch.save(small_network.state_dict(), tmp_path / "model.pt")
    data = NormalizeSourcesd()(LoadSourcesd()(write_patient(tmp_path / "in", "P1")))
    sources = LoadSourcesd()(write_patient(tmp_path / "in", "P1"))["image"].numpy()
    results = FuseVolume(latent="zeros")(small_network, data)
    seen = {}
    monkeypatch.setattr(
        "scripts.report.report_files.write_report", lambda path, report: seen.setdefault(path, report) and path
    )
    files = FusionFiles(
        str(tmp_path / "out"), ["t1gd", "flair"], str(tmp_path / "model.pt"), overview=overview, report=AddReport()
    )
    written = files(data, results)
    assert written[-1] == str(tmp_path / "out" / "P1" / "P1_report.html")
    (report,) = seen.values()
    np.testing.assert_array_equal(np.stack(list(report.volumes.values())), sources)
    assert set(report.decomposed) == {"t1gd", "flair"}
    assert set(report.scores) == {"fused", "decomposed"}


def test_without_it_nothing_is_added():
    assert AddReport(enabled="false")("P_fused.nii.gz", {}, {}) == []
