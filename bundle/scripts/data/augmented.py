"""AugmentedDataset: random transforms that depend on seed, epoch and item alone."""

from __future__ import annotations

from typing import Any

from monai.transforms import Compose
from torch.utils.data import Dataset


class AugmentedDataset(Dataset):
    """Items of another dataset, randomly transformed.

    The random state of every item is set from (seed, epoch, index). An epoch is therefore the same after an
    interruption, and for any number of workers or processes.

    Args:
        data: dataset of dictionaries.
        transform: a `monai.transforms.Compose`.
        seed: seed of the run. Defaults to 0.
        repeats: how often each item is seen in an epoch, each time transformed differently. Defaults to 1.

    Raises:
        ValueError: when `repeats` is less than 1.
    """

    def __init__(self, data: Dataset, transform: Compose, seed: int = 0, repeats: int = 1) -> None:
        if repeats < 1:
            raise ValueError(f"repeats must be at least 1, got {repeats}.")
        self.data = data
        self.transform = transform
        self.seed = seed
        self.repeats = repeats
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the items that follow."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.data) * self.repeats

    def __getitem__(self, index: int) -> Any:
        """Return the transformed item."""
        number = (self.seed * 1_000_003 + self.epoch) * 2_000_003 + index
        self.transform.set_random_state(seed=number % 2**32)
        return self.transform(self.data[index % len(self.data)])
