"""Bits that are needed and bits that are held."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from fusioninn_research import coding_limit
from fusioninn_research.coding_limit import CodingLimit, best_decomposed, bits_held, coded, held_at, of_slice
from scripts.data.discovery import find_patients

SOURCES = ["t1gd", "flair"]

# Halving the width costs a bit, and similarity falls with the width.
CONTENT = {
    "widths": [0.0, 0.25, 1.0, 4.0],
    "fused": [0.8, 0.8, 0.798, 0.79],
    "seen": [9.0, 7.0, 5.0, 3.0],
    "ceiling": 0.8,
    "targets": [0.8, 0.9, 0.99],
    "needed": [2.0, 4.0, 6.0],
}


@pytest.fixture
def smooth():
    y, x = torch.meshgrid(torch.linspace(0, 1, 64), torch.linspace(0, 1, 64), indexing="ij")
    return 0.5 + 0.4 * torch.sin(5 * x) * torch.cos(4 * y)


class TestWhatIsHeld:
    def test_eight_bits_begin_at_one_level(self):
        held = bits_held(CONTENT, 8)
        assert [(one.fused, one.hidden, one.bits) for one in held] == [
            (pytest.approx(0.798), 0.0, 5.0),
            (pytest.approx(0.79), 2.0, 5.0),
        ]

    def test_each_further_bit_of_storage_is_one_more(self):
        eight, ten = held_at(CONTENT, 8), held_at(CONTENT, 10)
        assert ten.hidden - eight.hidden == pytest.approx(np.log2(1023 / 255))
        assert ten.bits - eight.bits == pytest.approx(np.log2(1023 / 255))

    def test_finer_than_any_measured_width_costs_nothing_to_see(self):
        finest = bits_held(CONTENT, 16)[0]
        assert finest.fused == 0.8
        assert finest.hidden == 0
        # 7 bits at a quarter of a level; a level of 16 bits is 64.25 times as fine
        assert finest.bits == pytest.approx(7 + np.log2(64.25))

    def test_it_is_read_at_a_share_of_the_ceiling(self):
        held = held_at(CONTENT, 8, share=0.995)
        assert held.fused == pytest.approx(0.796)
        assert held.hidden == pytest.approx(0.5)

    def test_rounding_alone_may_cost_too_much(self):
        assert held_at(CONTENT, 6, share=0.999) is None

    def test_bits_are_worth_a_similarity(self):
        assert [best_decomposed(CONTENT, bits) for bits in (1, 3, 6, 9)] == pytest.approx([0.8, 0.85, 0.99, 0.99])


class TestCoding:
    def test_more_bits_bring_a_picture_back_better(self, smooth):
        noisy = (smooth + 0.1 * torch.rand(64, 64, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
        errors = []
        for rate in (0.5, 2.0, 8.0):
            back, took = coded(noisy, rate * noisy.numel())
            assert took <= rate * noisy.numel() * 1.05
            errors.append(float((back - noisy).square().mean().sqrt()))
        assert errors[0] > 1.5 * errors[1] > 1.5 * errors[2]
        assert errors[2] < 1e-3

    def test_noise_needs_more_than_smoothness_and_costs_similarity(self, smooth):
        brain = torch.ones(1, 64, 64, dtype=torch.bool)
        noise = torch.rand(64, 64, generator=torch.Generator().manual_seed(1))
        found = [
            of_slice(torch.stack((image, image)), image[None], brain, torch.Generator().manual_seed(0))
            for image in (smooth, noise)
        ]
        at = coding_limit.TARGETS.index(0.955)
        assert found[0]["needed"][at] < 2 < 4 < found[1]["needed"][at]
        assert found[0]["lossless"]["sources PNG"] < found[1]["lossless"]["sources PNG"]
        assert found[1]["lossless"]["sources PNG"] == pytest.approx(16, abs=0.5)
        for one in found:
            assert one["fused"][0] == pytest.approx(1, abs=1e-6)
            assert one["fused"][0] > one["fused"][-1]
            assert one["seen"] == sorted(one["seen"], reverse=True)


def test_it_is_measured_once(cohort, tmp_path, monkeypatch):
    patients = find_patients(str(cohort / "data"), SOURCES)[:1]
    limit = CodingLimit(patients, tmp_path, SOURCES, slice_step=5, ceiling_steps=2)
    content = limit.measure()
    assert content["slices"] == 1
    assert 0 < content["ceiling"] == content["fused"][0] < 1
    assert len(content["needed"]) == len(content["targets"])
    assert content["needed"] == sorted(content["needed"])
    monkeypatch.setattr(coding_limit, "measured_slices", None)
    assert limit.measure() == json.loads((tmp_path / "limit.json").read_text())
