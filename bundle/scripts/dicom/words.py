"""What scanners' users write into DICOM descriptions, in the words and languages of several vendors."""

from __future__ import annotations

import re

from scripts.data.contrasts import CONTRASTS


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_OTHERS = {
    "a localizer": _any(
        r"local?i[sz]er|locali[sz]ador|rep[eé]rage|scout|survey|smart ?brain|übersicht|\bpilot\b|plan ?scan",
        r"(3|three|tri)[ -]?(plane|pl\b)|plane loc|\bloc$|^loc\b",
    ),
    "a field map": _any(
        r"field ?-?map|\bfmap|gre ?field|b[01] ?-?map|^(wip )?b[01]\b(?!\d)|\bb0 (ns|field|shim|mapping)",
        r"\btop ?up\b|dream b1|afi b1",
    ),
    "a calibration": _any(r"calib|asset|coil sens|ref(erence)? scan|senseref|\bsbref\b|shim|prescan"),
    "a projection": _any(r"\bm(ax)?(in)?n? ?ip\b|projection"),
    "a subtraction": _any(r"\bsubs?\b|subtra[ck]t\w*|substra\w*|soustraction|\bpost ?- ?pre\b"),
    "a fat image": _any(r"\bdixon\b.*\b(f|fat|opp|out)\b"),
    "weighted by T2*": _any(r"\bswi\b|\bswan\b|venobold|suscept|t2 ?\*|t2 ?star|\bhemo|h[aä]mo|\bgre t2|\bmedic\b"),
    "an angiography": _any(
        r"\btof\b|angio|\b(ce)?mr[av]\b|veno|inhance|\bpca\b|\btwist\b|\btricks\b|\bcow\b|willis|carotis|carotid"
    ),
    "perfusion": _any(
        r"perf|\bpwi\b|\bdsc\b|\bdce\b|\bp?c?asl\b|\br?(el)?cb[fv]\b|cerebral blood|\bmtt\b|\bttp\b|dynami|\bdisco\b"
    ),
    "functional imaging": _any(r"\bfmri\b|\bbold\b|resting"),
    "a map of anisotropy": _any(r"\bfa\b ?map|tensor|fractional aniso|colfa|\bdti fa\b|\btrack?to"),
    "spectroscopy": _any(r"spectro|\bcsi\b|\bsvs\b|\bmrs\b"),
    "a steady-state sequence of fluid": _any(r"\bciss|fiesta|\btrufi|\bdrive\b|\bbtfe\b|3d ?ssfp"),
    "STIR": _any(r"\bstir\b"),
    "inverted twice": _any(r"(?<!\d)(?<!\d )\bdir\b|double inv"),
    "a map of relaxation": _any(r"\bt[12] ?map|\bq ?t[12]\b|\br[12] ?\*? ?map|\bqsm\b|\bmwf\b|\bmtr\b|\bt1 ?rho"),
    "computed from maps": _any(r"synthetic|\bsymri\b|\bmagic\b|\bqalas\b|quantitative"),
    "weighted by proton density": _any(r"\bpdw?\b|proton ?dens"),
    "a part of MP2RAGE": _any(r"mp2rage.*(inv|uni|t1 ?map)"),
    "a screen shot or report": _any(r"screen ?s|snapshot|report|key ?image|capture|\bdose\b|protocol page"),
    "not a plain image": _any(r"\bseg(ment\w*)?\b|\bmask\b|overlay"),
    "a phase image": _any(r"\bphase\b(?! ?(enc|over|contr))"),
}
"""Series that are not sources and that header values do not distinguish."""

_KINDS = {one.name: _any(*one.described) for one in CONTRASTS if one.described}
"""The first that fits is the most telling."""

_AGENT = r"(contrast\w*|kontrast\w*|km|gd|gad\w*|agent|mdc|cm|ce|c|inj\w*|iv)"
_TIME = r"(post|pre|nach|vor)"
_BOTH = _any(
    rf"\bw(ith)?[ /&+-]*(and)?[ /&+-]*(wo|w/o|without)\b( {_AGENT}\b)?",
    r"\bmit und ohne\b( \w+)?",
    rf"pre ?(/|&|and|\+|und|-) ?post\b([ -]*{_AGENT}\b)?",
)
_NO_AGENT_MEANT = _any(
    r"(phase|transfer|high) contrast|contrast transfer",
    rf"{_TIME}[ -]*(op|proc|surg|biops|rese[ck]|radi|bestr|therap|treat|chemo|ictal|partum|trauma|implant|dbs)\w*",
    rf"{_TIME}[ -]*(embol|interv|lesion|ablat|crani|stimul|exerc|transpl|shunt|evd|litt|gamma|srs|laser)\w*",
    r"\bposterior|postcentral|precentral",
)
_EITHER = _any(rf"\b{_TIME}[ -]*(x?rt|tx|rx|crt|rct|ct)\b")
"""Abbreviations of treatments, and of planning one: "T1 POST RT" may be after contrast agent or after radiotherapy."""
_BEFORE = _any(
    rf"\b(without|w/o|wo|ohne|sans|senza|sin|sem|zonder|utan|uten|uden|bez|non?)[ -]*{_AGENT}\b",
    rf"\b(pre|vor|avant|prima|antes)[ -]*{_AGENT}\b",
    r"\b(nativ\w*|unenhanced|plain|basale?|blanco|precontrast|noncontrast|noncon|pre|without|ohne|w/o|s/c|sans|senza)\b",
    r"\bo ?(km|kontrast\w*|gd|gad\w*)\b",
    r"\bc ?-(?!\w)|(?<!\w)- ?c\b|\b(km|gd|gad\w*|iv|ce)-(?!\w)|(?<!\w)-(km|gd|gad\w*|ce)\b",
)
_AFTER = _any(
    r"(?<![a-z0-9])(gd|gad|gado\w*|m?km|kontrast\w*|contrast\w*|post\w*|ce|mdc|inj|injec\w*|nach|apr[eè]s)(?![a-z])",
    r"dotarem|dotagraf|gadovist|prohance|magnevist|omniscan|multihance|clariscan|elucirem|vueway",
    r"(?<![a-z0-9])c ?\+|\+ ?(c|gd|gad\w*|km|contrast\w*|ce|mdc|k)(?![a-z])",
    r"\bs?t1w? ?-?(c|ce|gd|gad|km)(?![a-z])|\bs?t1w?.*\+ ?$",
    r"\bw(ith)?[ /]*con\b|\bcon cte\b|\bciv\b|\bpós\b|\biv ?\+|\bmit$",
    r"造影|增强|増強|조영",
)


def other_in_words(*texts: str) -> tuple[str, str]:
    """Return what a series that is not a source shows by its words, and the word; empty if they do not say."""
    for text in texts:
        for what, pattern in _OTHERS.items():
            found = pattern.search(_plain(text))
            if found:
                return what, found[0].strip()
    return "", ""


def kinds_in_words(*texts: str) -> dict[str, str]:
    """Return the contrasts that words name, each with the word, most telling first.

    Args:
        texts: description, protocol, …: the first that says something counts.
    """
    for text in texts:
        found = {kind: pattern.search(_plain(text)) for kind, pattern in _KINDS.items()}
        kinds = {kind: match[0].strip() for kind, match in found.items() if match}
        if kinds:
            return kinds
    return {}


def agent_in_words(*texts: str) -> tuple[bool | None, str]:
    """Return whether words mean contrast agent (True), its absence (False) or neither (None), and the word.

    Args:
        texts: description, protocol, …: the first that says something counts.
    """
    for text in texts:
        plain = _EITHER.sub(" ", _NO_AGENT_MEANT.sub(" ", _BOTH.sub(" ", _plain(text))))
        before = _BEFORE.search(plain)
        after = _AFTER.search(_BEFORE.sub(" ", plain))
        if before and after:
            return None, ""
        found = before or after
        if found:
            return bool(after), found[0].strip()
    return None, ""


def agent_unclear(text: str) -> str:
    """Return the words that may or may not mean contrast agent, as "post RT" and "pre/post" do; empty without any."""
    plain = _plain(text)
    found = _EITHER.search(_NO_AGENT_MEANT.sub(" ", plain)) or _BOTH.search(plain)
    return found[0].strip() if found else ""


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[_.,;:()\[\]{}]", " ", text.casefold()).split())
