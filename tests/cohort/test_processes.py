"""Each patient goes to exactly one process, and what they did comes back in order."""

from __future__ import annotations

import pytest
import torch

from scripts.cohort.processes import Shares, join_processes, leave_processes, own_device, restarted, together
from scripts.data.errors import BadInputError

PATIENTS = "ABCDEFG"


def share_and_gather() -> tuple[list[str], list[str]]:
    own = [PATIENTS[i] for i in Shares(PATIENTS)]
    assert len(own) == len(Shares(PATIENTS))
    return own, together(own)


def joined_share_and_gather() -> tuple[list[str], list[str]]:
    join_processes()
    answer = share_and_gather()
    leave_processes()
    return answer


def joined_refusal() -> str:
    join_processes()
    with pytest.raises(BadInputError) as raised:
        Shares("A")
    return str(raised.value)


def test_one_process_has_all():
    assert share_and_gather() == (list(PATIENTS), list(PATIENTS))


@pytest.mark.parametrize("processes", [2, 3])
def test_several_have_each_patient_once_and_bring_them_together_in_order(as_one_of, processes):
    answers = as_one_of(processes, joined_share_and_gather)
    assert sorted(patient for own, _ in answers for patient in own) == list(PATIENTS)
    assert all(whole == list(PATIENTS) for _, whole in answers)


def test_more_processes_than_patients_are_refused(as_one_of):
    for told in as_one_of(2, joined_refusal):
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
