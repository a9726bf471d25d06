"""Metrics over batches, reduced as MONAI's own, and over two processes."""

from __future__ import annotations

import pytest
import torch
from torch import distributed, multiprocessing

from scripts.data.errors import BadInputError
from scripts.metrics import (
    DECOMPOSITION_METRICS,
    FUSION_METRICS,
    DecompositionMetric,
    FusionMetric,
    decomposition_scores,
    fusion_scores,
)


@pytest.mark.parametrize("name", FUSION_METRICS)
def test_batches_are_buffered_per_image_and_averaged(blobs, name):
    fused, sources = blobs(batch=5)
    metric = FusionMetric(name)
    for part in (slice(0, 3), slice(3, 5)):
        metric(fused[part], sources[part])
    each = fusion_scores(fused, sources)[name]
    assert torch.equal(metric.get_buffer(), each[:, None])
    assert metric.aggregate().item() == pytest.approx(each.mean().item(), abs=1e-6)
    metric.reset()
    assert len(metric) == 0


@pytest.mark.parametrize("name", DECOMPOSITION_METRICS)
def test_decomposed_images_are_averaged_over_sources_or_for_each(blobs, name):
    _, sources = blobs(batch=4)
    decomposed = (sources + 0.05).clamp(0, 1)
    metric = DecompositionMetric(name, get_not_nans=True)
    metric(list(decomposed), list(sources))
    each = decomposition_scores(decomposed, sources)[name]
    assert metric.aggregate()[0].item() == pytest.approx(each.mean().item(), rel=1e-6)
    assert metric.aggregate("mean_batch")[0].tolist() == pytest.approx(each.mean(dim=0).tolist(), rel=1e-6)
    assert metric.aggregate("none")[0].shape == (4, 2)


def test_a_variant_is_kept(blobs):
    fused, sources = blobs(size=(31, 31))
    metric = FusionMetric("Q_XY", "centre")
    assert torch.equal(metric(fused, sources)[:, 0], fusion_scores(fused, sources, "centre")["Q_XY"])


def test_unknown_names_are_refused_at_once():
    for make in (lambda: FusionMetric("SSIM"), lambda: FusionMetric("Q_P", "half"), lambda: DecompositionMetric("L1")):
        with pytest.raises(BadInputError):
            make()


def _of_one_process(rank, store, results):
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    metric = FusionMetric("Q_NCIE")
    images = torch.rand(3, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    mine = images[:1] if rank == 0 else images[1:]
    metric(mine[:, :1], mine[:, 1:])
    results.put((rank, metric.aggregate().item(), len(metric)))
    distributed.destroy_process_group()


def test_two_processes_with_uneven_shares_agree_on_the_mean_over_all_images(tmp_path):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    workers = [context.Process(target=_of_one_process, args=(i, tmp_path / "store", results)) for i in range(2)]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(timeout=60)
    images = torch.rand(3, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    expected = fusion_scores(images[:, :1], images[:, 1:])["Q_NCIE"].mean().item()
    assert sorted(rank for rank, *_ in found) == [0, 1]
    assert all(value == pytest.approx(expected, abs=1e-6) and count == 3 for _, value, count in found)
