"""What the network sees and makes, as pictures in TensorBoard."""

from __future__ import annotations

import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from scripts.training.image_panel import ImagePanel, panel


def test_sources_results_and_errors_lie_side_by_side():
    image = torch.rand(3, 2, 8, 6)
    prediction = {"fused": torch.rand(3, 1, 8, 6), "latent": torch.zeros(3, 1, 8, 6), "decomposed": image + 0.1}
    picture = panel(image, prediction, rows=2)
    assert picture.shape == (1, 2 * 8, 8 * 6)
    row, columns = picture[0, 8:], picture[0, 8:].split(6, dim=1)
    assert row.min() >= 0
    assert row.max() <= 1
    assert torch.equal(columns[0], image[1, 0])
    assert torch.equal(columns[1], image[1, 1])
    assert torch.equal(columns[2], prediction["fused"][1, 0])
    assert torch.equal(columns[3], torch.full((8, 6), 0.5))
    torch.testing.assert_close(columns[6], torch.full((8, 6), 0.5), rtol=0, atol=1e-5)


def test_it_is_drawn_in_every_tenth_validation(make_evaluator, tmp_path):
    with SummaryWriter(tmp_path) as writer:
        evaluator = make_evaluator([ImagePanel(writer)])
        for epoch in range(5, 105, 5):
            evaluator.run(epoch)
    events = EventAccumulator(str(tmp_path)).Reload()
    pictures = events.Images(ImagePanel.TAG)
    assert [picture.step for picture in pictures] == [5, 55]
    assert (pictures[0].height, pictures[0].width) == (2 * 16, 8 * 16)


def test_without_a_writer_nothing_is_drawn(make_evaluator):
    make_evaluator([ImagePanel(None)]).run(1)


def test_of_a_method_that_only_fuses_sources_and_fused_are_drawn(make_evaluator, tmp_path):
    with SummaryWriter(tmp_path) as writer:
        evaluator = make_evaluator([ImagePanel(writer)])
        evaluator.inferer = lambda inputs, network, *_, **__: {"fused": network(inputs)[0]}
        evaluator.run(1)
    (picture,) = EventAccumulator(str(tmp_path)).Reload().Images(ImagePanel.FUSED_TAG)
    assert (picture.height, picture.width) == (2 * 16, 3 * 16)


def test_of_volumes_the_middle_slices_are_drawn():
    image = torch.rand(2, 2, 8, 6, 5)
    prediction = {"fused": torch.rand(2, 1, 8, 6, 5), "latent": torch.zeros(2, 1, 8, 6, 5), "decomposed": image}
    middle = {name: value[..., 2] for name, value in prediction.items()}
    assert torch.equal(panel(image, prediction, rows=2), panel(image[..., 2], middle, rows=2))
