"""The slices that are measured, as the evaluation takes them."""

from __future__ import annotations

import pytest
import torch

from fusioninn_research.measured_slices import measured_slices
from scripts.data.discovery import find_patients
from scripts.data.errors import BadInputError

SOURCES = ["t1gd", "flair"]


@pytest.fixture
def patients(cohort):
    return find_patients(str(cohort / "data"), SOURCES)


def test_a_stack_of_slices_for_each_patient(patients):
    stacks = list(measured_slices(patients, SOURCES, slice_step=2))
    assert [stack.patient for stack in stacks] == ["P", "Q"]
    for stack in stacks:
        assert stack.numbers == [0, 2, 4]
        assert stack.sources.shape == (3, 2, 28, 32)
        assert stack.brain.shape == (3, 1, 28, 32)
        # normalised slice by slice
        assert torch.equal(stack.sources.amax(dim=(2, 3)), torch.ones(3, 2))
        assert not stack.sources[~stack.brain.expand_as(stack.sources)].any()


def test_a_patient_without_such_slices_is_told(patients):
    with pytest.raises(BadInputError, match="P has no slice with brain on 99%"):
        list(measured_slices(patients, SOURCES, min_brain_fraction=0.99))


@pytest.mark.parametrize(("step", "numbers"), [(2, [1, 3, 5]), (4, [2]), (16, [3])])
def test_wide_steps_begin_in_their_middle(patients, step, numbers):
    (stack, _) = measured_slices(patients, SOURCES, slice_step=step, centred=True)
    assert stack.numbers == numbers
