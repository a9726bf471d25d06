"""Fresh latents for the decomposition."""

from __future__ import annotations

import torch

LATENT_KINDS = ("normal", "zeros", "ones", "uniform")
"""N(0, I), 0, 1 and U[0, 1): the four of the paper's Table 2."""


def draw_latent(fused: torch.Tensor, channels: int, kind: str = "normal", seed: int = 0) -> torch.Tensor:
    """Draw a latent for every image of a batch.

    Image i gets the numbers of the seed ``seed + i``, drawn on the CPU: the result depends neither on the device nor on
    how many images are processed at once.

    Args:
        fused: tensor of shape (batch_size, 1, spatial_dim1, spatial_dim2[, spatial_dim3]).
        channels: latent channels, the number of sources minus one.
        kind: one of `LATENT_KINDS`. Defaults to "normal".
        seed: seed of the first image. Defaults to 0.

    Returns:
        tensor of shape (batch_size, channels, spatial_dim1, …), like `fused` in type and device.

    Raises:
        ValueError: when `kind` is not one of the four.
    """
    shape = list(fused.shape)
    shape[1] = channels
    if kind == "zeros":
        return fused.new_zeros(shape)
    if kind == "ones":
        return fused.new_ones(shape)
    if kind not in ["normal", "uniform"]:  # TorchScript does not know the tuple above
        raise ValueError(f"latent kind must be one of normal, zeros, ones, uniform, got '{kind}'.")
    drawn: list[torch.Tensor] = []
    for i in range(shape[0]):
        if torch.jit.is_scripting():
            # without a seed TorchScript makes one generator, a constant that all calls and threads would share
            generator = torch.Generator(device="cpu", seed=seed + i)
        else:
            generator = torch.Generator(device="cpu")
            generator.manual_seed(seed + i)
        if kind == "normal":
            drawn.append(torch.randn(shape[1:], generator=generator))
        else:
            drawn.append(torch.rand(shape[1:], generator=generator))
    return torch.stack(drawn).to(fused)


def draw_like(latent: torch.Tensor, kind: str = "normal") -> torch.Tensor:
    """Draw a latent of the shape, type and device of another from torch's global generator, as training needs it.

    Args:
        latent: tensor of any shape.
        kind: one of `LATENT_KINDS`. Defaults to "normal".

    Returns:
        tensor like `latent`.

    Raises:
        ValueError: when `kind` is not one of the four.
    """
    drawn = {"normal": torch.randn_like, "zeros": torch.zeros_like, "ones": torch.ones_like, "uniform": torch.rand_like}
    if kind not in drawn:
        raise ValueError(f"latent kind must be one of {', '.join(LATENT_KINDS)}, got '{kind}'.")
    return drawn[kind](latent)
