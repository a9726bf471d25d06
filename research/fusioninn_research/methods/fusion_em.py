"""FusionEM: one step of expectation maximisation towards the image that both sources could come from."""

from __future__ import annotations

import torch

TINY = 1e-6


class FusionEM:
    """The likelihood of DDFM (Zhao et al., ICCV 2023) as an iteration that corrects a fused image.

    With the sources i and v and the fused image f, let x = f - v and y = i - v. Both what separates f from i and what
    separates it from v are Laplacian, and x is smooth::

        y - x ~ Laplace,   x ~ Laplace,   minus log p(∇x) = λ |∇x|²

    A Laplace variable is a Gaussian one whose variance is itself drawn, from an exponential distribution of mean γ:
    ``e | m ~ N(0, m), m ~ Exp(γ_m)`` for e = y - x, and likewise ``n ~ Exp(γ_n)`` for x. Then, pixel by pixel,

    - E-step: given the current x, m is distributed as ``m^(-1/2) exp(-e²/2m - m/γ_m)``, a generalised inverse Gaussian
      of order 1/2, of which ``E[1/m] = √(2/γ_m) / |e|`` and ``E[m] = |e| √(γ_m/2) + γ_m/2``. The first is the weight of
      the pixel in the M-step; the mean of the second over the image is the next γ_m. Likewise n and γ_n with x for e.
    - M-step: ``min_x E[1/m] (y - x)² + E[1/n] x² + λ |∇x|²`` by half-quadratic splitting, with k for x and u for ∇k,
      tied to them by the penalty ``ρ/2 (|k - x|² + |u - ∇k|²)``. Each of the three has a closed form, taken in turn
      once per iteration::

          k = F⁻¹[(F x + D̄ · F u) / (1 + |D|²)]                 D: Fourier transform of the periodic differences
          u = ρ / (2λ + ρ) · ∇k
          x = (2 E[1/m] y + ρ k) / (2 E[1/m] + 2 E[1/n] + ρ)

    One object serves one run: γ_m, γ_n (one per image, 1 at the start) and u (0 at the start) carry over.

    Two choices beside the model:

    - `exchanged`: E[1/m] and E[1/n] change places in the M-step. The code that was published with the paper does so in
      effect, by taking i - x for the fused image where the model has v + x: a pixel nearer to one source is drawn to
      the other, step after step, and sampling settles near the middle, a little below the plain mean. With the model's
      own order every x between 0 and y stays (but for ρ), so that the sources only bound the fused image; what lies
      between the bounds is up to the prior, which takes one region from one source and the next from the other.
    - `shared_scale`: γ_m = γ_n, the mean of the two; both sources have the same rank. With a scale each and the model's
      order, the nearer source gets ever more weight until the fused image is that source: the likelihood has no bound.
      The authors' scales are separate, with E[1/n] ≤ 2 E[1/m]; exchanged, that makes no difference to speak of.

    Args:
        first: source i of shape (batch_size, 1, H, W).
        second: source v of the same shape.
        gradient_weight: λ. Defaults to 0.5.
        penalty: ρ. Defaults to 0.01.
        exchanged: see above. Defaults to True.
        shared_scale: see above. Defaults to True.

    Raises:
        ValueError: when the sources differ in shape.
    """

    def __init__(
        self,
        first: torch.Tensor,
        second: torch.Tensor,
        gradient_weight: float = 0.5,
        penalty: float = 0.01,
        exchanged: bool = True,
        shared_scale: bool = True,
    ) -> None:
        if first.shape != second.shape:
            raise ValueError(f"the sources must have one shape, got {tuple(first.shape)} and {tuple(second.shape)}.")
        self.second = second
        self.difference = first - second
        self.gradient_weight = gradient_weight
        self.penalty = penalty
        self.exchanged = exchanged
        self.shared_scale = shared_scale
        self.first_scale = first.new_ones(len(first), 1, 1, 1)
        self.second_scale = self.first_scale.clone()
        self.slope = tuple(torch.zeros_like(first) for _ in range(2))
        self.transfer = tuple(_transfer(first, axis) for axis in (2, 3))

    def __call__(self, fused: torch.Tensor) -> torch.Tensor:
        """Correct a fused image of shape (batch_size, 1, H, W)."""
        x = fused - self.second
        first_weight, self.first_scale = expectation(self.difference - x, self.first_scale)
        second_weight, self.second_scale = expectation(x, self.second_scale)
        if self.shared_scale:
            self.first_scale = self.second_scale = (self.first_scale + self.second_scale) / 2
        if self.exchanged:
            first_weight, second_weight = second_weight, first_weight
        return self.second + self.maximise(x, first_weight, second_weight)

    def maximise(self, x: torch.Tensor, first_weight: torch.Tensor, second_weight: torch.Tensor) -> torch.Tensor:
        """The M-step: x from x and the weights, all of shape (batch_size, 1, H, W)."""
        smooth = self.smooth(x)
        shrinkage = self.penalty / (2 * self.gradient_weight + self.penalty)
        self.slope = tuple(shrinkage * (smooth.roll(-1, axis) - smooth) for axis in (2, 3))
        weighted = 2 * first_weight * self.difference + self.penalty * smooth
        return weighted / (2 * first_weight + 2 * second_weight + self.penalty)

    def smooth(self, x: torch.Tensor) -> torch.Tensor:
        """The image nearest to x whose periodic differences are nearest to the slope, by Fourier transform."""
        numerator = torch.fft.rfft2(x)
        denominator = 1.0
        for transfer, slope in zip(self.transfer, self.slope, strict=True):
            numerator = numerator + transfer.conj() * torch.fft.rfft2(slope)
            denominator = denominator + transfer.abs().square()
        return torch.fft.irfft2(numerator / denominator, s=x.shape[-2:])


def expectation(error: torch.Tensor, scale: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The E-step for a Laplacian variable.

    Args:
        error: its values, of shape (batch_size, 1, H, W).
        scale: γ of every image, of shape (batch_size, 1, 1, 1).

    Returns:
        the weight E[1/m] of every pixel, and the next γ.
    """
    distance = (error.square() + TINY).sqrt()
    weight = (2 / scale).sqrt() / distance
    return weight, (distance * (scale / 2).sqrt() + scale / 2).mean(dim=(1, 2, 3), keepdim=True)


def _transfer(like: torch.Tensor, axis: int) -> torch.Tensor:
    """Fourier transform of the periodic forward difference along `axis`, for `torch.fft.rfft2`."""
    impulse = torch.zeros_like(like[:1])
    impulse[..., 0, 0] = 1.0
    return torch.fft.rfft2(impulse.roll(-1, axis) - impulse)
