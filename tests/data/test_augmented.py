"""Random transforms that depend on seed, epoch and item alone."""

from __future__ import annotations

import pytest
import torch
from monai.transforms import Compose, RandFlipd, RandGaussianNoised
from torch.utils.data import DataLoader

from scripts.data.augmented import AugmentedDataset
from scripts.transforms.rand_contrast import RandContrastd

ITEMS = [{"image": torch.full((2, 4, 4), 0.1 * (i + 1)), "slice": i} for i in range(5)]


def augmented(seed=0, repeats=1, epoch=0):
    transform = Compose([RandContrastd("image", prob=0.5), RandFlipd("image"), RandGaussianNoised("image", prob=1.0)])
    dataset = AugmentedDataset(ITEMS, transform, seed, repeats)
    dataset.set_epoch(epoch)
    return dataset


def images(dataset):
    return torch.stack([torch.as_tensor(dataset[i]["image"]) for i in range(len(dataset))])


class TestAugmentedDataset:
    def test_an_item_is_the_same_however_often_and_in_any_order_it_is_read(self):
        forwards = images(augmented())
        dataset = augmented()
        backwards = torch.stack([torch.as_tensor(dataset[i]["image"]) for i in reversed(range(5))])
        assert torch.equal(backwards.flip(0), forwards)
        assert torch.equal(images(dataset), forwards)

    def test_an_interrupted_run_sees_the_same_epoch_as_one_that_was_not(self):
        whole = augmented()
        for epoch in range(3):
            whole.set_epoch(epoch)
            last = images(whole)
        assert torch.equal(images(augmented(epoch=2)), last)

    def test_seed_epoch_and_item_each_make_a_difference(self):
        reference = images(augmented())
        assert not torch.equal(images(augmented(seed=1)), reference)
        assert not torch.equal(images(augmented(epoch=1)), reference)
        noise = reference - torch.stack([item["image"] for item in ITEMS])
        assert not torch.allclose(noise[0], noise[1])

    def test_the_global_generator_makes_none(self):
        torch.manual_seed(1)
        one = images(augmented())
        torch.manual_seed(2)
        assert torch.equal(images(augmented()), one)

    def test_workers_of_a_loader_make_none(self):
        (batch,) = DataLoader(augmented(), batch_size=5, num_workers=2, collate_fn=list)
        assert torch.equal(torch.stack([torch.as_tensor(item["image"]) for item in batch]), images(augmented()))

    def test_repeats_are_the_same_items_transformed_anew(self):
        dataset = augmented(repeats=3)
        assert len(dataset) == 15
        assert [dataset[i]["slice"] for i in range(15)] == [0, 1, 2, 3, 4] * 3
        assert not torch.equal(torch.as_tensor(dataset[0]["image"]), torch.as_tensor(dataset[5]["image"]))

    def test_the_items_themselves_are_left_alone(self):
        images(augmented())
        assert all((item["image"] == 0.1 * (i + 1)).all() for i, item in enumerate(ITEMS))

    @pytest.mark.parametrize("seed", [0, 2**31, 2**63])
    def test_any_seed_and_epoch_will_do(self, seed):
        assert images(augmented(seed=seed, epoch=10**6)).isfinite().all()

    def test_less_than_one_repeat_is_refused(self):
        with pytest.raises(ValueError, match="repeats must be at least 1, got 0"):
            AugmentedDataset(ITEMS, Compose([]), repeats=0)
