"""The latent loss: inert as published, alive as it is here."""

from __future__ import annotations

import pytest
import torch

from scripts.flow.latent import LATENT_KINDS, draw_like
from scripts.losses import MMDLoss

REAL_SIZE = (4, 1, 240, 240)


def mean_of(loss, latents):
    return torch.stack([loss(latent) for latent in latents]).mean().item()


def draws(scale=1.0, shift=0.0, size=REAL_SIZE, count=8):
    return [scale * torch.randn(size) + shift for _ in range(count)]


class TestPatchKernel:
    def test_it_is_zero_on_average_for_the_standard_normal(self):
        values = torch.stack([MMDLoss()(latent) for latent in draws(count=40, size=(4, 1, 64, 64))])
        assert values.min() < 0 < values.max()
        assert values.mean().abs() < 3 * values.std() / 40**0.5
        assert values.abs().max() < 5e-3

    @pytest.mark.parametrize(
        ("scale", "shift", "least"),
        [(2.0, 0.0, 0.05), (5.0, 0.0, 0.2), (0.1, 0.0, 0.1), (0.0, 0.0, 0.1), (1.0, 0.5, 0.02)],
    )
    def test_it_tells_other_distributions_from_it_at_the_latent_s_real_size(self, scale, shift, least):
        assert mean_of(MMDLoss(), draws(scale, shift, count=4)) > least

    def test_it_grows_with_the_distance(self):
        values = [mean_of(MMDLoss(), draws(scale, count=4)) for scale in (1, 1.5, 2, 4)]
        assert values == sorted(values)
        values = [mean_of(MMDLoss(), draws(shift=shift, count=4)) for shift in (0, 0.5, 1, 2)]
        assert values == sorted(values)

    def test_it_sees_structure_that_mean_and_variance_do_not_show(self):
        blocky = [torch.randn(4, 1, 60, 60).repeat_interleave(4, 2).repeat_interleave(4, 3) for _ in range(4)]
        assert blocky[0].std() == pytest.approx(1, abs=0.05)
        assert mean_of(MMDLoss(), blocky) > 0.02

    @pytest.mark.parametrize(("scale", "shift"), [(2.0, 0.0), (0.1, 0.0), (1.0, 1.0)])
    def test_its_gradient_leads_back_to_the_standard_normal(self, scale, shift):
        noise = torch.randn(REAL_SIZE)
        factor, offset = torch.tensor(scale, requires_grad=True), torch.tensor(shift, requires_grad=True)
        torch.stack([MMDLoss()(factor * noise + offset) for _ in range(4)]).mean().backward()
        if scale != 1:
            assert factor.grad.sign() == (1 if scale > 1 else -1)
            assert factor.grad.abs() > 0.01
        else:
            assert offset.grad > 0.01

    @pytest.mark.parametrize("kind", LATENT_KINDS)
    def test_it_is_least_for_the_distribution_that_fresh_latents_have(self, kind):
        size = (4, 1, 64, 64)
        values = {
            other: mean_of(MMDLoss(latent=kind), [draw_like(torch.empty(size), other) for _ in range(8)])
            for other in LATENT_KINDS
        }
        assert abs(values[kind]) < 2e-3
        assert min(value for other, value in values.items() if other != kind) > 0.01

    def test_an_unknown_latent_is_refused(self):
        with pytest.raises(ValueError, match="latent must be one of normal"):
            MMDLoss(latent="gaussian")

    def test_shrinking_too_wide_a_latent_lowers_it(self):
        wide = draws(2.0, count=4)
        assert mean_of(MMDLoss(), [0.9 * latent for latent in wide]) < mean_of(MMDLoss(), wide)

    def test_single_pixels_of_a_latent_of_real_size_receive_a_gradient(self):
        latent = (2 * torch.randn(REAL_SIZE)).requires_grad_()
        MMDLoss()(latent).backward()
        reached = latent.grad != 0
        assert reached.sum() == 256 * 16
        assert latent.grad[reached].abs().median() > 1e-6
        assert (latent.grad * latent).sum() > 0

    def test_a_few_steps_of_descent_bring_the_deviation_to_one(self):
        scale = torch.tensor(3.0, requires_grad=True)
        optimizer = torch.optim.Adam([scale], lr=0.15)
        for _ in range(40):
            optimizer.zero_grad()
            MMDLoss(patches=96)(scale * torch.randn(2, 1, 32, 32)).backward()
            optimizer.step()
        assert scale.item() == pytest.approx(1, abs=0.25)

    @pytest.mark.parametrize("size", [(2, 1, 37, 22), (2, 3, 16, 16), (2, 2, 9, 8, 10)])
    def test_any_size_and_number_of_channels_will_do(self, size):
        latent = torch.randn(size, requires_grad=True)
        value = MMDLoss()(latent)
        value.backward()
        assert value.shape == ()
        assert latent.grad.isfinite().all()

    def test_a_patch_is_a_square_of_neighbours_from_one_image(self):
        latent = torch.arange(2 * 8 * 8.0).view(2, 1, 8, 8)
        patches = MMDLoss(patches=100)._patches(latent)
        assert patches.shape == (8, 16)
        first = patches[patches[:, 0].argmin()].view(4, 4)
        assert torch.equal(first, latent[0, 0, :4, :4])
        assert sorted(patches.flatten().tolist()) == latent.flatten().tolist()

    def test_a_patch_of_two_latent_channels_holds_both(self):
        latent = torch.stack((torch.zeros(1, 8, 8), torch.ones(1, 8, 8)), dim=1)
        assert MMDLoss()._patches(latent).sum(dim=1).tolist() == [16.0] * 4


class TestPublishedKernel:
    """Kernel widths of 0.05 to 0.9 on samples of 57,600 numbers: whatever the latent, the value is the same."""

    def test_it_gives_the_same_number_for_any_latent(self):
        loss = MMDLoss("published")
        for scale, shift in ((1.0, 0.0), (5.0, 0.0), (1.0, 3.0)):
            value = loss(scale * torch.randn(64, 1, 240, 240) + shift)
            assert value.item() == pytest.approx(0.093750, abs=2e-5)

    def test_the_number_is_that_of_the_diagonal_alone(self):
        assert 2 * 3 * 64 / 64**2 == 0.09375

    def test_what_is_not_on_the_diagonal_shows_in_the_sixth_digit_only(self):
        """As the authors' own code gives it for a batch of 64: 0.093756 for N(0, 25)."""
        value = MMDLoss("published")(5 * torch.randn(64, 1, 240, 240)).item()
        assert value == pytest.approx(0.0937566, abs=2e-7)

    def test_the_kernel_is_the_authors_on_numbers_done_by_hand(self):
        """One pixel, two images, against zeros: distances 1 and 4 from them, 1 from each other."""
        kernel = {d: sum(a * a / (a * a + d) for a in (0.05, 0.2, 0.9)) for d in (0, 1, 4)}
        within = (2 * kernel[0] + 2 * kernel[1]) / 4
        across = (2 * kernel[1] + 2 * kernel[4]) / 4
        loss = MMDLoss("published", latent="zeros")(torch.tensor([1.0, 2.0]).view(2, 1, 1, 1))
        assert loss.item() == pytest.approx(within + kernel[0] - 2 * across, abs=1e-6)

    def test_its_gradient_is_nothing(self):
        latent = (5 * torch.randn(16, 1, 240, 240)).requires_grad_()
        MMDLoss("published")(latent).backward()
        assert latent.grad.abs().max() < 1e-9

    def test_on_few_dimensions_it_would_have_worked(self):
        loss = MMDLoss("published")
        assert loss(torch.randn(256, 1, 1, 1) + 3) > loss(torch.randn(256, 1, 1, 1)) + 0.5


class TestBadArguments:
    def test_an_unknown_kernel_is_refused(self):
        with pytest.raises(ValueError, match="one of imq, published, got 'rbf'"):
            MMDLoss("rbf")
