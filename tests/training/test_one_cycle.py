"""The learning rate of a run of any length rises and falls once."""

from __future__ import annotations

import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.training.one_cycle import OneCycleLR

SETTINGS = {"max_lr": 0.002, "pct_start": 0.1, "div_factor": 10, "final_div_factor": 200}


def rates(schedule: type, steps: int) -> list[float]:
    """Learning rate of every step of a run."""
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    scheduler = schedule(optimizer, total_steps=steps, **SETTINGS)
    found = []
    for step in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < steps - 1:
            scheduler.step()
    return found


def test_a_rise_of_one_step_does_not_divide_by_zero():
    with pytest.raises(ZeroDivisionError):
        rates(torch.optim.lr_scheduler.OneCycleLR, 10)
    found = rates(OneCycleLR, 10)
    assert found[0] == pytest.approx(0.002, rel=1e-4)
    assert found == sorted(found, reverse=True)
    assert found[-1] == pytest.approx(0.002 / 10 / 200)


@pytest.mark.parametrize("steps", [1, 2, 5, 9, 11, 20, 30, 100])
def test_the_rates_of_all_other_runs_are_pytorch_s(steps):
    assert rates(OneCycleLR, steps) == rates(torch.optim.lr_scheduler.OneCycleLR, steps)


def schedule_of(steps: int) -> OneCycleLR:
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    return OneCycleLR(optimizer, total_steps=steps, **SETTINGS)


def test_a_schedule_goes_on_where_it_was():
    begun, resumed = schedule_of(20), schedule_of(20)
    for _ in range(7):
        begun.optimizer.step()
        begun.step()
    resumed.load_state_dict(begun.state_dict())
    assert resumed.last_epoch == 7
    assert resumed.get_last_lr() == begun.get_last_lr()


def test_a_schedule_does_not_go_on_as_a_longer_one():
    with pytest.raises(BadInputError, match=r"for 20 steps .* for 30\. .*--start_from"):
        schedule_of(30).load_state_dict(schedule_of(20).state_dict())
