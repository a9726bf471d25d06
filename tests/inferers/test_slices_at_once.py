"""How many slices are computed together, and that the images do not depend on it."""

from __future__ import annotations

import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.inferers import decompose_volume, fuse_volume, restore_volume
from scripts.inferers.maps import contribution_volume, spread_volumes
from scripts.inferers.refined_fusion import RefinedFusion
from scripts.inferers.slices_at_once import CPU_BYTES, GPU_BYTES, batches, check_slices_at_once, or_else
from scripts.networks import FusionINN, MeanFusion

CPU, GPU = torch.device("cpu"), torch.device("cuda")
LARGEST_LAYER = (32 + 2) * 60 * 60 * 4
"""Bytes: the last convolution of two sources of 60 × 60, 32 channels to 2, in single precision."""
SIX_BLOCKS = {"blocks": 6}
SHIPPED = {}


def sizes(network, image, wanted="auto", device=CPU):
    """Number of slices in each batch."""
    found = []
    with torch.no_grad():
        for part in batches(network, device, len(image), wanted):
            network(image[part])
            found.append(len(image[part]))
    assert sum(found) == len(image)
    return found


class TestNumber:
    @pytest.mark.parametrize(
        ("settings", "side", "expected"),
        [
            (SIX_BLOCKS, 240, [1, 1, 1, 1]),
            (SHIPPED, 240, [1, 3]),
            (SIX_BLOCKS, 128, [1, 3]),
            (SHIPPED, 128, [1, 3]),
        ],
    )
    def test_on_a_cpu_it_depends_on_the_largest_layer_of_a_slice(self, settings, side, expected):
        assert sizes(FusionINN(**settings), torch.rand(4, 2, side, side)) == expected

    def test_the_largest_layer_fits_the_limit(self):
        together = CPU_BYTES // LARGEST_LAYER
        assert sizes(FusionINN(blocks=6), torch.rand(20, 2, 60, 60)) == [1, together, 19 - together]

    def test_a_gpu_gets_more(self):
        together = GPU_BYTES // LARGEST_LAYER
        assert sizes(FusionINN(blocks=6), torch.rand(140, 2, 60, 60), device=GPU) == [1, together, 139 - together]

    def test_double_precision_counts_twice(self):
        single, double = (FusionINN(blocks=6, hidden_channels=4).to(dtype) for dtype in (torch.float32, torch.float64))
        image = torch.rand(30, 2, 120, 120)
        assert [sizes(single, image)[1], sizes(double, image.double())[1]] == [23, 11]

    def test_what_the_user_says_counts(self):
        assert sizes(FusionINN(), torch.rand(7, 2, 16, 16), 3) == [3, 3, 1]

    def test_a_method_whose_layers_cannot_be_measured_gets_one_slice_at_a_time(self):
        assert sizes(MeanFusion(), torch.rand(3, 2, 16, 16)) == [1, 1, 1]

    def test_an_export_for_batches_of_one_size_gets_these(self):
        network = MeanFusion()
        network.static_shape = [2, 2, 16, 16]
        assert sizes(network, torch.rand(4, 2, 16, 16)) == [2, 2]
        assert sizes(network, torch.rand(4, 2, 16, 16), 4) == [4]

    def test_no_hook_stays_on_the_network_also_after_an_error(self):
        network = FusionINN(hidden_channels=4)
        for _ in batches(network, CPU, 5, "auto"):
            break
        assert not any(part._forward_hooks for part in network.modules())

    def test_work_without_a_network_has_its_own_number(self):
        assert (or_else("auto", 4), or_else(3, 4)) == (4, 3)


class TestImages:
    @pytest.fixture
    def volume(self):
        return torch.rand(2, 20, 24, 9)

    @pytest.mark.parametrize("wanted", ["auto", 1, 2, 8])
    def test_fused_and_decomposed_volumes_do_not_depend_on_it(self, network, volume, wanted):
        fused, latent = fuse_volume(network, volume, 2, 3)
        again, latent_again = fuse_volume(network, volume, 2, wanted)
        assert torch.allclose(fused, again, rtol=0, atol=1e-5)
        assert torch.allclose(latent, latent_again, rtol=0, atol=1e-4)
        assert torch.allclose(restore_volume(network, fused, latent, 2, wanted), volume, rtol=0, atol=1e-4)
        drawn = [decompose_volume(network, fused, 2, "normal", 5, size) for size in (3, wanted)]
        assert torch.allclose(*drawn, rtol=0, atol=1e-4)

    def test_nor_do_maps(self, network, volume):
        parts = [contribution_volume(network, volume, 2, size) for size in ("auto", 2)]
        assert torch.allclose(*parts, rtol=0, atol=1e-5)
        spreads = [spread_volumes(network, volume[:1], 2, (2,), 0, size)[0] for size in ("auto", 2)]
        assert torch.allclose(*spreads, rtol=0, atol=1e-4)

    def test_nor_do_refined_images(self, network, volume):
        refined = [fuse_volume(RefinedFusion(network, 5), volume, 2, size)[0] for size in ("auto", 1, 2)]
        # Adam turns rounding into steps where a gradient is nearly zero, so single pixels may differ by more.
        assert all((refined[0] - other).abs().mean() < 1e-5 for other in refined[1:])

    def test_nor_do_stored_grey_levels_of_the_shipped_network_but_for_rounding(self, shipped):
        volume = torch.rand(2, 64, 64, 6)
        one, auto, eight = (fuse_volume(shipped, volume, 2, size)[0] for size in (1, "auto", 8))
        assert max((one - auto).abs().max(), (one - eight).abs().max()) < 0.5 / 65535


@pytest.fixture(scope="module")
def shipped():
    from scripts import BUNDLE_ROOT
    from scripts.networks.weights import load_weights

    return load_weights(FusionINN(), f"{BUNDLE_ROOT}/models/model.pt").eval()


@pytest.mark.parametrize("wrong", [0, -1, "two", 1.5, True, None])
def test_anything_but_auto_and_a_number_from_1_on_is_an_error(wrong):
    with pytest.raises(BadInputError, match=r"slices_at_once is .*, expected auto or a whole number from 1 on"):
        check_slices_at_once(wrong)


@pytest.mark.parametrize("right", ["auto", 1, 100])
def test_auto_and_numbers_are_accepted(right):
    check_slices_at_once(right)
