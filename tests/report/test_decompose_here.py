"""A report decomposes its fused image in its page, and compares the result with the estimates in it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scripts import BUNDLE_ROOT
from scripts.cases.fuse import FuseVolume
from scripts.cases.report import Report, report_data
from scripts.cases.volume_record import VolumeRecord
from scripts.networks import FusionINN
from scripts.networks.weights import fingerprint, load_weights
from scripts.report.decompose_here import NETWORK, cannot_decompose
from scripts.report.html import write_report
from scripts.runtimes.onnx_properties import read_properties
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd

WEIGHTS = Path(BUNDLE_ROOT) / "models" / "model.pt"


@pytest.fixture(scope="module")
def case(tmp_path_factory, write_patient):
    """A small patient, fused with the shipped weights."""
    record = write_patient(tmp_path_factory.mktemp("sources"), "P1", shape=(32, 36, 6))
    data = NormalizeSourcesd()(LoadSourcesd(with_seg=False)(record))
    network = load_weights(FusionINN(), str(WEIGHTS)).eval()
    fused = FuseVolume(checkpoint=fingerprint(WEIGHTS))(network, data)
    return replace(fused, record=VolumeRecord()(fused))


def test_the_network_in_reports_is_that_of_the_shipped_weights():
    # After other weights, write both exports again with the section onnx of configs/export.json, into bundle/models.
    for name in ("decompose.onnx", "fuse.onnx"):
        assert read_properties(NETWORK.with_name(name))["checkpoint_sha256"] == fingerprint(WEIGHTS)


@pytest.mark.slow
def test_the_page_takes_its_image_apart_and_finds_the_same(case, tmp_path, open_page):
    Report(decompose=True)(case, tmp_path)
    page = open_page(tmp_path / "P1_report.html", offline=True)
    page.click("#verify")
    page.wait_for_selector("html[data-verified]")
    said = page.inner_text("#verify-result")
    assert len(re.findall("the same, apart from rounding", said)) == 2
    page.click("[data-kind=here]")
    page.click("#end-left")
    assert "T1-Gd decomposed here (ESTIMATED)" in page.inner_text("#shown")
    assert page.is_visible("#estimated")
    assert page.complaints == []


@pytest.mark.slow
def test_the_page_finds_an_estimate_that_was_changed(case, tmp_path, open_page):
    data = report_data(case)
    changed = data.decomposed["flair"].copy()
    changed[10:14, 10:14, 3] += 0.1 * np.ptp(changed)
    data.decomposed = {**data.decomposed, "flair": changed}
    page = open_page(write_report(tmp_path / "report.html", data, decompose=True))
    page.click("#verify")
    page.wait_for_selector("html[data-verified]")
    said = page.inner_text("#verify-result")
    assert "T1-Gd: the same" in said
    assert "FLAIR: NOT the same" in said


def test_a_report_grows_by_less_than_six_megabytes(case, tmp_path):
    data = report_data(case)
    without = write_report(tmp_path / "without.html", data).stat().st_size
    whole = write_report(tmp_path / "with.html", data, decompose=True).stat().st_size
    assert 5e6 < whole - without < 6e6
    assert "wasm-unsafe-eval" not in (tmp_path / "without.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"CheckpointSHA256": "ab" * 32}, "it was fused with other weights than those of decompose.onnx"),
        ({"LatentKind": "normal"}, "its estimates have a latent of normal, not of zeros"),
    ],
)
def test_where_it_cannot_the_reason_is_logged_and_there_is_no_button(case, tmp_path, caplog, change, reason):
    data = report_data(case)
    data.record = {**data.record, **change}
    assert cannot_decompose(data) == reason
    text = write_report(tmp_path / "report.html", data, decompose=True).read_text(encoding="utf-8")
    assert "Decompose here" not in text
    assert reason in caplog.text


def test_levels_that_the_page_does_not_hold_are_not_decomposed(case):
    data = report_data(case)
    data.record = {**data.record, "StoredDtype": "float32"}
    data.fused = data.fused * np.float32(0.99999)
    assert cannot_decompose(data) == "its fused image is stored as float32, and the page holds 16 bits"
