"""The head that guesses errors."""

from __future__ import annotations

import pytest
import torch

from scripts.networks.uncertainty import FLOOR, UncertaintyHead


class TestUncertaintyHead:
    def test_there_is_a_doubt_for_every_pixel_of_every_source(self):
        assert UncertaintyHead(3)(torch.rand(2, 1, 9, 7), torch.rand(2, 3, 9, 7)).shape == (2, 3, 9, 7)

    def test_it_starts_at_two_percent_everywhere(self):
        sigma = UncertaintyHead()(torch.rand(1, 1, 8, 8), torch.rand(1, 2, 8, 8))
        assert sigma.flatten().tolist() == pytest.approx([0.0193] * 128, abs=1e-4)

    def test_it_is_never_below_its_floor_nor_without_bound(self):
        head = UncertaintyHead()
        for bias, expected in ((-100.0, FLOOR), (100.0, FLOOR + 2.7183)):
            torch.nn.init.constant_(head.conv_2.bias, bias)
            assert head(torch.rand(1, 1, 8, 8), torch.rand(1, 2, 8, 8)).mean().item() == pytest.approx(
                expected, rel=1e-2
            )

    def test_a_calibration_multiplies_each_source_and_adds_to_the_last_one(self):
        head = UncertaintyHead()
        fused, decomposed = torch.rand(1, 1, 8, 8), torch.rand(1, 2, 8, 8)
        before = head(fused, decomposed)
        head.calibrate([2.0, 0.5])
        head.calibrate([2.0, 1.0])
        assert torch.allclose(head(fused, decomposed), before * torch.tensor([4.0, 0.5]).view(1, 2, 1, 1))

    def test_the_file_carries_whose_errors_it_tells_and_the_factors(self):
        head = UncertaintyHead(belongs_to="ab" * 32)
        head.calibrate([0.5, 2.0])
        other = UncertaintyHead()
        other.load_state_dict(head.state_dict())
        assert other.belongs_to == "ab" * 32
        assert other.factor.tolist() == [0.5, 2.0]

    def test_it_is_a_few_thousand_parameters(self):
        assert sum(parameter.numel() for parameter in UncertaintyHead().parameters()) == 3058

    @pytest.mark.parametrize("wrong", [{"in_channels": 1}, {"hidden_channels": 0}])
    def test_wrong_sizes_are_told(self, wrong):
        with pytest.raises(ValueError, match="must be at least"):
            UncertaintyHead(**wrong)
