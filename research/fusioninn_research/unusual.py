"""Make pairs unusual in known ways, to see whether it is noticed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy import ndimage

from scripts.data.slices import brain_mask

Spoil = Callable[[torch.Tensor], torch.Tensor]
"""Takes two sources [2, H, W, S], one slice after the other, to a changed copy."""


def swapped(image: torch.Tensor) -> torch.Tensor:
    """The second source given as the first."""
    return image.flip(0)


def twice(which: int) -> Spoil:
    """One source given as both."""
    return lambda image: image[[which, which]].clone()


def shifted(pixels: int) -> Spoil:
    """The second source displaced in the plane, along the diagonal.

    Args:
        pixels: length of the displacement.
    """

    def spoil(image: torch.Tensor) -> torch.Tensor:
        step = round(pixels / 2**0.5)
        changed = image.clone()
        changed[1] = 0
        changed[1, step:, step:] = image[1, :-step, :-step]
        return changed

    return spoil


def rotated(degrees: float) -> Spoil:
    """The second source turned in the plane."""

    def spoil(image: torch.Tensor) -> torch.Tensor:
        changed = image.clone()
        turned = ndimage.rotate(image[1].numpy(), degrees, axes=(0, 1), reshape=False, order=1)
        changed[1] = torch.from_numpy(turned)
        return changed

    return spoil


def stripped_alike(spoil: Spoil) -> Spoil:
    """The same with both sources black wherever one is, so that the outlines tell nothing."""

    def both(image: torch.Tensor) -> torch.Tensor:
        changed = spoil(image)
        return changed * (changed > 0).all(dim=0)

    return both


def mirrored(image: torch.Tensor) -> torch.Tensor:
    """The second source with left and right exchanged."""
    return torch.stack((image[0], image[1].flip(0)))


def inverted(which: tuple[int, ...]) -> Spoil:
    """Sources with white and black exchanged inside the brain."""

    def spoil(image: torch.Tensor) -> torch.Tensor:
        changed, brain = image.clone(), brain_mask(image)[0]
        for i in which:
            changed[i] = torch.where(brain, image[i].amax(dim=(0, 1)) - image[i], 0)
        return changed

    return spoil


def noisy(share: float) -> Spoil:
    """Normal noise on both sources inside the brain.

    Args:
        share: standard deviation as a share of the slice's largest value.
    """

    def spoil(image: torch.Tensor) -> torch.Tensor:
        noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
        top = image.amax(dim=(1, 2), keepdim=True)
        return (image + share * top * noise).clamp(min=0) * brain_mask(image)

    return spoil


def nothing_but_noise(image: torch.Tensor) -> torch.Tensor:
    """Noise in place of the brain."""
    noise = torch.rand(image.shape, generator=torch.Generator().manual_seed(0))
    return noise * brain_mask(image)


def with_head(image: torch.Tensor) -> torch.Tensor:
    """A drawn rim around the brain: dark fluid and bone, then a bright scalp, as where no skull was stripped."""
    changed = image.clone()
    brain = brain_mask(image)[0].numpy()
    generator = np.random.default_rng(0)
    for number in range(image.shape[3]):
        if not brain[..., number].any():
            continue
        away = ndimage.distance_transform_edt(~ndimage.binary_fill_holes(brain[..., number]))
        speckle = ndimage.gaussian_filter(generator.normal(size=away.shape), 1.5)
        for i, (fluid, scalp) in enumerate(((0.15, 0.85), (0.10, 0.65))):
            top = float(image[i, ..., number].max())
            rim = np.select([away <= 0, away < 4, away < 10, away < 17], [0, fluid, 0.06, scalp], 0.0)
            values = np.clip(rim * (1 + 0.8 * speckle), 0, 1.1) * top * (away > 0)
            changed[i, ..., number] += torch.from_numpy(values).to(changed)
    return changed


UNUSUAL: dict[str, Spoil] = {
    "swapped": swapped,
    "first source twice": twice(0),
    "second source twice": twice(1),
    "shifted by 10 pixels": shifted(10),
    "shifted by 5 pixels, stripped alike": stripped_alike(shifted(5)),
    "shifted by 10 pixels, stripped alike": stripped_alike(shifted(10)),
    "shifted by 20 pixels, stripped alike": stripped_alike(shifted(20)),
    "turned by 10 degrees, stripped alike": stripped_alike(rotated(10)),
    "mirrored, stripped alike": stripped_alike(mirrored),
    "second inverted": inverted((1,)),
    "both inverted": inverted((0, 1)),
    "noise of 10 % added": noisy(0.1),
    "noise alone": nothing_but_noise,
    "with a drawn head": with_head,
}
"""What is done to a usual pair, by name."""
