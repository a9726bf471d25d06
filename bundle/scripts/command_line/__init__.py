"""What every command does first: refuse options that it does not know, before anything is read or written."""

from __future__ import annotations

from .begin import begin

__all__ = ["begin"]
