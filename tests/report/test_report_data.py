from __future__ import annotations

import numpy as np
import pytest
import torch


def test_sources_are_those_at_hand_and_those_estimated(make_patient):
    assert make_patient().sources == ["t1gd", "flair"]
    assert make_patient(volumes={}).sources == ["t1gd", "flair"]


def test_tensors_become_arrays(make_patient):
    data = make_patient()
    same = make_patient(fused=torch.from_numpy(data.fused))
    assert isinstance(same.fused, np.ndarray)


def test_axes_follow_the_affine(make_patient):
    turned = make_patient().affine[:, [2, 0, 1, 3]]
    assert make_patient(affine=turned).axes == [1, 2, 0]


def test_other_shapes_are_refused(make_patient):
    with pytest.raises(ValueError, match=r"one shape, got \(2, 2, 2\)"):
        make_patient(uncertainty={"t1gd": np.zeros((2, 2, 2))})
    with pytest.raises(ValueError, match="one shape"):
        make_patient(seg=np.zeros((2, 2, 2)))


def test_a_fused_image_alone_is_refused(make_patient):
    with pytest.raises(ValueError, match="a source or an estimate"):
        make_patient(volumes={}, decomposed={})
