"""Mean and differences of the sources."""

from __future__ import annotations

import pytest
import torch

from scripts.flow import SourceMixing


class TestSourceMixing:
    @pytest.mark.parametrize("sources", [2, 3, 5])
    def test_the_first_channel_is_the_mean(self, sources):
        x = torch.rand(2, sources, 3, 4, dtype=torch.float64)
        assert torch.allclose(SourceMixing()(x)[:, 0], x.mean(dim=1), rtol=0, atol=1e-15)

    def test_the_others_are_differences_to_the_first_source(self):
        x = torch.tensor([1.0, 3.0, 8.0]).view(1, 3, 1, 1)
        assert SourceMixing()(x).flatten().tolist() == [4.0, 2.0, 7.0]
        assert SourceMixing().inverse(SourceMixing()(x)).flatten().tolist() == [1.0, 3.0, 8.0]

    def test_equal_sources_have_no_differences(self):
        x = torch.rand(1, 1, 4, 4).expand(1, 3, 4, 4)
        mixed = SourceMixing()(x)
        assert torch.equal(mixed[:, :1], x[:, :1])
        assert mixed[:, 1:].abs().max() == 0
