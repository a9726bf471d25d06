from __future__ import annotations

from pathlib import Path

from scripts.report.report_files import ReportFiles, report_of


def test_a_report_lies_beside_its_fused_image_by_name():
    assert report_of("P1/P1_fused.nii.gz") == Path("P1/P1_report.html")


def test_a_report_is_written_where_it_is_asked_for(make_patient, tmp_path):
    data = {"fused": str(tmp_path / "in" / "P_fused.nii.gz"), "report": make_patient()}
    assert ReportFiles()(data) == [str(tmp_path / "in" / "P_report.html")]
    (file,) = ReportFiles(str(tmp_path / "out"))(data)
    assert Path(file) == tmp_path / "out" / "P_report.html"
    assert "blocks-01" in Path(file).read_text(encoding="utf-8")
