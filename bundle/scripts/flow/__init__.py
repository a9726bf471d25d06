"""Steps of the flow: each has a `forward` and an `inverse` that undoes it."""

from __future__ import annotations

from .act_norm import ActNorm
from .coupling import AffineCoupling
from .latent_scale import LatentScale
from .lifting import Lifting
from .mixing import SourceMixing
from .permutation import ChannelPermutation
from .recompute import recomputed
from .resampling import DepthToSpace, HaarBands, SpaceToDepth
from .spread_signs import SpreadSigns
from .squash import TangentLogit
from .step import FlowStep
from .subnet import Subnet

__all__ = [
    "ActNorm",
    "AffineCoupling",
    "ChannelPermutation",
    "DepthToSpace",
    "FlowStep",
    "HaarBands",
    "LatentScale",
    "Lifting",
    "SourceMixing",
    "SpaceToDepth",
    "SpreadSigns",
    "Subnet",
    "TangentLogit",
    "recomputed",
]
