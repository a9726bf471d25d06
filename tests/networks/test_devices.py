"""A device by its name."""

from __future__ import annotations

import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.networks.devices import as_device


@pytest.mark.parametrize("name", ["cpu", torch.device("cpu")])
def test_a_device_is_taken_by_name_or_as_it_is(name):
    assert as_device(name) == torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize("name", ["cuda", "cuda:1", 0])
def test_a_gpu_that_is_not_there_is_told(name):
    with pytest.raises(BadInputError, match=rf"device '{name}' cannot be used .*This machine has: cpu.*--device"):
        as_device(name)


def test_a_word_that_is_no_device_is_told():
    with pytest.raises(BadInputError, match=r"device 'gpu' cannot be used .*--device"):
        as_device("gpu")
