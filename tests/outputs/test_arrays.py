from __future__ import annotations

import numpy as np
import torch

from scripts.outputs.arrays import as_array


def test_tensors_become_arrays_and_arrays_stay():
    volume = torch.rand(2, 3, requires_grad=True)
    assert np.array_equal(as_array(volume), volume.detach().numpy())
    array = np.zeros(3)
    assert as_array(array) is array
