"""Train a small segmenter, and segment with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from monai.metrics import compute_dice
from torch import nn
from torch.nn import functional


@dataclass(frozen=True)
class TrainingPlan:
    """How a segmenter is trained.

    Args:
        epochs: times that every slice is seen.
        batch_size: slices in a step.
        learning_rate: highest rate of AdamW; it rises and falls over the training (one cycle).
        window: height and width of the random part of the slices that a step sees; None for whole slices.
        contrast: largest random change of each channel's scale, which every slice gets, along with flips.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    window: Sequence[int] | None = None
    contrast: float = 0.1


def train_segmenter(
    build: Callable[[int], nn.Module],
    loss: nn.Module,
    images: torch.Tensor,
    lesions: torch.Tensor,
    plan: TrainingPlan,
    seed: int,
    device: torch.device | str = "cpu",
) -> nn.Module:
    """Train a segmenter from the beginning; the same seed gives the same segmenter.

    Args:
        build: makes a network for a number of channels, which returns logits (batch_size, 1, H, W).
        loss: of logits and target.
        images: slices (S, C, H, W).
        lesions: share of lesion in every pixel, (S, 1, H, W).
        plan: how it is trained.
        seed: seed of weights, order, flips and contrast.
        device: where it is trained. Defaults to "cpu".

    Returns:
        the network, in evaluation mode.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build(images.shape[1]).to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), plan.learning_rate)
    steps = plan.epochs * -(-len(images) // plan.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, plan.learning_rate, total_steps=steps)
    for _ in range(plan.epochs):
        for chosen in torch.randperm(len(images), generator=generator).split(plan.batch_size):
            image, lesion = _varied(images[chosen], lesions[chosen], plan, generator)
            optimizer.zero_grad()
            loss(network(image.to(device, memory_format=torch.channels_last)), lesion.to(device)).backward()
            optimizer.step()
            schedule.step()
    return network.eval()


@torch.no_grad()
def segment(
    network: nn.Module, images: torch.Tensor, downsampling: int = 1, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Segment slices.

    Args:
        network: a trained segmenter.
        images: slices (S, C, H, W).
        downsampling: the result has so many times the resolution. Defaults to 1.
        device: where the network is. Defaults to "cpu".

    Returns:
        (S, 1, H × downsampling, W × downsampling) bool.
    """
    logits = torch.cat([network(batch.to(device)).float().cpu() for batch in images.split(32)])
    if downsampling > 1:
        logits = functional.interpolate(logits, scale_factor=downsampling, mode="bilinear", align_corners=False)
    return logits > 0


def dice_of(segmented: torch.Tensor, lesion: torch.Tensor) -> float:
    """Return Dice of a patient over all slices together; NaN without lesion.

    Args:
        segmented: (S, 1, H, W) bool.
        lesion: the true lesion, likewise.
    """
    # slices are the last axis of one volume, not a batch
    return float(compute_dice(*(volume.movedim(0, -1)[None].float() for volume in (segmented, lesion))))


def _varied(
    image: torch.Tensor, lesion: torch.Tensor, plan: TrainingPlan, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut slices to one random window, flip them, and scale each channel of each slice by a random factor."""
    both = torch.cat((image, lesion), dim=1)
    for axis, side in zip((-2, -1), plan.window or (), strict=False):
        room = both.shape[axis] - side
        if room > 0:
            both = both.narrow(axis, int(torch.randint(room + 1, (), generator=generator)), side)
    for axis in (-2, -1):
        turned = torch.rand(len(both), 1, 1, 1, generator=generator) < 0.5
        both = torch.where(turned, both.flip(axis), both)
    factor = 1 + plan.contrast * (2 * torch.rand(*image.shape[:2], 1, 1, generator=generator) - 1)
    return both[:, :-1] * factor, both[:, -1:]
