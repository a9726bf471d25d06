"""What the viewer of a report needs to know, and the volumes that it shows."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import nibabel as nib
import numpy as np

from scripts.data.contrasts import DISPLAY_NAMES
from scripts.outputs.overview import ERROR_LIMITS
from scripts.outputs.slice_choice import choose_slices, foreground, grey_window

from .encoding import DEEPEST, EncodedVolume, encode, encode_labels, encode_mask
from .report_data import ReportData

FUSED, OUTLINE = "fused", "outline"
SOURCE, ESTIMATE, ERROR, UNCERTAINTY = "source", "estimate", "error", "uncertainty"
DEPTHS = (DEEPEST, 12, 10, 8)
UNCERTAINTY_BITS = 10
SEGMENT_COLOURS = ("#ff5242", "#ffd23f", "#3ddc97", "#4cc9f0", "#ff8fd6", "#c29bff", "#ff9f1c", "#b8e986")
"""Colours of the outlines by label, in turns. A lesion without labels has the first."""
FUSED_LEVELS = 65535
"""The fused image is kept in 16 bits beside the report; 8 bits are multiples of 1/65535 as well."""


def volume_id(kind: str, source: str) -> str:
    """Return the name that the page calls a volume by."""
    return f"{kind}-{source}"


def display_name(source: str) -> str:
    """Return how a source is called on the page."""
    return DISPLAY_NAMES.get(source, source)


def viewer_data(data: ReportData, budget: int, whole_fused: bool = False) -> tuple[dict[str, Any], dict[str, str]]:
    """Describe the volumes of a patient, and write them as text.

    Values keep 16 bits, or as many as let all volumes fit the budget. No volume is cropped or resampled.

    Args:
        data: what is shown.
        budget: length of all volumes as text, at most; with 8 bits it may be more, which is logged.
        whole_fused: keep the fused image in 16 bits in any case, so that it can be decomposed. Defaults to False.

    Returns:
        a description, JSON-able, and the text of each volume by its name.
    """
    for bits in DEPTHS:
        encoded = dict(_encoded(data, bits, DEEPEST if whole_fused else bits))
        size = sum(len(volume.text) for volume in encoded.values())
        if size <= budget:
            break
    else:
        logging.getLogger(__name__).warning(
            f"{data.patient}: the report's volumes take {size / 1e6:.0f} MB even in 8 bits; its page will be large."
        )
    return _description(data, encoded), {name: volume.text for name, volume in encoded.items()}


def _encoded(data: ReportData, bits: int, fused_bits: int) -> Iterator[tuple[str, EncodedVolume]]:
    yield FUSED, encode(data.fused, data.affine, fused_bits, FUSED_LEVELS)
    for source, volume in data.volumes.items():
        yield volume_id(SOURCE, source), encode(volume, data.affine, bits)
    for source, volume in data.decomposed.items():
        yield volume_id(ESTIMATE, source), encode(volume, data.affine, bits)
    for source, volume in data.uncertainty.items():
        yield volume_id(UNCERTAINTY, source), encode(volume, data.affine, min(bits, UNCERTAINTY_BITS))
    if data.seg is not None and (data.seg > 0).any():
        encode_outline = encode_labels if data.segments else encode_mask
        yield OUTLINE, encode_outline(data.seg, data.affine)


def _description(data: ReportData, encoded: dict[str, EncodedVolume]) -> dict[str, Any]:
    windows = {source: grey_window(_reference(data, source)) for source in data.sources}
    limit = _error_limit(data, windows)
    volumes = {}
    for name, volume in encoded.items():
        if name == OUTLINE:
            continue
        kind, _, source = name.partition("-")
        window = grey_window(data.fused) if name == FUSED else windows[source]
        if kind == UNCERTAINTY:
            window = (0.0, limit / 100 * (window[1] - window[0]))
        volumes[name] = _volume(kind, source, volume, window)
    for source in data.sources:
        if source in data.volumes and source in data.decomposed:
            low, high = windows[source]
            ends = (0.0, limit / 100 * (high - low))
            most = max(encoded[volume_id(kind, source)].high for kind in (SOURCE, ESTIMATE)) - min(
                encoded[volume_id(kind, source)].low for kind in (SOURCE, ESTIMATE)
            )
            # computed in the page, from what is stored there
            volumes[volume_id(ERROR, source)] = _volume(ERROR, source, EncodedVolume("", None, 0.0, most), ends)
    there = {volume["kind"] for volume in volumes.values()}
    return {
        "patient": data.patient,
        "shape": list(data.fused.shape),
        "extent": float(max(nib.affines.voxel_sizes(data.affine) * data.fused.shape)),
        "inverse": np.linalg.inv(data.affine).tolist(),
        "axes": data.axes,
        "start": _start(data, data.axes[2]),
        "sources": [{"name": source, "label": display_name(source)} for source in data.sources],
        "kinds": [kind for kind in (SOURCE, ESTIMATE, ERROR, UNCERTAINTY) if kind in there],
        "errorPercent": limit,
        "outline": OUTLINE if OUTLINE in encoded else None,
        "segments": [
            {"label": label, "name": name, "colour": SEGMENT_COLOURS[(label - 1) % len(SEGMENT_COLOURS)]}
            for label, name in sorted(data.segments.items())
            if OUTLINE in encoded
        ],
        "volumes": volumes,
    }


def _volume(kind: str, source: str, volume: EncodedVolume, window: tuple[float, float]) -> dict[str, Any]:
    span = max(window[1] - window[0], 1e-6)
    whole = kind != FUSED and volume.step is None and span > 20
    return {
        "kind": kind,
        "source": source,
        "label": "Fused" if kind == FUSED else display_name(source),
        "low": volume.low,
        "high": volume.high,
        "window": [float(end) for end in window],
        "step": volume.step,
        "decimals": 0 if whole else int(np.clip(np.ceil(3 - np.log10(span)), 0, 6)),
    }


def _reference(data: ReportData, source: str) -> np.ndarray:
    """Return what the grey window of a source is taken from: itself, or its estimate where it is not at hand."""
    return data.volumes.get(source, data.decomposed.get(source))


def _error_limit(data: ReportData, windows: dict[str, tuple[float, float]]) -> int:
    """Return what 99 % of the errors stay below, in percent of the window, on a readable scale."""
    most = 0.0
    for source, (low, high) in windows.items():
        found = [data.uncertainty[source]] if source in data.uncertainty else []
        if source in data.volumes and source in data.decomposed:
            found.append(np.abs(np.subtract(data.decomposed[source], data.volumes[source], dtype=np.float32)))
        for error in found:
            # every 3rd voxel says the same in a third of the time
            there = error.ravel(order="K")[::3]
            there = there[there > 0]
            if there.size:
                most = max(most, float(np.percentile(there, 99)) * 100 / (high - low))
    return next((limit for limit in ERROR_LIMITS if limit >= most), ERROR_LIMITS[-1])


def _start(data: ReportData, through: int) -> list[int]:
    """Return the voxel that is looked at first: the middle of the lesion's largest slice, or of the head."""
    reference = _reference(data, data.sources[0])
    lesion = data.seg if data.seg is not None and (data.seg > 0).any() else None
    if lesion is not None:
        area = (lesion > 0).sum(axis=tuple(axis for axis in range(3) if axis != through))
        index = int(area.argmax())
    else:
        chosen = choose_slices(reference, through)
        index = chosen[len(chosen) // 2]
    shown = np.moveaxis(foreground(reference) if lesion is None else lesion > 0, through, 0)[index]
    places = np.argwhere(shown)
    middle = np.rint(places.mean(axis=0)).astype(int) if len(places) else np.array(shown.shape) // 2
    return [int(n) for n in np.insert(middle, through, index)]
