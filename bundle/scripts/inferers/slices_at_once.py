"""How many slices of a volume are computed together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from scripts.data.errors import BadInputError

AUTO = "auto"
"""Choose for the machine."""

CPU_BYTES = 8_000_000
"""Bytes that a convolution of a batch may read and write on a CPU.

Measured on two cores of two processors. Where a slice of 240 × 240 takes 7.8 MB, two at once gain nothing with a large
cache, and take 40 % longer with a smaller one. Where it takes 3.2 MB, two at once take 12 % less processor time than
one, and four take as much as two. Small slices gain most: at 128 × 128 (2.2 MB) three at once take 30 % less than one.
"""

GPU_BYTES = 64_000_000
"""The same on a GPU, which one slice does not fill. Not measured: eight slices where one takes 7.8 MB."""


def check_slices_at_once(wanted: Any) -> None:
    """Raise unless a value says how many slices are computed together.

    Args:
        wanted: value of the option.

    Raises:
        BadInputError: it is neither "auto" nor a whole number from 1 on.
    """
    if wanted != AUTO and (not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 1):
        raise BadInputError(f"slices_at_once is {wanted!r}, expected auto or a whole number from 1 on.")


def or_else(wanted: int | str, number: int) -> int:
    """Return the number of slices that the user wants, or `number` where it is left to the machine.

    Args:
        wanted: a number, or "auto".
        number: for work other than a network's, whose layers cannot be measured.
    """
    return number if isinstance(wanted, str) else wanted


def batches(network: nn.Module, device: torch.device, count: int, wanted: int | str) -> Iterator[slice]:
    """Cut slices into batches; the network must be applied to one before the next is taken.

    Where the number is left to the machine, the first slice goes alone, and the largest of the convolutions that it
    passes decides how many of the others go together. The number depends on the kind of device, the network and the
    size of the slices, not on what else the machine is doing. An export for batches of one size gets these; any other
    export gets one slice at a time, because its layers cannot be measured.

    Args:
        network: the network that is applied.
        device: where it is.
        count: number of slices.
        wanted: slices at a time, or "auto".

    Yields:
        the slices of each batch.
    """
    static = getattr(network, "static_shape", None)
    if wanted == AUTO and static is not None:
        wanted = static[0]
    start = 0
    if wanted == AUTO:
        with _largest_convolution(network) as largest:
            yield slice(0, min(1, count))
        start = 1
        allowed = CPU_BYTES if device.type == "cpu" else GPU_BYTES
        wanted = max(1, allowed // largest[0]) if largest[0] else 1
    for first in range(start, count, int(wanted)):
        yield slice(first, min(first + int(wanted), count))


@contextmanager
def _largest_convolution(network: nn.Module) -> Iterator[list[int]]:
    """Measure the bytes that the largest convolution reads and writes while the network is applied."""
    largest = [0]

    def note(_: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        largest[0] = max(largest[0], sum(tensor.numel() * tensor.element_size() for tensor in (inputs[0], output)))

    hooks = [part.register_forward_hook(note) for part in network.modules() if isinstance(part, _ConvNd)]
    try:
        yield largest
    finally:
        for hook in hooks:
            hook.remove()
