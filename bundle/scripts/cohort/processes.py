"""Patients dealt out to processes, and what each of them did brought together again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence, Sized
from datetime import timedelta
from itertools import zip_longest
from typing import Any, TypeVar

import ignite.distributed as idist
import torch
import torch.distributed as dist
from torch.utils.data import Sampler

from scripts.data.errors import BadInputError

T = TypeVar("T")

PATIENCE = timedelta(days=1)
"""How long a process that is done waits for the slowest of the others."""

_ATTEMPT = "TORCHELASTIC_RESTART_COUNT"


def join_processes(backend: str = "gloo", patience: timedelta | None = PATIENCE) -> None:
    """Join the other processes that torchrun has started, if it has.

    Args:
        backend: by which they talk. Defaults to "gloo", for they tell each other names and problems, never tensors.
        patience: how long one waits for the others. None for what torch has as its default.
    """
    if "WORLD_SIZE" not in os.environ or dist.is_initialized():
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(own_device())
    # After a restart the addresses of the processes that were lost are still in torchrun's store: each attempt has
    # a part of its own.
    store, rank, processes = next(dist.rendezvous("env://"))
    store = dist.PrefixStore(f"attempt {os.environ.get(_ATTEMPT, 0)}", store)
    given = {} if patience is None else {"timeout": patience}
    dist.init_process_group(backend, store=store, rank=rank, world_size=processes, **given)
    idist.sync()


def leave_processes() -> None:
    """Leave the other processes, if there are any."""
    if dist.is_initialized():
        idist.finalize()


def restarted() -> bool:
    """Whether torchrun has started these processes anew, because one was lost (``--max_restarts``)."""
    return int(os.environ.get(_ATTEMPT, "0")) > 0


def own_device() -> torch.device:
    """The GPU of this process, by its number on its machine; the CPU where there is none."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())


class Shares(Sampler[int]):
    """The patients of this process: every n-th, where n processes share a cohort.

    Each patient belongs to exactly one process. `DistributedSampler`, which training uses, repeats patients until all
    processes have as many, and would process some twice.

    Args:
        dataset: the patients of all processes.

    Raises:
        BadInputError: when there are fewer patients than processes.
    """

    def __init__(self, dataset: Sized) -> None:
        self.rank, self.processes = idist.get_rank(), idist.get_world_size()
        self.patients = len(dataset)
        if self.patients < self.processes:
            raise BadInputError(
                f"{self.patients} patient(s) cannot be shared by {self.processes} processes. Start "
                f"{max(1, self.patients)} at most: torchrun --nproc_per_node={max(1, self.patients)}."
            )

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.rank, self.patients, self.processes))

    def __len__(self) -> int:
        return len(range(self.rank, self.patients, self.processes))


def together(own: Sequence[T]) -> list[T]:
    """Bring together what all processes hold on their patients, one entry a patient. All of them must call it.

    Args:
        own: entries of this process, in the order of its share.

    Returns:
        entries of all processes, in the order of the cohort.
    """
    if idist.get_world_size() == 1:
        return list(own)
    shares: list[Any] = [None] * idist.get_world_size()
    dist.all_gather_object(shares, list(own))
    nothing = object()
    return [one for turn in zip_longest(*shares, fillvalue=nothing) for one in turn if one is not nothing]
