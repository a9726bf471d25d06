"""Optimisers that torch and MONAI do not have."""

from __future__ import annotations

from .conv_muon import ConvMuon

__all__ = ["ConvMuon"]
