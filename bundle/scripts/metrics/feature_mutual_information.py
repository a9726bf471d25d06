"""Q_FMI: mutual information of 3 x 3 windows (Haghighat and Razian 2014)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from .grey_levels import grey_levels

SIDE = 3
PIXELS = SIDE * SIDE
# Windows worked on at a time: their buffers then stay in a core's cache.
WINDOWS_AT_ONCE = {"cpu": 2**12, "cuda": 2**18}
NO_INFORMATION = 1e-12 * math.log(2.0)
# Rounding of a sum over a window, in grey levels.
POINT_MASS = 1e-9
SMALLEST = 1e-300


def feature_mutual_information(fused: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """Feature mutual information of raw grey values.

    The nine pixels of every 3 x 3 window, read column by column and scaled to sum 1, are a distribution over their
    positions. Its mutual information with the fused window's, in a joint distribution between independence and the
    bound of Fréchet with the correlation of the two, is divided by the mean of the two entropies, and averaged over
    sources and windows. Two constant windows count as 1, a constant and another one as 0, whatever rounding would give.

    With more than two sources the shortcut for the windows of one that equal the fused window compares with the fused
    window as all sources before it left it: raw while they all equal it, min-max scaled from then on.

    Args:
        fused: fused images (batch_size, 1, H, W) in [0, 1], sides of at least 3 pixels.
        sources: their sources (batch_size, N, H, W) in [0, 1]; their order matters a little.

    Returns:
        tensor (batch_size,) in double precision; 1 at best, 0 when nothing is shared, slightly outside at times.

    Raises:
        BadInputError: see `grey_levels`.
    """
    return torch.cat([_scores(*some) for some in grey_levels(fused, sources, SIDE)])


def _over_windows(image: torch.Tensor, combine: Callable[..., torch.Tensor]) -> torch.Tensor:
    """An associative operation over each window, of shape (..., H - 2, W - 2)."""
    rows = combine(combine(image[..., :-2, :], image[..., 1:-1, :]), image[..., 2:, :])
    return combine(combine(rows[..., :-2], rows[..., 1:-1]), rows[..., 2:])


def _windows(image: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
    """Pixels (9, n) of the windows of an image (batch_size, H, W) that begin at flat positions `first`."""
    width = image.shape[-1]
    step = torch.arange(SIDE, device=image.device)
    offsets = (step[:, None] + step * width).flatten()
    return image.flatten()[offsets[:, None] + first]


def _scores(fused: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """Scores of some images."""
    fused = fused[:, 0]
    fused_low, fused_range, fused_varied = _flatness(fused)
    first = torch.arange(fused.numel(), device=fused.device).view(fused.shape)[:, :-2, :-2]
    # whether the shortcut still compares with the raw fused window
    raw = torch.ones_like(fused_low, dtype=torch.bool)
    total = torch.zeros_like(fused_low)
    for source in sources.unbind(dim=1):
        low, range_, varied = _flatness(source)
        same = _over_windows(source == fused, torch.logical_and)
        shortcut = same & raw
        # a window equals a scaled one only if it has its extremes
        scaled = ~raw & (fused_range > 0) & (low == 0) & (range_ == 1)
        if scaled.any():
            at = first[scaled]
            target = (_windows(fused, at) - fused_low[scaled]) / fused_range[scaled]
            shortcut[scaled] = (_windows(source, at) == target).all(dim=0)
        raw = raw & shortcut
        value = (shortcut | ((range_ == 0) & (fused_range == 0))).to(fused)
        # constant windows and point masses are decided; a window with more than one value shares all with itself
        open_ = ~shortcut & varied & fused_varied
        value[open_ & same] = 1.0
        open_ &= ~same
        at = first[open_]
        chunk = WINDOWS_AT_ONCE.get(fused.device.type, WINDOWS_AT_ONCE["cuda"])
        if at.numel():
            value[open_] = torch.cat(
                [_shared_information(_windows(source, part), _windows(fused, part)) for part in at.split(chunk)]
            )
        total += value
    return (total / sources.shape[1]).flatten(1).mean(dim=1)


def _flatness(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Least value and range of each window, and whether more than one pixel is above its least value."""
    low = _over_windows(image, torch.minimum)
    range_ = _over_windows(image, torch.maximum) - low
    above = _over_windows(image, torch.add) - PIXELS * low
    return low, range_, (range_ > 0) & (above > range_ + POINT_MASS)


def _shared_information(a: torch.Tensor, f: torch.Tensor) -> torch.Tensor:
    """Normalised mutual information of windows (9, n), neither of them constant or a point mass."""
    a, f = a - a.amin(dim=0), f - f.amin(dim=0)
    sum_a, sum_f = a.sum(dim=0), f.sum(dim=0)
    covariance = PIXELS * (a * f).sum(dim=0) - sum_a * sum_f
    variances = (PIXELS * (a * a).sum(dim=0) - sum_a**2) * (PIXELS * (f * f).sum(dim=0) - sum_f**2)
    correlation = covariance.abs() / variances.sqrt()
    # The lower bound of Fréchet is the upper one of the reversed window, reversed.
    p, q = torch.where(covariance < 0, a.flip(0), a).div_(sum_a), f.div_(sum_f)

    place = torch.arange(1, PIXELS + 1, dtype=p.dtype, device=p.device)[:, None]
    mean_p, mean_q = (p * place).sum(dim=0), (q * place).sum(dim=0)
    variance_p, variance_q = (p * place**2).sum(dim=0) - mean_p**2, (q * place**2).sum(dim=0) - mean_q**2
    entropies = -(_x_log_x(p) + _x_log_x(q))

    mass, column, row = _staircase(p, q)
    bound = torch.mul(mass, column + 1.0).mul_(row + 1.0).sum(dim=0) - mean_p * mean_q
    t = correlation * (variance_p * variance_q).sqrt() / bound
    rest = 1 - t
    # All of the joint distribution is a product but for the cells of the staircase.
    product = p.gather(0, column).mul_(q.gather(0, row)).mul_(rest)
    joint_entropy = rest * entropies - _x_log_x(rest[None]) - _x_log_x(mass.mul_(t).add_(product)) + _x_log_x(product)
    information = entropies - joint_entropy
    return torch.where(information.abs() < NO_INFORMATION, 0.0, 2 * information / entropies)


def _x_log_x(x: torch.Tensor) -> torch.Tensor:
    """Sum over the first dimension of x log|x|, which is 0 at 0; x may be negative."""
    return x.abs().clamp_min_(SMALLEST).log_().mul_(x).sum(dim=0)


def _staircase(p: torch.Tensor, q: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The distribution with marginals `p` and `q` that reaches the upper bound of Fréchet.

    Returns:
        mass, position in `p` and position in `q` of its cells, each (17, n).
    """
    count = PIXELS - 1
    ends = p.new_empty(2 * PIXELS, p.shape[1])
    ends[0], ends[-1] = 1.0, 2.0
    inner = ends[1:-1]
    # Cumulative sums, 1 added: the last bit is then worth 2e-16 throughout, and shows which of the two a sum is from.
    torch.add(q[:count].cumsum(dim=0), 1.0, out=inner[:count])
    torch.add(p[:count].cumsum(dim=0), 1.0, out=inner[count:])
    bits = inner.view(torch.int64)
    bits[:count] &= ~1
    bits[count:] |= 1
    # Batcher's odd-even merge of the two ascending halves.
    _compare(inner[:8], inner[8:])
    _compare(inner[4:8], inner[8:12])
    for distance in (2, 1):
        blocks = inner[distance : 16 - distance].unflatten(0, (-1, 2, distance))
        _compare(blocks[:, 0], blocks[:, 1])
    before = torch.ones(2 * count + 1, 2 * count, dtype=p.dtype, device=p.device).tril_(-1)
    column = (before @ (bits & 1).to(p.dtype)).long()
    return ends[1:] - ends[:-1], column, torch.arange(len(column), device=p.device)[:, None] - column


def _compare(x: torch.Tensor, y: torch.Tensor) -> None:
    """Put the lesser values into `x` and the greater ones into `y`."""
    lesser = torch.minimum(x, y)
    torch.maximum(x, y, out=y)
    x.copy_(lesser)
