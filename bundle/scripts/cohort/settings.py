"""What the parts of a command are set to, read from the parts themselves."""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from scripts.networks.weights import fingerprint

PERFORMANCE = ("slices_at_once", "device", "num_workers", "progress", "output_dir", "resume", "training")
"""Attributes that decide where and how fast something is computed, not what comes out."""


def settings_of(part: Any) -> dict[str, str]:
    """Describe everything that shapes what a part computes, as short digests by the place where it stands.

    Nothing has to be listed: every public attribute of the part, of the parts in it and so on counts, whatever class
    they are of. A name of a file stands for its content, a network for its weights. Left out are private attributes,
    which hold the state of a run, and `PERFORMANCE`. A part that is described better by something else has a method
    ``settings()``, whose value takes the place of its attributes.

    Args:
        part: an object, or a mapping or sequence of such.

    Returns:
        a digest of each value, by its place: ``{"inferer.seed": "5feceb66ffc8"}``. It says what was changed and
        nothing of the value, which may be a path with a patient's name.
    """
    found: dict[str, str] = {}
    _describe(part, "", found, ())
    return found


def changed_settings(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Name the places where two descriptions differ; of a part that is another one only the part itself."""
    changed = sorted(place for place in before.keys() | now.keys() if before.get(place) != now.get(place))
    parts = {place.removesuffix(".class") for place in changed if place.endswith(".class")}
    return [place for place in changed if not any(place.startswith(f"{part}.") for part in parts)] + sorted(parts)


def _describe(value: Any, place: str, found: dict[str, str], above: tuple[int, ...]) -> None:
    if id(value) in above:
        return
    above = (*above, id(value))
    inner: Mapping[str, Any]
    if value is None or isinstance(value, bool | int | float | complex | bytes | np.generic):
        found[place] = _digest(f"{type(value).__name__} {value!r}")
        return
    if isinstance(value, str | Path):
        found[place] = _digest(fingerprint(value) if _is_file(value) else f"text {value}")
        return
    if isinstance(value, torch.Tensor | np.ndarray):
        found[place] = _array_digest(value)
        return
    if callable(getattr(value, "settings", None)) and not isinstance(value, type):
        inner = {"": value.settings()}
    elif isinstance(value, Mapping):
        inner = {str(key): item for key, item in value.items()}
    elif isinstance(value, AbstractSet):
        inner = {str(i): item for i, item in enumerate(sorted(value, key=repr))}
    elif isinstance(value, Sequence):
        names = _names_of_parts(value)
        inner = dict(zip(names, value, strict=True))
        found[f"{place}.order"] = _digest(" ".join(names))
    elif isinstance(value, functools.partial):
        inner = {"function": value.func, "arguments": value.args, "keywords": value.keywords}
    elif isinstance(value, type) or not hasattr(value, "__dict__") or hasattr(value, "__code__"):
        found[place] = _digest(_name(value))
        return
    else:
        found[f"{place}.class"] = _digest(_name(type(value)))
        inner = {name: item for name, item in vars(value).items() if not name.startswith("_")}
        if isinstance(value, nn.Module):
            own = chain(value.named_parameters(recurse=False), value.named_buffers(recurse=False))
            inner = {**inner, **dict(own), **dict(value.named_children())}
    for name, item in inner.items():
        if name not in PERFORMANCE and not isinstance(item, logging.Logger):
            _describe(item, f"{place}.{name}".strip("."), found, above)


def _names_of_parts(parts: Sequence[Any]) -> list[str]:
    """Name parts by their classes, so that one more does not rename the others; anything else by number."""
    names = [type(part).__name__ for part in parts]
    if len(set(names)) == len(names) and all(hasattr(part, "__dict__") for part in parts):
        return names
    return [str(i) for i in range(len(parts))]


def _digest(text: str | None) -> str:
    return hashlib.sha256(str(text).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _array_digest(value: Any) -> str:
    array = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
    content = array.tobytes() if array.dtype != object else repr(array.tolist()).encode()
    return hashlib.sha256(f"{array.dtype} {array.shape} ".encode() + content).hexdigest()[:12]


def _is_file(value: str | Path) -> bool:
    try:
        return Path(value).is_file()
    except (OSError, ValueError):  # too long for a path, or with a NUL
        return False


def _name(value: Any) -> str:
    """Name of a class or function; of a function without a name its code counts."""
    name = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__qualname__)}"
    code = getattr(value, "__code__", None)
    return name if code is None else f"{name} {code.co_code.hex()} {code.co_consts!r}" if "<lambda>" in name else name
