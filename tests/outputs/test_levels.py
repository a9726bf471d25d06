from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.outputs.levels import as_stored, to_levels, unit_levels


def test_numbers_become_the_nearest_level_and_stay_within_the_limits():
    page = np.array([[-0.1, 0.0, 0.5], [0.9999, 1.0, 1.2]], dtype=np.float32)
    assert to_levels(page, 1 / 255, 0.0, 0, 255).tolist() == [[0, 0, 128], [255, 255, 255]]
    assert to_levels(page, 0.1, 0.5, -3, 3).tolist() == [[-3, -3, 0], [3, 3, 3]]


def test_every_level_of_16_bits_comes_back():
    levels = np.arange(65536)
    stored = (levels / 65535).astype(np.float32)
    assert np.array_equal(to_levels(stored, 1 / 65535, 0.0, 0, 65535), levels)


@pytest.mark.parametrize("highest", [255, 65535])
def test_a_tensor_is_read_back_as_a_file_holds_it(highest):
    image = torch.tensor([-0.2, 0.0, 0.4999, 0.5, 1.0, 1.7])
    levels = unit_levels(image.numpy(), highest)
    assert levels.tolist() == [0, 0, *np.rint(image[2:4].double().numpy() * highest).tolist(), highest, highest]
    assert torch.allclose(as_stored(image, highest), torch.from_numpy(levels / highest).float(), rtol=0, atol=1e-7)
    assert image[0] == -0.2, "the image itself stays as it is"


def test_each_image_of_a_batch_may_have_levels_of_its_own():
    stored = as_stored(torch.full((2, 1), 0.3), torch.tensor([[1.0], [10.0]]))
    assert stored.flatten().tolist() == pytest.approx([0.0, 0.3])
