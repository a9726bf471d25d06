"""A report of a case and one that is made later from its files show the same."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import torch

from case_files import fused_case, write_fused
from scripts.cases.report import Report
from scripts.report.results import ReadResults
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd


def written_report(tmp_path, monkeypatch, network, record, with_seg=False):
    """Fuse a patient; return the data of its report, and the files written."""
    torch.save(network.state_dict(), tmp_path / "model.pt")
    data = NormalizeSourcesd()(LoadSourcesd(with_seg=with_seg)(record))
    seen = []

    def keep(path, report, decompose):
        assert not decompose
        seen.append(report)
        path.touch()

    monkeypatch.setattr("scripts.cases.report.write_report", keep)
    files = write_fused(tmp_path / "out", fused_case(network, data, tmp_path / "model.pt"), more=[Report()])
    (report,) = seen
    return report, files


def test_the_sources_have_their_own_values(write_patient, network, tmp_path, monkeypatch):
    record = write_patient(tmp_path / "in", "P1")
    report, files = written_report(tmp_path, monkeypatch, network, record)
    assert str(tmp_path / "out" / "P1" / "P1_report.html") in files
    for source in ("t1gd", "flair"):
        np.testing.assert_array_equal(report.volumes[source], nib.load(record[source]).get_fdata())


def test_everything_is_as_it_is_read_back(write_patient, network, tmp_path, monkeypatch):
    report, _ = written_report(tmp_path, monkeypatch, network, write_patient(tmp_path / "in", "P1"))
    later = ReadResults()({"patient": "P1", "fused": str(tmp_path / "out" / "P1" / "P1_fused.nii.gz")})["report"]
    np.testing.assert_allclose(report.fused, later.fused, atol=1e-7)
    assert list(report.decomposed) == ["t1gd", "flair"]
    for source, estimate in later.decomposed.items():
        np.testing.assert_array_equal(report.decomposed[source], estimate)
    assert (report.scores, report.provenance, report.phantom) == (later.scores, later.provenance, later.phantom)
    np.testing.assert_allclose(report.affine, later.affine)
