"""Fusing, storing and taking apart at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.cases.fuse import ExactNetwork, FuseVolume, slice_ssim
from scripts.data.errors import BadInputError
from scripts.networks import FusionINN
from scripts.outputs.levels import as_stored


@pytest.fixture
def network():
    network = FusionINN(hidden_channels=4).eval()
    for name, weight in network.named_parameters():
        if "conv_1" in name:
            torch.nn.init.normal_(weight, std=0.05)
    return network


@pytest.fixture
def data():
    image = torch.rand(2, 20, 21, 5)
    image[..., 0] = 0
    files = {"t1gd": "P_t1ce.nii.gz", "flair": "P_flair.nii.gz"}
    return {"patient": "P", "image": image, "files": files, "intensity_scale": {"mode": "slice", "slice_axis": 2}}


@pytest.mark.parametrize(("dtype", "levels"), [("uint8", 255), ("uint16", 65535)])
def test_integers_round_and_cut_off(dtype, levels):
    stored = as_stored(torch.tensor([-0.2, 0.0, 0.3, 1.0, 1.4]), dtype)
    assert torch.allclose(stored, torch.tensor([0.0, 0.0, round(0.3 * levels) / levels, 1.0, 1.0]), atol=1e-7)


def test_floats_are_cut_off_and_the_input_is_left_alone():
    fused = torch.tensor([-0.2, 0.123456789, 1.4])
    for dtype in ("float32", "uint8"):
        stored = as_stored(fused, dtype)
        assert stored.tolist() == pytest.approx([0.0, 0.1234568, 1.0], abs=1e-7 if dtype == "float32" else 1 / 500)
    assert fused.tolist() == pytest.approx([-0.2, 0.1234568, 1.4])


def test_only_a_lossless_fusion_keeps_what_exceeds_the_range(network, data):
    data["image"] = data["image"] * 1.5
    plain, lossless = (FuseVolume("float32", lossless=keep)(network, data) for keep in (False, True))
    assert plain.fused.max() == 1
    assert lossless.fused.max() > 1
    assert torch.equal(lossless.fused.clamp(0, 1), plain.fused)
    assert torch.equal(lossless.decomposed, plain.decomposed)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_shapes_are_those_of_the_sources_whatever_the_axis(network, data, axis):
    data["intensity_scale"]["slice_axis"] = axis
    case = FuseVolume()(network, data)
    assert case.fused.shape == (1, 20, 21, 5)
    assert case.decomposed.shape == (2, 20, 21, 5)
    assert case.ssim["fused"].shape == ((20, 21, 5)[axis], 2)
    assert case.latent is None


def test_what_is_stored_is_what_is_taken_apart(network, data):
    case = FuseVolume("uint8")(network, data)
    levels = case.fused * 255
    assert torch.allclose(levels, levels.round(), atol=1e-4)
    one = network.decompose(case.fused[None, ..., 3], seed=3)[0].clamp(min=0)
    assert torch.allclose(case.decomposed[..., 3], one, atol=1e-5)


def test_the_result_does_not_depend_on_how_many_slices_go_at_once(network, data):
    one, many = (FuseVolume(slices_at_once=n)(network, data) for n in (1, 5))
    assert torch.allclose(one.fused, many.fused, atol=2e-5)
    assert torch.allclose(one.decomposed, many.decomposed, atol=1e-3)


@pytest.mark.parametrize("mode", ["slice", "volume"])
def test_the_latent_is_kept_for_a_lossless_round_trip(network, data, mode):
    data["intensity_scale"]["mode"] = mode
    data["image"][0, 3, 3, 3] = 2.5
    case = FuseVolume("float32", lossless=True)(network, data)
    exact = ExactNetwork()(network, mode)
    like = next(exact.parameters())
    fused, latent = (part.permute(3, 0, 1, 2).to(like) for part in (case.fused, case.latent))
    with torch.no_grad():
        back = exact.inverse(fused, latent).permute(1, 2, 3, 0)
    assert (back - data["image"]).abs().max() < 1e-4


def test_double_precision_is_kept_for_values_above_the_range(network):
    exact = ExactNetwork()
    assert exact(network, "slice") is network
    assert next(exact(network, "volume").parameters()).dtype == torch.float64
    assert exact(network, "volume") is exact(network, "volume")
    assert next(network.parameters()).dtype == torch.float32


def test_black_slices_have_no_score(data):
    image = data["image"]
    values = slice_ssim(image, image, 2)
    assert np.isnan(values[0]).all()
    assert values[1:] == pytest.approx(1.0, abs=1e-5)


def test_slices_smaller_than_the_window_have_no_score():
    assert np.isnan(slice_ssim(torch.rand(2, 10, 30, 3), torch.rand(2, 10, 30, 3), 2)).all()


@pytest.mark.parametrize(
    "wrong", [{"dtype": "int8"}, {"latent": "cauchy"}, {"seed": -1}, {"seed": "a"}, {"slices_at_once": 0}]
)
def test_wrong_settings_are_told(wrong):
    with pytest.raises(BadInputError, match=r"(fused_dtype|latent|seed|slices_at_once) is .*, expected "):
        FuseVolume(**wrong)


def test_more_sources_than_the_network_takes_are_told(network, data):
    data["image"] = torch.rand(3, 20, 21, 5)
    with pytest.raises(BadInputError, match="3 sources are given, but the network fuses 2. Change --sources"):
        FuseVolume()(network, data)
