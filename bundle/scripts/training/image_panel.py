"""ImagePanel: show inputs and outputs of the network in TensorBoard."""

from __future__ import annotations

import torch
from ignite.engine import Engine, Events
from monai.utils.enums import CommonKeys
from torch.utils.tensorboard import SummaryWriter


class ImagePanel:
    """One row a slice: sources, fused, latents, decomposed (estimated), absolute error (x 5).

    Of a method that only fuses, the first two. The slices are the first of an epoch: in validation the same ones every
    time.

    Args:
        writer: where the pictures go; None (all processes but the first) draws nothing.
        rows: slices shown. Defaults to 4.
        interval: epochs of the engine from one picture to the next. Defaults to 10.
    """

    TAG = "panel/sources-fused-latent-decomposed-error_x5"
    FUSED_TAG = "panel/sources-fused"

    def __init__(self, writer: SummaryWriter | None, rows: int = 4, interval: int = 10) -> None:
        self.writer = writer
        self.rows = rows
        self.interval = interval
        self._epochs = 0
        self._due = False

    def attach(self, engine: Engine) -> None:
        """Act on the first batch of an epoch of `engine`."""
        if self.writer is not None:
            engine.add_event_handler(Events.EPOCH_STARTED, self.count)
            engine.add_event_handler(Events.ITERATION_COMPLETED, self.draw)

    def count(self) -> None:
        """Begin an epoch."""
        self._due = self._epochs % self.interval == 0
        self._epochs += 1

    def draw(self, engine: Engine) -> None:
        """Draw the first images of the batch, once an epoch."""
        if not self._due:
            return
        self._due = False
        image, prediction = (engine.state.output[key] for key in (CommonKeys.IMAGE, CommonKeys.PRED))
        tag = self.TAG if "decomposed" in prediction else self.FUSED_TAG
        self.writer.add_image(tag, panel(image, prediction, self.rows), engine.state.epoch)


def panel(image: torch.Tensor, prediction: dict[str, torch.Tensor], rows: int) -> torch.Tensor:
    """Lay images out side by side.

    Args:
        image: sources (batch_size, N, H, W) in [0, 1], or (batch_size, N, H, W, D): the middle of D is shown.
        prediction: "fused", "latent" and "decomposed", as from `BidirectionalInferer`, or "fused" alone.
        rows: largest number of rows.

    Returns:
        tensor of shape (1, rows * H, columns * W) in [0, 1].
    """
    image = _flat(image[:rows].detach())
    parts = {name: _flat(value[:rows].detach()) for name, value in prediction.items()}
    columns = [image, parts["fused"]]
    if "decomposed" in parts:
        error = 5 * (parts["decomposed"] - image).abs()
        columns += [0.5 + parts["latent"] / 6, parts["decomposed"], error]
    rows_of_columns = torch.cat(columns, dim=1).clamp(0.0, 1.0)
    return rows_of_columns.transpose(1, 2).flatten(2).flatten(0, 1)[None].cpu()


def _flat(images: torch.Tensor) -> torch.Tensor:
    return images if images.dim() == 4 else images[..., images.shape[-1] // 2]
