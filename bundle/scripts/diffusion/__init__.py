"""What fusion by posterior sampling is made of: a prior that knows images, and the step that knows the sources."""

from __future__ import annotations

from .em import FusionEM
from .prior import DiffusionPrior

__all__ = ["DiffusionPrior", "FusionEM"]
