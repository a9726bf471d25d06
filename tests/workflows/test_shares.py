"""Each patient goes to exactly one process, and what they did comes back in order."""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.workflows.shares import Shares, join_processes, leave_processes, own_device, restarted, together

PATIENTS = "ABCDEFG"


def as_one_of(processes: int, task: Callable[[], Any]) -> list[Any]:
    """What a task returns in each of several processes, joined as torchrun would have it."""
    if sys.platform != "linux":
        pytest.skip("needs fork, which torch stands on Linux only")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()

    def work(rank: int) -> None:
        names = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, "MASTER_PORT": port}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", **{name: str(value) for name, value in names.items()}}
        join_processes()
        try:
            answers.put((rank, task()))
        except BadInputError as error:
            answers.put((rank, str(error)))
        leave_processes()

    running = [context.Process(target=work, args=(rank,)) for rank in range(processes)]
    for process in running:
        process.start()
    for process in running:
        process.join(60)
    assert [process.exitcode for process in running] == [0] * processes
    return [answer for _, answer in sorted(answers.get() for _ in running)]


def share_and_gather() -> tuple[list[str], list[str]]:
    own = [PATIENTS[i] for i in Shares(PATIENTS)]
    assert len(own) == len(Shares(PATIENTS))
    return own, together(own)


def test_one_process_has_all():
    assert share_and_gather() == (list(PATIENTS), list(PATIENTS))


@pytest.mark.parametrize("processes", [2, 3])
def test_several_have_each_patient_once_and_bring_them_together_in_order(processes):
    answers = as_one_of(processes, share_and_gather)
    assert sorted(patient for own, _ in answers for patient in own) == list(PATIENTS)
    assert all(whole == list(PATIENTS) for _, whole in answers)


def test_more_processes_than_patients_are_refused():
    for told in as_one_of(2, lambda: len(Shares("A"))):
        assert told == ("1 patient(s) cannot be shared by 2 processes. Start 1 at most: torchrun --nproc_per_node=1.")


def test_outside_torchrun_nothing_is_joined(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    join_processes()
    assert not torch.distributed.is_initialized()
    leave_processes()


def test_a_restart_is_told_by_torchrun(monkeypatch):
    monkeypatch.delenv("TORCHELASTIC_RESTART_COUNT", raising=False)
    assert not restarted()
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert restarted()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_it_is_the_processor():
    assert own_device() == torch.device("cpu")
