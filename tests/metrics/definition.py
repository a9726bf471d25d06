"""Q_FMI, Q_NCIE, Q_XY, Q_P and SSIM as they are defined, in NumPy, without any shortcut: slow and easy to check.

Arguments are grey levels 0 to 255, (H, W): both sources and the fused image.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import correlate2d


def windows(x: np.ndarray) -> np.ndarray:
    view = np.lib.stride_tricks.sliding_window_view(x.astype(float), (3, 3))
    return view.transpose(0, 1, 3, 2).reshape(-1, 9)


def scaled(x: np.ndarray) -> np.ndarray:
    low, high = x.min(axis=1, keepdims=True), x.max(axis=1, keepdims=True)
    return np.where(high > low, (x - low) / np.where(high > low, high - low, 1), 1.0)


def entropy(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return -(x * np.log2(np.where(x == 0, 1, np.abs(x)))).sum(axis=axes)


def pair_values(a: np.ndarray, f: np.ndarray) -> np.ndarray:
    p, q = (w / w.sum(axis=1, keepdims=True) for w in (scaled(a), scaled(f)))
    sums_p, sums_q = p.cumsum(axis=1), q.cumsum(axis=1)
    place = np.arange(1, 10)
    mean_p, mean_q = p @ place, q @ place
    var_p, var_q = p @ place**2 - mean_p**2, q @ place**2 - mean_q**2
    centred_p, centred_q = p - 1 / 9, q - 1 / 9
    covariance = (centred_p * centred_q).sum(axis=1)
    norm = np.sqrt((centred_p**2).sum(axis=1) * (centred_q**2).sum(axis=1))
    c = np.where(norm > 1e-12, covariance / np.where(norm > 1e-12, norm, 1), 0)
    across, down = sums_p[:, None, :], sums_q[:, :, None]
    bound = np.where((c >= 0)[:, None, None], np.minimum(across, down), np.maximum(across + down - 1, 0))
    spread = np.sqrt(np.clip(var_p * var_q, 0, None))
    usable = (spread > 1e-9) & (np.abs(c) > 1e-12)
    k = (bound - across * down).sum(axis=(1, 2)) / np.where(usable, spread, 1)
    t = np.where(usable, c / np.where(usable, k, 1), 0)[:, None, None]
    mass = np.diff(np.diff(bound, axis=1, prepend=0), axis=2, prepend=0)
    joint = t * mass + (1 - t) * q[:, :, None] * p[:, None, :]
    alone = entropy(p, (1,)) + entropy(q, (1,))
    shared = alone - entropy(joint, (1, 2))
    value = np.where(np.abs(shared) < 1e-12, 0, 2 * shared / np.where(alone > 0, alone, 1))
    flat_a, flat_f = (w.min(axis=1) == w.max(axis=1) for w in (a, f))
    return np.where(flat_a & flat_f, 1.0, np.where(flat_a | flat_f, 0.0, value))


def fmi(a: np.ndarray, b: np.ndarray, f: np.ndarray) -> float:
    a, b, f = windows(a), windows(b), windows(f)
    same = (a == f).all(axis=1)
    left = np.where(same[:, None], f, scaled(f))
    first = np.where(same, 1.0, pair_values(a, f))
    second = np.where((b == left).all(axis=1), 1.0, pair_values(b, f))
    return float((first + second).mean() / 2)


def ncie(a: np.ndarray, b: np.ndarray, f: np.ndarray) -> float:
    def stretched(x: np.ndarray) -> np.ndarray:
        x = x.astype(float)
        return np.floor((x - x.min()) / max(x.max() - x.min(), 1e-300) * 255 + 0.5).astype(int).ravel()

    def information(x: np.ndarray, y: np.ndarray) -> float:
        joint = np.histogram2d(x, y, bins=256, range=((0, 256), (0, 256)))[0] / x.size
        return (entropy(joint.sum(axis=0), (0,)) + entropy(joint.sum(axis=1), (0,)) - entropy(joint, (0, 1))) / 8

    a, b, f = stretched(a), stretched(b), stretched(f)
    ab, af, bf = information(a, b), information(a, f), information(b, f)
    share = np.clip(np.linalg.eigvalsh([[1, ab, af], [ab, 1, bf], [af, bf, 1]]), 0, None) / 3
    return float(1 - entropy(share, (0,)) / 8)


def xydeas(a: np.ndarray, b: np.ndarray, f: np.ndarray) -> float:
    kernel = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])

    def edges(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        across, down = (correlate2d(x.astype(float), k, mode="same") for k in (kernel, kernel.T))
        return np.hypot(across, down), np.arctan(down / np.where(across == 0, 1e-5, across))

    strength_f, angle_f = edges(f)
    top = bottom = 0.0
    for source in (a, b):
        strength, angle = edges(source)
        weaker = strength > strength_f
        strength = np.where(strength == 0, 1e-5, strength)
        lost = strength_f / strength
        strength_f = np.where(strength_f == 0, 1e-5, strength_f)
        kept = np.where(weaker, lost, strength / strength_f)
        aligned = np.abs(np.abs(angle - angle_f) - np.pi / 2) * 2 / np.pi
        preserved = 1 / (1 + np.exp(-10 * (kept - 0.5))) / (1 + np.exp(-20 * (aligned - 0.75)))
        top, bottom = top + preserved * strength, bottom + strength
    return float((top / bottom).mean())


def similarity(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Map of structural similarity, and of the variance of `y`."""
    line = np.exp(-(np.arange(-5, 6) ** 2) / 4.5)
    kernel = np.outer(line, line) / line.sum() ** 2

    def mean(image: np.ndarray) -> np.ndarray:
        return correlate2d(image, kernel, mode="valid")

    x, y = x.astype(float), y.astype(float)
    mean_x, mean_y = mean(x), mean(y)
    var_x, var_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = 2.55**2, 7.65**2
    below = (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    return (2 * mean_x * mean_y + c1) * (2 * covariance + c2) / below, var_y


def ssim(a: np.ndarray, b: np.ndarray, f: np.ndarray) -> float:
    return float((similarity(f, a)[0].mean() + similarity(f, b)[0].mean()) / 2)


def piella(a: np.ndarray, b: np.ndarray, f: np.ndarray) -> float:
    (near_a, var_a), (near_b, var_b) = similarity(f, a), similarity(f, b)
    var_a, var_b = (np.where(np.abs(v) < 1e-9, 0, v) for v in (var_a, var_b))
    flat = var_a + var_b == 0
    weight = np.where(flat, 0.5, var_a / np.where(flat, 1, var_a + var_b))
    return float((weight * near_a + (1 - weight) * near_b).mean())


ALL = {"Q_SSIM": ssim, "Q_FMI": fmi, "Q_NCIE": ncie, "Q_XY": xydeas, "Q_P": piella}
