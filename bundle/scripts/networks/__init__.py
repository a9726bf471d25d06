"""The invertible network."""

from __future__ import annotations

from .fusioninn import FusionINN
from .latent import LATENT_KINDS, draw_latent

__all__ = ["LATENT_KINDS", "FusionINN", "draw_latent"]
