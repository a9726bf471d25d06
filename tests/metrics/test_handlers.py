"""Metrics declared in a config, in a real evaluator."""

from __future__ import annotations

import pytest
import torch
from monai.bundle import ConfigParser
from monai.engines import SupervisedEvaluator
from torch.utils.data import DataLoader

from scripts.inferers import BidirectionalInferer
from scripts.metrics import DECOMPOSITION_METRICS, FUSION_METRICS, decomposition_scores, fusion_scores
from scripts.metrics.handlers import decomposed_and_sources, fused_and_sources
from scripts.networks import FusionINN
from scripts.training.batches import sources_as_target


def declared():
    """Return all metrics as a config declares them."""
    kinds = {"FusionQuality": FUSION_METRICS, "DecompositionQuality": DECOMPOSITION_METRICS}
    config = {
        name: {"_target_": f"scripts.metrics.{kind}", "name": name} for kind, names in kinds.items() for name in names
    }
    return ConfigParser({"metrics": config}).get_parsed_content("metrics")


class Mean(torch.nn.Module):
    """A method that only fuses."""

    def forward(self, image):
        return image.mean(dim=1, keepdim=True)


@pytest.fixture
def images():
    return torch.rand(3, 2, 16, 16)


def evaluator(images, network, key, others=None, **settings):
    return SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader([{"image": image} for image in images], batch_size=2),
        network=network,
        prepare_batch=sources_as_target,
        key_val_metric=key,
        additional_metrics=others,
        **settings,
    )


@pytest.mark.parametrize("decollate", [False, True])
def test_all_metrics_of_a_decomposable_method_in_an_evaluator(images, decollate):
    network = FusionINN(hidden_channels=4)
    inferer = BidirectionalInferer()
    metrics = declared()
    key = {"Q_SSIM": metrics.pop("Q_SSIM")}
    engine = evaluator(images, network, key, metrics, inferer=inferer, decollate=decollate)
    engine.run()
    with torch.no_grad():
        outputs = [inferer(images[part], network.eval()) for part in (slice(0, 2), slice(2, 3))]
    fused, decomposed = (torch.cat([out[name] for out in outputs]).clamp(0, 1) for name in ("fused", "decomposed"))
    expected = fusion_scores(fused, images) | decomposition_scores(decomposed, images)
    assert engine.state.metrics == pytest.approx({k: v.mean().item() for k, v in expected.items()}, abs=1e-3)
    assert engine.state.metric_details["Q_FMI"].shape == (3, 1)
    assert engine.state.metric_details["PSNR"].shape == (3, 2)


def test_a_method_that_only_fuses_can_be_the_key_metric(images):
    handler = declared()["Q_P"]
    engine = evaluator(images, Mean(), {"Q_P": handler}, decollate=False)
    engine.run()
    expected = fusion_scores(images.mean(dim=1, keepdim=True), images)["Q_P"].mean().item()
    assert engine.state.best_metric == pytest.approx(expected, abs=1e-6)


def test_predictions_are_cut_off_as_a_file_would(images):
    output = {"image": images, "pred": {"fused": 3 * images[:, :1], "decomposed": images - 0.5}}
    assert fused_and_sources(output)[0].max() == 1
    assert decomposed_and_sources(output)[0].min() == 0
