"""Mean and maximum of the sources."""

from __future__ import annotations

import torch

from scripts.networks import MaxFusion, MeanFusion


def test_they_are_what_their_names_say():
    image = torch.tensor([0.2, 0.6, 0.1]).view(1, 3, 1, 1).expand(2, 3, 5, 4)
    torch.testing.assert_close(MeanFusion(3)(image), torch.full((2, 1, 5, 4), 0.3))
    torch.testing.assert_close(MaxFusion(3)(image), torch.full((2, 1, 5, 4), 0.6))


def test_they_have_nothing_to_learn():
    assert MeanFusion().state_dict() == MaxFusion().state_dict() == {}
