"""Rigid registration by mutual information with ITK."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import itk
import numpy as np
from scipy.ndimage import gaussian_filter

from .volume import Volume, foreground, head_points

LEVELS = (8.0, 4.0, 2.0)
"""Voxel sizes from coarse to fine, mm."""
SAMPLES = 60_000
"""Largest number of sample points for the metric."""
SEED = 2018
BINS = 32
MARGIN = 12.0
"""Margin kept around the head, mm."""
Image = itk.Image[itk.F, 3]


def register(fixed: Volume, moving: Volume, same_frame: bool = True) -> np.ndarray:
    """Register a volume to another one of the same head.

    Mattes mutual information is maximised from coarse to fine. On the coarsest level the best of three starting
    positions is chosen: those in the headers, the aligned centres of the grids, and the aligned centres of the heads.

    Args:
        fixed: volume that stays.
        moving: volume that moves.
        same_frame: whether the headers' positions may be correct; otherwise they are not used as a start. Defaults to
            True.

    Returns:
        [4, 4], RAS mm of the fixed volume to RAS mm of the moving one; deterministic.
    """
    pyramid = [(_prepared(fixed, level, crop=True), _prepared(moving, level)) for level in LEVELS]
    middle, other_middle = head_points(fixed, 8.0).mean(0), head_points(moving, 8.0).mean(0)
    starts = [moving.centre() - fixed.centre(), other_middle - middle]
    if same_frame:
        starts.insert(0, np.zeros(3))
    with one_thread():
        tried = [_climb(*pyramid[0], _euler(middle, (0, 0, 0, *start)), LEVELS[0]) for start in starts]
        _, transform = min(tried, key=lambda result: result[0])
        for level, (one, other) in zip(LEVELS[1:], pyramid[1:], strict=True):
            _, transform = _climb(one, other, transform, level)
    return as_matrix(transform)


def as_matrix(transform: itk.Euler3DTransform) -> np.ndarray:
    """Convert an ITK transform to a matrix [4, 4]."""
    matrix = np.eye(4)
    matrix[:3, :3] = itk.array_from_matrix(transform.GetMatrix())
    matrix[:3, 3] = np.asarray(transform.GetOffset())
    return matrix


def to_itk(volume: Volume) -> itk.Image:
    """Convert a volume to an ITK image. It stays in RAS mm, which makes no difference to rigid transforms."""
    values = np.asarray(volume.values, dtype=np.float32).transpose(2, 1, 0)
    image = itk.image_from_array(np.ascontiguousarray(values))
    image.SetSpacing([float(n) for n in volume.spacing])
    image.SetOrigin([float(n) for n in volume.affine[:3, 3]])
    image.SetDirection(itk.matrix_from_array(np.ascontiguousarray(volume.affine[:3, :3] / volume.spacing)))
    return image


def _prepared(volume: Volume, level: float, crop: bool = False) -> Volume:
    coarse = volume.shrunk(level)
    head = coarse.values[foreground(coarse.values)]
    values = np.clip(coarse.values, coarse.values.min(), np.percentile(head, 99.5) if head.size else None)
    values = gaussian_filter(values, 0.5)
    affine = coarse.affine
    if crop:
        inside = np.argwhere(foreground(coarse.values))
        room = np.ceil(MARGIN / coarse.spacing).astype(int)
        low = np.maximum(inside.min(0) - room, 0)
        high = np.minimum(inside.max(0) + room + 1, values.shape)
        values = values[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
        affine = affine.copy()
        affine[:3, 3] += affine[:3, :3] @ low
    return Volume(values, affine)


def _euler(centre: Sequence[float], parameters: Sequence[float]) -> itk.Euler3DTransform:
    transform = itk.Euler3DTransform[itk.D].New()
    transform.SetCenter([float(n) for n in centre])
    values = itk.OptimizerParameters[itk.D](6)
    for i, value in enumerate(parameters):
        values[i] = float(value)
    transform.SetParameters(values)
    return transform


def _climb(
    fixed: Volume, moving: Volume, transform: itk.Euler3DTransform, level: float
) -> tuple[float, itk.Euler3DTransform]:
    """Optimise a transform on one level; return the metric (smaller is better) and the transform."""
    metric = itk.MattesMutualInformationImageToImageMetricv4[Image, Image].New()
    metric.SetNumberOfHistogramBins(BINS)
    metric.SetUseMovingImageGradientFilter(False)
    metric.SetUseFixedImageGradientFilter(False)
    metric.SetMaximumNumberOfWorkUnits(1)
    scales = itk.RegistrationParameterScalesFromPhysicalShift[type(metric)].New(Metric=metric)
    optimizer = itk.RegularStepGradientDescentOptimizerv4[itk.D].New()
    optimizer.SetScalesEstimator(scales)
    optimizer.SetDoEstimateLearningRateOnce(False)
    optimizer.SetDoEstimateLearningRateAtEachIteration(False)
    optimizer.SetLearningRate(level / 2)
    optimizer.SetMinimumStepLength(level / 200)
    optimizer.SetRelaxationFactor(0.6)
    optimizer.SetGradientMagnitudeTolerance(1e-8)
    optimizer.SetNumberOfIterations(100)
    optimizer.SetReturnBestParametersAndValue(True)
    registration = itk.ImageRegistrationMethodv4[Image, Image].New(
        FixedImage=to_itk(fixed), MovingImage=to_itk(moving), Metric=metric, Optimizer=optimizer
    )
    registration.SetInitialTransform(transform)
    registration.InPlaceOn()
    registration.SetNumberOfLevels(1)
    registration.SetShrinkFactorsPerLevel([1])
    registration.SetSmoothingSigmasPerLevel([0])
    share = min(1.0, SAMPLES / fixed.values.size)
    if share < 1:
        registration.SetMetricSamplingStrategy(itk.ImageRegistrationMethodv4Enums.MetricSamplingStrategy_RANDOM)
        registration.SetMetricSamplingPercentage(share)
        registration.MetricSamplingReinitializeSeed(SEED)
    registration.Update()
    return float(optimizer.GetValue()), transform


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one thread, so that sums have a fixed order and results are reproducible."""
    threads = itk.MultiThreaderBase.GetGlobalDefaultNumberOfThreads()
    itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(threads)
