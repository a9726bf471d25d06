"""The JSON file beside a fused image: what it was made from, and what leads back."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts import RESEARCH_NOTICE, __version__
from scripts.data.errors import BadInputError
from scripts.outputs.tables import write_text

REQUIRED_KEYS: dict[str, type] = {
    "Description": str,
    "ResearchUseOnly": str,
    "GeneratedBy": list,
    "Sources": list,
    "SourceModalities": list,
    "SliceAxis": int,
    "IntensityScale": dict,
    "StoredDtype": str,
    "LatentKind": str,
    "CheckpointSHA256": str,
}
SCALE_KEYS = ("mode", "slice_axis", "offset", "factor")
REMEDY = "Fuse again to have it written, or restore the file that was written with the fused image."


def sidecar_of(fused_path: str | os.PathLike[str]) -> Path:
    """Return where the sidecar of a fused image is: `P_fused.nii.gz` and `P_fused.png` have `P_fused.json`."""
    path = Path(fused_path)
    return path.with_name(re.sub(r"(?i)\.(nii(\.gz)?|png)$", "", path.name) + ".json")


def write_sidecar(
    path: str | os.PathLike[str],
    *,
    sources: Mapping[str, str | os.PathLike[str]],
    intensity_scale: Mapping[str, Any],
    stored_dtype: str,
    checkpoint_sha256: str,
    latent_kind: str = "normal",
    phantom: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the sidecar of a fused image, whole or not at all.

    Args:
        path: JSON file to write; its folder is created.
        sources: file of each source, in the network's order; only the file's name is written.
        intensity_scale: what the normalisation returned: "mode", "slice_axis", and "offset" and
            "factor" of each source (source = offset + factor * normalised).
        stored_dtype: dtype of the fused file.
        checkpoint_sha256: checksum of the weights that fused.
        latent_kind: latent to decompose with by default. Defaults to "normal".
        phantom: the sources show a digital phantom, no patient. Defaults to False.
        extra: more keys in CamelCase, for instance "LatentFile". Defaults to None.

    Returns:
        what was written.

    Raises:
        BadInputError: the file cannot be written.
    """
    of_what = "a digital phantom, no patient" if phantom else "one patient"
    *others, last = sources
    content = {
        "Description": (
            f"{', '.join(others)} and {last} of {of_what}, fused into one image by FusionINN."
            " Sources that are decomposed from it are estimates."
        ),
        "ResearchUseOnly": RESEARCH_NOTICE,
        "GeneratedBy": [{"Name": "FusionINN MONAI bundle", "Version": __version__}],
        "Sources": [Path(file).name for file in sources.values()],
        "SourceModalities": list(sources),
        "SliceAxis": int(intensity_scale["slice_axis"]),
        "IntensityScale": dict(intensity_scale),
        "StoredDtype": stored_dtype,
        "LatentKind": latent_kind,
        "CheckpointSHA256": checkpoint_sha256,
        **(extra or {}),
    }
    text = _one_line_rows(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))
    write_text(path, text + "\n")
    return content


def read_sidecar(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read and check the sidecar of a fused image.

    Args:
        path: JSON file that `write_sidecar` wrote.

    Raises:
        BadInputError: the file is missing or no JSON, or a key is missing or of the wrong kind.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadInputError(
            f"{path} does not exist; without it the way back to the sources' own intensities is unknown. {REMEDY}"
        ) from error
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path} cannot be read as JSON ({error}). {REMEDY}") from error
    return check_sidecar(path, content)


def check_sidecar(path: str | os.PathLike[str], content: Any) -> dict[str, Any]:
    """Check that a sidecar says what leads back to the sources.

    Args:
        path: file that it was read from.
        content: what stood there.

    Returns:
        `content`.

    Raises:
        BadInputError: it is no object, or a key is missing or of the wrong kind.
    """
    if not isinstance(content, dict):
        raise BadInputError(f"{path} holds no JSON object. {REMEDY}")

    for key, kind in REQUIRED_KEYS.items():
        if key not in content:
            raise BadInputError(f'{path} has no key "{key}". {REMEDY}')
        if not isinstance(content[key], kind):
            raise BadInputError(f'{path}: "{key}" is {content[key]!r}, expected {_name(kind)}. {REMEDY}')
    _check_scale(path, content["IntensityScale"], len(content["SourceModalities"]))
    return content


def _one_line_rows(text: str) -> str:
    """Put the rows of numbers on a line each: slice by slice they would fill hundreds of lines."""
    return re.sub(r"\[\n([^\[\]{}]*)\]", lambda row: f"[{' '.join(row[1].split())}]", text)


def _check_scale(path: str | os.PathLike[str], scale: dict[str, Any], sources: int) -> None:
    for key in SCALE_KEYS:
        if key not in scale:
            raise BadInputError(f'{path}: "IntensityScale" has no key "{key}". {REMEDY}')
    for key in ("offset", "factor"):
        rows = scale[key]
        if not isinstance(rows, list) or len(rows) != sources:
            raise BadInputError(
                f'{path}: "IntensityScale" wants one row of "{key}" for each of the {sources} sources. {REMEDY}'
            )
        for row in rows:
            if not isinstance(row, list) or not all(isinstance(n, int | float) and math.isfinite(n) for n in row):
                raise BadInputError(f'{path}: "{key}" of "IntensityScale" holds something else than numbers. {REMEDY}')


def _name(kind: type) -> str:
    return {str: "a text", list: "a list", int: "a whole number", dict: "an object"}[kind]
