from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from scripts.data.contrasts import CONTRASTS
from scripts.data.shown_words import shown_words

from .series import NO_AGENT, Facts
from .words import agent_in_words, agent_unclear, kinds_in_words, other_in_words

NAMES = {one.name: one.in_headers for one in CONTRASTS if one.in_headers}
"""Sources that are recognised from headers, as messages call them."""

_TIMED = {kind: one.name for one in CONTRASTS for kind in one.timed}
"""Sources by what `_by_timing` calls them."""

_MR_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.4": "MR Image",
    "1.2.840.10008.5.1.4.1.1.4.1": "Enhanced MR Image",
    "1.2.840.10008.5.1.4.1.1.4.4": "Legacy Converted Enhanced MR Image",
}
_FEWEST_IMAGES = 3
_LEAST_B_VALUE = 400.0
_UNWEIGHTED = "DWI without diffusion weighting"

_ALSO_NAMED = {"adc": ("dwi",), "flair": ("t2",), "b0": ("dwi",), "T2*": ("t2",)}
"""What a description may say of a series without contradicting its header."""

_IMAGE_TYPES = {
    "LOCALIZER": "a localizer",
    "PROJECTION IMAGE": "a projection",
    "MIP": "a maximum-intensity projection",
    "MNIP": "a minimum-intensity projection",
    "MINIP": "a minimum-intensity projection",
    "SUB": "a subtraction",
    "SUBTRACT": "a subtraction",
    "SUBTRACTION": "a subtraction",
    "P": "a phase image",
    "PHASE": "a phase image",
    "PHASE MAP": "a phase image",
    "REAL": "the real part of complex images",
    "R": "the real part of complex images",
    "IMAGINARY": "the imaginary part of complex images",
    "I": "the imaginary part of complex images",
    "MOSAIC": "a mosaic of many slices in one image",
    "CSA REPORT": "a report",
    "SCREEN SAVE": "a screen shot",
    "FA": "a map of anisotropy",
    "EXP": "a map computed from diffusion",
    "T1 MAP": "a map of T1",
    "T2 MAP": "a map of T2",
    "UNI": "MP2RAGE's uniform image",
    "FIELD_MAP": "a field map",
    "FIELD MAP": "a field map",
    "B0": "a field map",
    "B0 MAP": "a field map",
    "FAT": "a fat image",
    "OPP_PHASE": "an image of opposed phase",
    "R2": "a map of R2",
    "R2STAR": "a map of R2*",
}
"""Words of the Image Type that say what a series is not, from its third value on."""
_SECONDS, _ECHO_SECONDS = 20.0, 0.5
"""Times of inversion, and of repetition and of echo of a spin echo, below which they are in seconds."""


class Contrast(NamedTuple):
    """The contrast of a series, as far as its headers show it.

    Args:
        kind: one of `NAMES`, "other", or "" if it is unknown.
        reasons: why, most important first.
        doubts: evidence against it.
    """

    kind: str
    reasons: tuple[str, ...]
    doubts: tuple[str, ...] = ()


def tell_contrast(facts: Facts) -> Contrast:
    """Recognise the contrast of a series; header values weigh more than words."""
    unusable = why_unusable(facts)
    if unusable:
        return Contrast("other", (unusable,))
    other, word = other_in_words(facts.description or facts.protocol)
    if other:
        return Contrast("other", (f'{other}: its description says "{word}"',))
    facts, converted = _in_milliseconds(facts)
    measured, why = _by_values(facts)
    by_values = _TIMED.get(measured, measured)
    words = kinds_in_words(*_texts(facts))
    by_words = next(iter(words), "")
    reasons, doubts = [], []
    if by_values and words and not set(words) & {by_values, *_ALSO_NAMED.get(measured, ())}:
        doubts.append(f'its description says "{words[by_words]}"')
    kind = by_values or by_words
    if not kind:
        return Contrast("", (f"its contrast is not stated ({_timing(facts) or 'without timing'})",))
    if by_values:
        reasons.append(why + converted)
    if kind in words:
        reasons.append(f'"{words[kind]}" in its description')
    if kind != "t1":
        return Contrast(kind if kind in NAMES else "other", tuple(reasons), tuple(doubts))
    kind, agent_reasons, agent_doubts = _agent(facts)
    return Contrast(kind, (*reasons, *agent_reasons), (*doubts, *agent_doubts))


def why_unusable(facts: Facts) -> str | None:
    """Return why a series cannot be a source, whatever its contrast; None if it can."""
    if facts.ours:
        return "written by FusionINN, not by a scanner"
    if facts.modality != "MR":
        return f"of modality {facts.modality or 'unknown'}, not MR"
    if facts.sop_class not in _MR_CLASSES:
        return "a screen shot or another object, not stored as MR images"
    if facts.photometric not in ("MONOCHROME1", "MONOCHROME2", ""):
        return f"in colour ({facts.photometric})"
    for word in facts.image_type[2:]:
        what = _IMAGE_TYPES.get(word.upper())
        if what:
            return f"{what} by its image type ({shown_words('/'.join(facts.image_type))})"
    if facts.directions > 1:
        return f"cut in {facts.directions} directions: a localizer or several series in one"
    if facts.directions == 0:
        return "without positions of its images"
    if facts.instances < _FEWEST_IMAGES:
        return f"of {facts.instances} images only"
    return None


def _names(facts: Facts) -> tuple[str, ...]:
    """Description and protocol; GE's protocol describes the whole examination, not its series."""
    of_series = not (facts.description and facts.manufacturer.upper().startswith("GE"))
    return (facts.description, facts.protocol) if of_series else (facts.description,)


def _texts(facts: Facts) -> tuple[str, ...]:
    return *_names(facts), facts.sequence_name


def _timing(facts: Facts) -> str:
    values = (("TR", facts.repetition_time), ("TE", facts.echo_time), ("TI", facts.inversion_time))
    told = ", ".join(f"{name} {value:g}" for name, value in values if value is not None)
    return f"{told} ms" if told else ""


def _by_values(facts: Facts) -> tuple[str, str]:
    """Kind by image type, b value and timing, and why."""
    types = {word.upper() for word in facts.image_type}
    image_type = f"image type {shown_words('/'.join(facts.image_type))}"
    if "ADC" in types:
        return "adc", image_type
    if "TRACEW" in types:
        weak = facts.b_value is not None and facts.b_value < _LEAST_B_VALUE
        if weak:
            return "b0", f"{_UNWEIGHTED}, b value {facts.b_value:g} s/mm²"
        return "dwi", image_type
    words = kinds_in_words(*_texts(facts))
    # some scanners leave ADC maps without a sign but their name, and write b = 0 into everything
    if "adc" in words and (facts.b_value is not None or "DIFFUSION" in types or not facts.original):
        return "", ""
    echo_planar = "EP" in facts.scanning_sequence
    zero = facts.b_value is not None and (echo_planar or "dwi" in words or facts.diffusion)
    if facts.b_value or "DIFFUSION" in types or zero:
        value = facts.b_value
        if value is not None and value < _LEAST_B_VALUE:
            return "b0", f"{_UNWEIGHTED}, b value {value:g} s/mm²"
        return "dwi", "diffusion in the image type" if value is None else f"b value {value:g} s/mm²"
    if echo_planar:
        return ("", "") if {"dwi", "adc"} & set(words) else ("echo-planar", "echo-planar without diffusion")
    kind = _by_timing(facts)
    if kind in ("t2", "PD") and not facts.inversion_time and "flair" in words:
        # some scanners and anonymisers leave TI out
        kind = "flair" if kind == "t2" else "t1" if "t1" in words else kind
    if kind:
        return kind, f"{_timing(facts)}: {NAMES.get(kind, kind).split(' ')[0]}"
    named = {"FLUID_ATTENUATED": "flair", "T1": "t1", "T2": "t2", "STIR": "STIR", "PROTON_DENSITY": "PD", "TOF": "TOF"}
    kind = named.get(facts.acquisition_contrast.upper(), "")
    return kind, f"acquisition contrast {shown_words(facts.acquisition_contrast)}"


def _by_timing(facts: Facts) -> str:
    tr, te, ti = facts.repetition_time, facts.echo_time, facts.inversion_time
    if tr is None or te is None:
        return ""
    if "GR" in facts.scanning_sequence and "SE" not in facts.scanning_sequence:
        short = tr <= 500 or (ti is not None and 350 <= ti <= 1500) or (te <= 6 and 1000 <= tr <= 3500)
        if te <= 12 and short:
            return "t1"
        return "T2*" if te > 12 else ""
    if ti is not None and ti >= 1500 and te >= 60 and tr >= 4000:
        return "flair"
    if ti is not None and 0 < ti < 400 and tr >= 1800:
        return "STIR"
    if te <= 40:
        inverted = ti is not None and 500 <= ti <= 1300 and tr <= 4000
        if tr <= 1300 or inverted:
            return "t1"
        return "PD" if tr >= 1800 else ""
    if te >= 60 and tr >= 1800 and not ti:
        return "t2"
    return ""


def _in_milliseconds(facts: Facts) -> tuple[Facts, str]:
    """Convert times to ms if a header has them in seconds, and report it."""
    tr, te, ti = facts.repetition_time, facts.echo_time, facts.inversion_time
    changed: dict[str, float] = {}
    if ti is not None and 0 < ti < _SECONDS:
        changed["inversion_time"] = ti * 1000.0
    gradient = "GR" in facts.scanning_sequence
    if not gradient and tr is not None and te is not None and tr < _SECONDS and 0 < te < _ECHO_SECONDS:
        changed |= {"repetition_time": tr * 1000.0, "echo_time": te * 1000.0}
    if not changed:
        return facts, ""
    return replace(facts, **changed), f" ({', '.join(changed).replace('_', ' ')} taken as seconds)"


def _agent(facts: Facts) -> tuple[str, list[str], list[str]]:
    """T1 with or without contrast agent: kind, reasons and doubts; no kind if the two cannot be distinguished."""
    agent = facts.contrast_agent.strip()
    given = None if not agent else agent.casefold() not in NO_AGENT
    said, word = agent_in_words(*_names(facts))
    if given and said is False:
        return "t1gd", [f'contrast agent "{shown_words(agent)}" in the header'], [f'"{word}" in its description']
    if given:
        also = [f'"{word}" in its description'] if said else []
        return "t1gd", [f'contrast agent "{shown_words(agent)}" in the header', *also], []
    if given is False and facts.contrast_dose:
        why = f'the header names the contrast agent "{shown_words(agent)}", but {facts.contrast_dose} of it'
        return "", [f"T1 with or without contrast agent: {why}"], []
    if said and given is None:
        return "t1gd", [f'"{word}" in its description indicates contrast agent'], []
    if said:
        return "t1", [f'contrast agent "{shown_words(agent)}" in the header'], [f'"{word}" in its description']
    if facts.contrast_dose:
        return "t1gd", [f"contrast agent in the header: {facts.contrast_dose}, without its name"], []
    if said is False:
        return "t1", [f'"{word}" in its description: no contrast agent'], []
    unclear = agent_unclear(facts.description)
    if unclear and given is None:
        return "", [f'T1 with or without contrast agent: "{unclear}" in its description may mean either'], []
    return "t1", ["no sign of contrast agent"], []
