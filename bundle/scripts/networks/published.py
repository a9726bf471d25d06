"""PublishedFusionINN: the network of the paper's authors, in both directions as they run it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn

from scripts.flow import ActNorm
from scripts.flow.latent import draw_latent

from .fusioninn import FusionINN


class PublishedFusionINN(nn.Module):
    """FusionINN as its authors published it (Kumar et al., arXiv 2403.15769; their repository, MIT licence, 2024).

    The paper's chain of couplings and permutations, which is that of `FusionINN` without its additions, between an
    `ActNorm` and a sigmoid. Sources enter as they are, without a logit::

        (u, z) = steps(sources)          y = sigmoid(u)
        estimates = sigmoid(steps⁻¹(y, z'))

    The way back starts from y where u is due, and ends in a sigmoid that has no counterpart on the way there. So
    `inverse` is **not** the inverse of `forward`: not even the latent of the sources themselves brings them back.
    `exact_inverse` shows that the steps between are a bijection: from u it does. `configs/paper.json` is the same chain
    made bijective, with a logit before it and without the ActNorm; `FusionINN` as it is goes on from there.

    Steps and weights are those of the authors' FrEIA graph, one to one: see `load_freia`.

    Args:
        spatial_dims: number of spatial dimensions, 2 or 3. Defaults to 2.
        in_channels: number of sources N, at least 2; there is one fused and N - 1 latent channels. Defaults to 2.
        blocks: number of coupling blocks k, at least 1; other numbers than theirs as for `FusionINN`. Defaults to 3.
        hidden_channels: channels inside the subnetworks at full resolution; twice as many are used at half the
            resolution. Defaults to 32.
        clamp: bound of the exponents in the couplings. Defaults to 2.0.
        seed: seed of the permutations, which are saved with the weights. Defaults to 0.

    Raises:
        ValueError: when an argument is out of its range.

    Examples::

        >>> network = PublishedFusionINN().eval()
        >>> image = torch.rand(1, 2, 64, 48)
        >>> fused, latent = network(image)
        >>> torch.allclose(network.inverse(fused, latent), image, atol=0.1)
        False
        >>> torch.allclose(network.exact_inverse(*network.before_sigmoid(image)), image, atol=1e-4)
        True
    """

    method = "published"

    def __init__(
        self,
        spatial_dims: int = 2,
        in_channels: int = 2,
        blocks: int = 3,
        hidden_channels: int = 32,
        clamp: float = 2.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        paper = FusionINN(
            spatial_dims=spatial_dims,
            in_channels=in_channels,
            blocks=blocks,
            hidden_channels=hidden_channels,
            clamp=clamp,
            mixing=False,
            realign=False,
            haar=False,
            output_relu=True,
            seed=seed,
        )
        self.spatial_dims = spatial_dims
        self.in_channels = in_channels
        self.steps = nn.ModuleList([ActNorm(spatial_dims, in_channels), *paper.steps])
        # As in FusionINN: no margin, and the clamp.
        self.register_buffer("bounds", torch.tensor([0.0, clamp]))

    def before_sigmoid(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The bijection without the sigmoid on its fused channel.

        Args:
            image: sources of shape (batch_size, in_channels, spatial_dim1, spatial_dim2[, spatial_dim3]) in [0, 1].

        Returns:
            u (batch_size, 1, …) and the latent (batch_size, in_channels - 1, …), both unbounded.
        """
        x = self._pad_to_even(image)
        for step in self.steps:
            x = step(x)
        x = self._crop(x, image.shape[2:])
        return x[:, :1], x[:, 1:]

    def exact_inverse(self, before_sigmoid: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        """Undo `before_sigmoid`, for the record: the authors have no such thing.

        Args:
            before_sigmoid: u of shape (batch_size, 1, spatial_dim1, spatial_dim2[, spatial_dim3]).
            latent: latent of shape (batch_size, in_channels - 1, …).

        Returns:
            the sources (batch_size, in_channels, …), for even sizes: of odd ones the last row or column is cut off
            between the two directions, and with it what pixels of the last blocks had exchanged.
        """
        x = self._pad_to_even(torch.cat((before_sigmoid, latent), dim=1))
        for step in reversed(self.steps):
            x = step.inverse(x)
        return self._crop(x, before_sigmoid.shape[2:])

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Fuse.

        Args:
            image: sources of shape (batch_size, in_channels, spatial_dim1, spatial_dim2[, spatial_dim3]) in [0, 1].
                Any size: an odd one is padded to the next even one with its own edge (the authors' graph loses it).

        Returns:
            the fused image (batch_size, 1, …) in [0, 1] and the latent (batch_size, in_channels - 1, …), both of the
            size of `image`.
        """
        before_sigmoid, latent = self.before_sigmoid(image)
        return torch.sigmoid(before_sigmoid), latent

    def inverse(self, fused: torch.Tensor, latent: torch.Tensor) -> torch.Tensor:
        """The authors' way back, which is not the inverse of `forward`.

        Args:
            fused: fused image of shape (batch_size, 1, spatial_dim1, spatial_dim2[, spatial_dim3]) in [0, 1].
            latent: latent of shape (batch_size, in_channels - 1, …).

        Returns:
            estimates of the sources (batch_size, in_channels, …) in [0, 1], whatever the latent.
        """
        return torch.sigmoid(self.exact_inverse(fused, latent))

    def decompose(self, fused: torch.Tensor, kind: str = "normal", seed: int = 0) -> torch.Tensor:
        """Estimate the sources from the fused image alone, with a freshly drawn latent, as the authors do.

        Args:
            fused: fused image of shape (batch_size, 1, spatial_dim1, spatial_dim2[, spatial_dim3]) in [0, 1].
            kind: distribution of the latent: "normal" (theirs), "zeros", "ones" or "uniform". Defaults to "normal".
            seed: seed of the latent; image i of the batch is drawn with ``seed + i``. Defaults to 0.

        Returns:
            estimates of the sources (batch_size, in_channels, …) in [0, 1].
        """
        return self.inverse(fused, draw_latent(fused, self.in_channels - 1, kind, seed))

    def load_freia(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take the weights of the authors' graph (FrEIA 0.2), such as those under "model_state_dict" in their file.

        Args:
            state: state dict of a ``GraphINN`` of ActNorm, coupling, permutation, down-sampling, coupling, permutation,
                up-sampling, coupling and split.

        Raises:
            RuntimeError: when it is the state of another graph.
        """
        own = {"bounds": self.bounds, "steps.0.initialised": torch.tensor(True)}
        for name, value in state.items():
            number, _, part = name.removeprefix("module.").removeprefix("module_list.").partition(".")
            if part == "downsample_kernel":
                continue
            # Of a subnetwork's layers 0 and 2 are the convolutions, 1 and 3 the ReLUs.
            for theirs, ours in (("perm_inv", "order_back"), ("perm", "order"), ("subnet", "subnet_")):
                if part.startswith(theirs):
                    part = part.replace(theirs, ours, 1)
                    break
            own[f"steps.{number}.{part.replace('.0.', '.conv_0.').replace('.2.', '.conv_1.')}"] = value
        self.load_state_dict(own)

    def _pad_to_even(self, x: torch.Tensor) -> torch.Tensor:
        odd = [size % 2 for size in reversed(x.shape[2:])]
        return F.pad(x, [n for size in odd for n in (0, size)], mode="replicate") if any(odd) else x

    @staticmethod
    def _crop(x: torch.Tensor, size: torch.Size) -> torch.Tensor:
        for axis, length in enumerate(size, start=2):
            x = x.narrow(axis, 0, length)
        return x
