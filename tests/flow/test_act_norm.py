"""ActNorm: what the first training batch sets, and what nothing sets again. What every step promises: test_step.py."""

from __future__ import annotations

import math
import multiprocessing

import pytest
import torch
import torch.distributed as dist

from scripts.flow import ActNorm


def batch(mean=(3.0, -1.0), deviation=(2.0, 0.25), size=(4, 2, 8, 6), seed=5):
    shape = (1, 2) + (1,) * (len(size) - 2)
    noise = torch.randn(size, generator=torch.Generator().manual_seed(seed))
    return torch.tensor(mean).view(shape) + torch.tensor(deviation).view(shape) * noise


def train_as_rank(rank, folder):
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    step = ActNorm(2, 2)
    step(batch(seed=rank))
    torch.save(step.state_dict(), f"{folder}/{rank}.pt")
    dist.destroy_process_group()


class TestTheFirstBatch:
    @pytest.mark.parametrize("size", [(4, 2, 8, 6), (2, 2, 4, 6, 3)])
    def test_leaves_with_mean_zero_and_deviation_one(self, size):
        out = ActNorm(len(size) - 2, 2)(batch(size=size)).transpose(0, 1).flatten(1)
        assert torch.allclose(out.mean(dim=1), torch.zeros(2), atol=1e-5)
        assert torch.allclose(out.std(dim=1), torch.ones(2), atol=1e-5)

    def test_sets_scale_and_bias_to_numbers_known_by_hand(self):
        step = ActNorm(2, 2)
        # 1, 3: mean 2, deviation √2; 0, 0.5: mean 0.25, deviation √(1/8)
        step(torch.tensor([[1.0, 0.0], [3.0, 0.5]]).view(2, 2, 1, 1))
        assert step.scale.flatten().tolist() == pytest.approx([-0.5 * math.log(2), 0.5 * math.log(8)])
        assert step.bias.flatten().tolist() == pytest.approx([-(2**0.5), -0.25 * 8**0.5])

    def test_is_the_only_one(self):
        step = ActNorm(2, 2)
        step(batch())
        before = step.scale.clone()
        out = step(batch(mean=(0.0, 0.0), seed=6))
        assert torch.equal(step.scale, before)
        assert out.mean().abs() > 0.5

    def test_moves_a_constant_channel_and_scales_it_not(self):
        step = ActNorm(2, 2)
        image = batch()
        image[:, 1] = 0.75
        out = step(image)
        assert step.scale.flatten()[1] == 0
        assert (out[:, 1] == 0).all()
        assert torch.allclose(step.inverse(out), image, atol=1e-5)

    def test_counts_what_is_inside_the_image_alone(self):
        image = torch.zeros(4, 2, 8, 8)
        inside = torch.zeros(1, 2, 8, 8)
        image[:, :, :7, :5], inside[:, :, :7, :5] = batch(size=(4, 2, 7, 5)), 1
        masked, whole = ActNorm(2, 2), ActNorm(2, 2)
        out = masked(image, inside)
        whole(image[:, :, :7, :5])
        assert torch.allclose(masked.scale, whole.scale, atol=1e-6)
        assert torch.allclose(masked.bias, whole.bias, atol=1e-6)
        assert (out * (1 - inside)).abs().max() == 0

    def test_gives_a_gradient_to_scale_and_bias_at_once(self):
        step = ActNorm(2, 2)
        step(batch()).pow(3).sum().backward()
        assert (step.scale.grad != 0).all()
        assert (step.bias.grad != 0).all()


class TestWhatSetsNothing:
    def test_evaluation_before_training_changes_nothing(self):
        step = ActNorm(2, 2).eval()
        assert torch.equal(step(batch()), batch())
        assert not step.initialised

    def test_an_inverse_does_not_count_as_a_batch(self):
        step = ActNorm(2, 2)
        step.inverse(batch())
        assert not step.initialised

    def test_a_trained_state_is_kept_when_training_goes_on(self, tmp_path):
        trained, resumed = ActNorm(2, 2), ActNorm(2, 2)
        trained(batch())
        torch.save(trained.state_dict(), tmp_path / "step.pt")
        resumed.load_state_dict(torch.load(tmp_path / "step.pt", weights_only=True))
        other = batch(mean=(0.0, 9.0), seed=7)
        assert torch.equal(resumed.train()(other), trained(other))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="two processes are forked here")
def test_processes_that_train_together_start_from_the_first_one_s_batch(tmp_path):
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=train_as_rank, args=(rank, tmp_path)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)
        assert process.exitcode == 0
    alone = ActNorm(2, 2)
    alone(batch(seed=0))
    for rank in range(2):
        state = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert all(torch.equal(value, alone.state_dict()[name]) for name, value in state.items())
