from __future__ import annotations

import base64
import gzip
import logging

import nibabel as nib
import numpy as np
import pytest

from scripts.report.viewer_data import display_name, viewer_data, volume_id

PLENTY = 10**8


def test_every_volume_is_described_and_written(make_patient):
    about, texts = viewer_data(make_patient(), PLENTY)
    kinds = ("source", "estimate", "uncertainty")
    stored = {"fused", "outline", *(f"{kind}-{name}" for kind in kinds for name in ("t1gd", "flair"))}
    assert set(texts) == stored
    assert set(about["volumes"]) == stored - {"outline"} | {"error-t1gd", "error-flair"}
    assert about["kinds"] == ["source", "estimate", "error", "uncertainty"]


def test_a_source_and_its_estimate_share_a_window(make_patient):
    volumes = viewer_data(make_patient(), PLENTY)[0]["volumes"]
    assert volumes["source-t1gd"]["window"] == volumes["estimate-t1gd"]["window"] == [0, 400]


def test_the_errors_of_all_sources_share_a_percentage_of_their_windows(make_patient):
    about, _ = viewer_data(make_patient(), PLENTY)
    # 20 of 400 is the largest: 5 %
    assert about["errorPercent"] == 5
    assert about["volumes"]["error-t1gd"]["window"] == [0, 20]
    assert about["volumes"]["uncertainty-flair"]["window"] == pytest.approx([0, 15])


def test_without_sources_there_are_estimates_and_no_errors(make_patient):
    about, texts = viewer_data(make_patient(volumes={}, uncertainty=None, seg=None), PLENTY)
    assert about["kinds"] == ["estimate"]
    assert about["outline"] is None
    assert set(texts) == {"fused", "estimate-t1gd", "estimate-flair"}


def test_the_first_look_is_at_the_lesion(make_patient):
    about, _ = viewer_data(make_patient(), PLENTY)
    voxel = about["start"]
    assert make_patient().seg[tuple(voxel)] > 0


def test_segments_have_their_names_and_colours_and_a_lesion_without_names_has_none(make_patient):
    seg = np.zeros((32, 40, 12), np.uint8)
    seg[5:25, 10:20, 4:9] = 1
    seg[10:15, 12:16, 5:8] = 2
    about, texts = viewer_data(make_patient(seg=seg, segments={1: "Edema", 2: "Core <1>"}), PLENTY)
    assert about["segments"] == [
        {"label": 1, "name": "Edema", "colour": "#ff5242"},
        {"label": 2, "name": "Core <1>", "colour": "#ffd23f"},
    ]
    stored = nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(texts["outline"])))
    assert np.array_equal(np.asarray(stored.dataobj), seg)
    about, texts = viewer_data(make_patient(seg=seg), PLENTY)
    assert about["segments"] == []
    stored = nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(texts["outline"])))
    assert np.asarray(stored.dataobj).max() == 1


def test_a_budget_takes_grey_levels_and_says_so(make_patient):
    rng = np.random.default_rng(0)
    noisy = make_patient(volumes={"t1gd": rng.normal(size=(32, 40, 12))}, decomposed={}, uncertainty=None)
    (fine, fine_texts), (coarse, coarse_texts) = (viewer_data(noisy, budget) for budget in (PLENTY, 30_000))
    assert fine["volumes"]["source-t1gd"]["step"] < coarse["volumes"]["source-t1gd"]["step"] / 10
    assert len(coarse_texts["source-t1gd"]) < len(fine_texts["source-t1gd"])


def test_a_page_that_cannot_be_small_is_told(make_patient, caplog):
    with caplog.at_level(logging.WARNING):
        viewer_data(make_patient(), 10)
    assert "even in 8 bits" in caplog.text


def test_names_are_those_of_the_overview():
    assert (display_name("t1gd"), display_name("adc")) == ("T1-Gd", "adc")
    assert volume_id("source", "t1gd") == "source-t1gd"
