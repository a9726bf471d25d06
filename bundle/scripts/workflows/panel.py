"""ImagePanel: what the network sees and makes, as pictures in TensorBoard."""

from __future__ import annotations

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from monai.utils.enums import CommonKeys
from torch.utils.tensorboard import SummaryWriter


class ImagePanel:
    """One row a slice: sources, fused, latents, decomposed (estimated), absolute error (x 5).

    Args:
        writer: where the picture goes.
        rows: slices shown, from the first batch of the validation. Defaults to 4.
    """

    def __init__(self, writer: SummaryWriter, rows: int = 4) -> None:
        self.writer = writer
        self.rows = rows

    def attach(self, engine: Engine) -> None:
        """Act once in every run of `engine`, an evaluator."""
        if idist.get_rank() == 0:
            engine.add_event_handler(Events.ITERATION_COMPLETED(once=1), self)

    def __call__(self, engine: Engine) -> None:
        """Draw the first images of the batch."""
        output = engine.state.output
        image, prediction = output[CommonKeys.IMAGE], output[CommonKeys.PRED]
        self.writer.add_image(
            "sources | fused | latent | decomposed (estimated) | error x5",
            panel(image, prediction, self.rows),
            engine.state.epoch,
        )


def panel(image: torch.Tensor, prediction: dict[str, torch.Tensor], rows: int) -> torch.Tensor:
    """Lay images out side by side.

    Args:
        image: sources (batch_size, N, H, W) in [0, 1].
        prediction: "fused", "latent" and "decomposed", as from `BidirectionalInferer`.
        rows: largest number of rows.

    Returns:
        tensor of shape (1, rows * H, columns * W) in [0, 1].
    """
    image = image[:rows].detach()
    parts = {name: value[:rows].detach() for name, value in prediction.items()}
    error = 5 * (parts["decomposed"] - image).abs()
    latent = 0.5 + parts["latent"] / 6
    columns = torch.cat((image, parts["fused"], latent, parts["decomposed"], error), dim=1).clamp(0.0, 1.0)
    return columns.transpose(1, 2).flatten(2).flatten(0, 1)[None].cpu()
