"""ConvMuon: Muon for convolutions, Adam for everything else."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from scripts.training.conv_muon import ConvMuon, orthogonalised


def gradients(module: nn.Module, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=generator)


class TestOrthogonalised:
    @pytest.mark.parametrize("shape", [(4, 36), (36, 4), (8, 8)])
    def test_singular_values_come_near_one(self, shape):
        torch.manual_seed(0)
        values = torch.linalg.svdvals(orthogonalised(torch.randn(shape)))
        assert values.min() > 0.6
        assert values.max() < 1.3

    def test_singular_vectors_stay(self):
        torch.manual_seed(0)
        matrix = torch.randn(3, 20)
        u, _, v = torch.linalg.svd(matrix, full_matrices=False)
        inner = u.T @ orthogonalised(matrix) @ v.T
        assert (inner - inner.diag().diag()).abs().max() < 1e-5

    def test_the_size_of_the_matrix_does_not_matter(self):
        torch.manual_seed(0)
        matrix = torch.randn(4, 9)
        assert torch.allclose(orthogonalised(1000 * matrix), orthogonalised(matrix), atol=1e-5)

    def test_zeros_stay_zeros(self):
        assert not orthogonalised(torch.zeros(3, 5)).any()


class TestConvMuon:
    def test_a_step_of_a_convolution_has_the_root_mean_square_of_a_step_of_adam(self):
        conv = nn.Conv2d(16, 16, 3)
        before = conv.weight.detach().clone()
        optimizer = ConvMuon(conv.parameters(), lr=0.01)
        gradients(conv, 0)
        optimizer.step()
        rms = (conv.weight - before).square().mean().sqrt() / 0.01
        # 0.2, but for singular values of 0.7 to 1.2 in place of 1
        assert 0.2 * 0.7 < rms < 0.2 * 1.2

    def test_a_step_goes_downhill(self):
        torch.manual_seed(0)
        conv = nn.Conv2d(2, 4, 3)
        before = conv.weight.detach().clone()
        optimizer = ConvMuon(conv.parameters())
        gradients(conv, 0)
        optimizer.step()
        assert ((conv.weight - before) * conv.weight.grad).sum() < 0

    def test_biases_take_the_steps_of_adam(self):
        torch.manual_seed(0)
        ours = nn.Conv2d(2, 4, 3)
        theirs = copy.deepcopy(ours)
        muon, adam = ConvMuon(ours.parameters(), lr=0.01), torch.optim.Adam([theirs.bias], lr=0.01)
        for seed in range(5):
            gradients(ours, seed)
            theirs.bias.grad = ours.bias.grad.clone()
            muon.step()
            adam.step()
        assert torch.allclose(ours.bias, theirs.bias, atol=1e-7)

    def test_the_memory_format_of_the_weights_does_not_matter(self):
        torch.manual_seed(0)
        plain = nn.Conv2d(3, 4, 3)
        last = copy.deepcopy(plain).to(memory_format=torch.channels_last)
        for module in (plain, last):
            optimizer = ConvMuon(module.parameters(), lr=0.01)
            for seed in range(3):
                gradients(module, seed)
                optimizer.step()
        assert torch.allclose(plain.weight, last.weight, atol=1e-6)

    def test_it_learns_a_convolution(self):
        torch.manual_seed(0)
        target, learned = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(2, 3, 3, padding=1)
        optimizer = ConvMuon(learned.parameters(), lr=0.02)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, 300)
        for _ in range(300):
            image = torch.randn(4, 2, 8, 8)
            optimizer.zero_grad()
            (learned(image) - target(image).detach()).square().mean().backward()
            optimizer.step()
            schedule.step()
        assert torch.allclose(learned.weight, target.weight, atol=0.01)

    def test_it_goes_on_from_its_state(self):
        torch.manual_seed(0)
        conv = nn.Conv2d(2, 4, 3)
        optimizer = ConvMuon(conv.parameters(), lr=0.01)
        gradients(conv, 0)
        optimizer.step()
        other = copy.deepcopy(conv)
        resumed = ConvMuon(other.parameters(), lr=0.01)
        resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        for module, each in ((conv, optimizer), (other, resumed)):
            gradients(module, 1)
            each.step()
        assert torch.equal(conv.weight, other.weight)
        assert torch.equal(conv.bias, other.bias)

    def test_parameters_without_a_gradient_stay(self):
        conv = nn.Conv2d(2, 4, 3)
        before = conv.weight.detach().clone()
        ConvMuon(conv.parameters()).step()
        assert torch.equal(conv.weight, before)

    @pytest.mark.parametrize("bad", [{"lr": 0.0}, {"rms": -1.0}, {"momentum": 1.0}])
    def test_bad_arguments_are_named(self, bad):
        with pytest.raises(ValueError, match=next(iter(bad))):
            ConvMuon(nn.Conv2d(1, 1, 3).parameters(), **bad)
