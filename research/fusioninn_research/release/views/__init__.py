"""What each measured block of the documents shows, by its name: measurement, then form."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from . import (
    clinic,
    earlier,
    exports,
    limits,
    network,
    pictures,
    scorecard,
    serve,
    similarity,
    speed,
    typicality,
    uncertainty,
)
from .results import Results

View = Callable[[Results], str]

VIEWS: Mapping[str, View] = {
    name: view
    for module in (
        *(network, similarity, earlier, limits, scorecard, typicality, uncertainty),
        *(pictures, exports, speed, clinic, serve),
    )
    for name, view in module.VIEWS.items()
}
"""Text of a block from the results of its step; blocks of other names are written by hand."""

__all__ = ["VIEWS", "Results", "View"]
