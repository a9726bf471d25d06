"""How a derived series is called: number, description, derivation and image type of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from scripts import RESEARCH_NOTICE, __version__
from scripts.outputs.map_files import CONTRIBUTION, UNCERTAINTY

from .private_block import ESTIMATE, FUSED

NAME = "FusionINN"
NOT_DIAGNOSTIC = "(not for diagnostic use)"
MAP_KINDS = (UNCERTAINTY, CONTRIBUTION)
KINDS = (FUSED, ESTIMATE, *MAP_KINDS)
IMAGE_TYPES = {FUSED: "FUSED", ESTIMATE: "ESTIMATED", UNCERTAINTY: "ESTIMATED_ERROR", CONTRIBUTION: "CONTRIBUTION"}
"""Fourth value of the Image Type of each kind."""
FIRST_NUMBERS = {FUSED: 9001, ESTIMATE: 9002, UNCERTAINTY: 9102, CONTRIBUTION: 9202}
"""Series number of each kind; of a kind with a series for each source, that of the first source."""
LONGEST_SOURCE = 12
"""Letters of a source's name in a description, which has room for 64."""


class SeriesWords(NamedTuple):
    """What a series says about itself.

    Args:
        number: series number.
        description: series description, at most 64 characters.
        derivation: how it was computed, and what it is not.
        image_type: fourth value of the Image Type.
    """

    number: int
    description: str
    derivation: str
    image_type: str


def series_words(kind: str, source: str | None, sidecar: Mapping[str, Any]) -> SeriesWords:
    """Return how a derived series is called.

    Args:
        kind: one of `KINDS`.
        source: the source that it is about; None for a fused series.
        sidecar: of the fused image; "SourceModalities" and "CheckpointSHA256" count.
    """
    names = list(sidecar["SourceModalities"])
    weights = f"{NAME} {__version__}, weights sha256 {sidecar['CheckpointSHA256'][:12]}"
    short = "" if source is None else source[:LONGEST_SOURCE]
    description, derivation = {
        FUSED: (
            f"{NAME} fused",
            f"{', '.join(names[:-1])} and {names[-1]} fused into one image by {weights}. Estimates of the sources can "
            "be computed from this series alone.",
        ),
        ESTIMATE: (
            f"ESTIMATED {short} by {NAME}",
            f"ESTIMATED {source}: computed from the fused series alone by {weights}. It was not acquired.",
        ),
        UNCERTAINTY: (
            f"ESTIMATED ERROR {short}, {NAME}",
            f"ESTIMATED ERROR of the ESTIMATED {source}: expected error (root mean square) in units of {source}, "
            f"estimated from the fused series alone by {weights}. Where it is small, the estimate may still be wrong.",
        ),
        CONTRIBUTION: (
            f"CONTRIBUTION {short}, {NAME}",
            f"CONTRIBUTION of {source} to the fused series, in its units (0 to 1000): derivative of the fused image "
            f"along {source}, computed by {weights}. Contributions add up to the fused image to first order only and "
            "may be negative. It was not acquired.",
        ),
    }[kind]
    return SeriesWords(
        number=FIRST_NUMBERS[kind] + (0 if source is None else names.index(source)),
        description=f"{description} {NOT_DIAGNOSTIC}",
        derivation=f"{derivation} {RESEARCH_NOTICE}",
        image_type=IMAGE_TYPES[kind],
    )
