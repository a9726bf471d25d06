"""The losses of Fig. 3, from the table that training writes."""

from __future__ import annotations

import pytest
import torch

from fusioninn_research.loss_curves import DECOMPOSITION, FUSION, TOTAL, draw_loss_curves, paper_losses
from scripts.data.errors import BadInputError
from scripts.losses import FusionINNLoss


def row(epoch: int, part: str = "train", **terms: float) -> dict:
    given = {"loss": 0.2, "fusion_l2": 0.02, "decomposition_l2": 0.002, "fused_ssim_t1gd": 0.9, "fused_ssim_flair": 0.8}
    given |= {"decomposed_ssim_t1gd": 0.97, "decomposed_ssim_flair": 0.96}
    return {"epoch": epoch, "part": part, **given, **terms}


def texts(page) -> str:
    return "\n".join(text.get_text() for text in page.figure.texts)


class TestPaperLosses:
    def test_ssim_terms_are_sums_over_the_sources(self):
        losses = paper_losses(row(1))
        assert losses["ssim"] == pytest.approx(0.1 + 0.2)
        assert losses["decomposition_ssim"] == pytest.approx(0.03 + 0.04)
        assert (losses["total"], losses["l2"], losses["decomposition_l2"]) == (0.2, 0.02, 0.002)

    def test_they_make_up_the_terms_of_the_loss(self):
        loss = FusionINNLoss(alpha=0.5, lam=0.9, latent_weight=0.0)
        image = torch.rand(2, 2, 24, 24)
        made = {"fused": torch.rand(2, 1, 24, 24), "latent": torch.randn(2, 1, 24, 24), "decomposed": image.flip(1)}
        terms = {name: value.item() for name, value in loss.terms(made, image).items()}
        losses = paper_losses(terms)
        fusion = 0.9 * losses["ssim"] + 0.1 * losses["l2"]
        decomposition = 0.9 * losses["decomposition_ssim"] + 0.1 * losses["decomposition_l2"]
        assert terms["fusion"] == pytest.approx(fusion, rel=1e-5)
        assert losses["total"] == pytest.approx(0.5 * fusion + 0.5 * decomposition, rel=1e-5)


class TestDrawing:
    def test_five_curves_for_training_and_five_for_validation(self):
        history = [row(epoch, part) for epoch in (1, 2, 3) for part in ("train", "validation")]
        ssim, l2, key = draw_loss_curves(history, "k = 4", "").figure.axes
        assert (len(ssim.lines), len(l2.lines), len(key.lines)) == (6, 4, 2)
        assert [line.get_color() for line in ssim.lines[:3]] == [TOTAL, FUSION, DECOMPOSITION]
        assert list(ssim.lines[0].get_xdata()) == [1, 2, 3]
        assert [line.get_linestyle() for line in key.lines] == ["-", "--"]

    def test_each_curve_is_named_at_its_end_with_its_last_value(self):
        history = [row(1, loss=0.5), row(1, "validation"), row(2, loss=0.4), row(2, "validation", loss=0.3)]
        ssim, l2, _ = draw_loss_curves(history, "k = 4", "").figure.axes
        named = [label.get_text() for label in ssim.texts]
        assert [text.split()[-1] for text in named] == ["0.3", "0.3", "0.07"]
        assert "total" in named[0]
        assert [text.split()[-1] for text in (label.get_text() for label in l2.texts)] == ["0.02", "0.002"]

    def test_title_setting_and_research_notice_are_told(self):
        told = texts(draw_loss_curves([row(1), row(2)], "FusionINN, k = 4", "small setting: 2 epochs"))
        assert "FusionINN, k = 4" in told
        assert "small setting: 2 epochs" in told
        assert "For research use only" in told

    def test_a_training_without_validation_has_half_the_curves(self):
        ssim, l2, key = draw_loss_curves([row(1), row(2)], "k = 4", "").figure.axes
        assert (len(ssim.lines), len(l2.lines), len(key.lines)) == (3, 2, 1)

    def test_a_single_epoch_is_a_dot(self):
        ssim, *_ = draw_loss_curves([row(1)], "k = 4", "").figure.axes
        assert ssim.lines[0].get_marker() == "o"

    def test_a_history_without_epochs_is_refused(self):
        with pytest.raises(BadInputError, match=r"run/history\.csv holds no epoch yet"):
            draw_loss_curves([], "k = 4", "", "run/history.csv")

    def test_a_training_that_does_not_decompose_is_refused(self):
        fused_only = row(1)
        del fused_only["decomposition_l2"]
        with pytest.raises(BadInputError, match="no column 'decomposition_l2'"):
            draw_loss_curves([fused_only], "UNet", "")
