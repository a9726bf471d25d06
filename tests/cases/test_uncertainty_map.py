"""The map of the expected error of decomposed images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.cases.case import DecomposedCase
from scripts.cases.uncertainty_map import UncertaintyMap, load_head, without_offset
from scripts.data.errors import BadInputError
from scripts.networks.uncertainty import UncertaintyHead
from scripts.networks.weights import fingerprint

SCALE = {"mode": "slice", "slice_axis": 2, "offset": [[5.0] * 3, [7.0] * 3], "factor": [[100.0] * 3, [40.0, 0.0, 20.0]]}


@pytest.fixture
def ckpt(tmp_path, network):
    torch.save(network.state_dict(), tmp_path / "model.pt")
    return tmp_path / "model.pt"


@pytest.fixture
def path(tmp_path, ckpt):
    torch.save(UncertaintyHead(belongs_to=fingerprint(ckpt)).state_dict(), tmp_path / "head.pt")
    return tmp_path / "head.pt"


def decomposed(**settings):
    return DecomposedCase(
        patient="P",
        sources=("t1gd", "flair"),
        fused=torch.rand(1, 8, 8, 3),
        decomposed=torch.rand(2, 8, 8, 3),
        scale=SCALE,
        affine=np.eye(4),
        file="P_fused.nii.gz",
        **settings,
    )


def test_the_map_is_in_the_sources_own_units(network, ckpt, path):
    case = UncertaintyMap(UncertaintyHead(), path, ckpt)(network, decomposed())
    sigma = case.maps["uncertainty"]
    assert sigma[0].flatten().tolist() == pytest.approx([1.93] * 192, abs=0.01)
    assert [sigma[1, ..., i].mean().item() for i in range(3)] == pytest.approx([0.773, 0, 0.387], abs=0.01)


def test_differences_have_no_offset():
    assert without_offset(SCALE) == {**SCALE, "offset": [[0.0] * 3, [0.0] * 3]}


def test_a_head_of_other_weights_is_refused(tmp_path, network, ckpt, path):
    next(network.parameters()).data += 1
    torch.save(network.state_dict(), tmp_path / "other.pt")
    with pytest.raises(
        BadInputError, match=r"head\.pt estimates the errors of other weights .*--recipe uncertainty.*--unc"
    ):
        load_head(UncertaintyHead(), path, tmp_path / "other.pt")


def test_a_head_that_is_missing_or_damaged_is_told(tmp_path, ckpt, path):
    with pytest.raises(BadInputError, match=r"No weights of the map of uncertainty at .*none\.pt.*--uncertainty_path"):
        load_head(UncertaintyHead(), tmp_path / "none.pt", ckpt)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(BadInputError, match=r"head\.pt cannot be read as a checkpoint"):
        load_head(UncertaintyHead(), path, ckpt)


def test_a_head_of_another_number_of_sources_is_told(ckpt, path):
    with pytest.raises(BadInputError, match=r"head\.pt does not fit this UncertaintyHead"):
        load_head(UncertaintyHead(3), path, ckpt)


def test_estimates_of_drawn_latents_have_no_map(ckpt, path):
    with pytest.raises(BadInputError, match="latent is 'normal'. Leave out --latent, or --uncertainty"):
        UncertaintyMap(UncertaintyHead(), path, ckpt, latent="normal")


def test_restored_sources_have_no_map(network, ckpt, path):
    mapped = UncertaintyMap(UncertaintyHead(), path, ckpt)
    with pytest.raises(BadInputError, match="come back exactly.* Leave out --uncertainty, or --lossless"):
        mapped(network, decomposed(restored=True))
