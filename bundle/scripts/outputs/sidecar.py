"""The JSON sidecar of a fused image: its sources, and what is needed to decompose it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts import RESEARCH_NOTICE, __version__
from scripts.data.errors import BadInputError
from scripts.data.schema import check_schema
from scripts.data.strict_json import read_json

from .digest import record_id
from .sidecar_schema import PICTURE_SIDECAR, VOLUME_SIDECAR
from .tables import write_text

REMEDY = "Fuse again, or restore the file that was written with the fused image."


def sidecar_of(fused_path: str | os.PathLike[str]) -> Path:
    """Return the path of a fused image's sidecar: `P_fused.json` for `P_fused.nii.gz` and `P_fused.png`."""
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
    fused_sha256: str,
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
        checkpoint_sha256: checksum of the weights used for fusion.
        latent_kind: latent to decompose with by default. Defaults to "normal".
        fused_sha256: checksum of the voxels of the fused image, see `scripts.outputs.digest`.
        phantom: whether the sources show a digital phantom instead of a patient. Defaults to False.
        extra: further keys in CamelCase, such as "LatentFile". Defaults to None.

    Returns:
        what was written, with the "FusionID" that was computed over it.

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
        "FusedSHA256": fused_sha256,
        **(extra or {}),
    }
    content["FusionID"] = record_id(content)
    text = _one_line_rows(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False))
    write_text(path, text + "\n")
    return content


def read_sidecar(path: str | os.PathLike[str], picture: bool = False) -> dict[str, Any]:
    """Read and check the sidecar of a fused image.

    Args:
        path: JSON file that `write_sidecar` wrote.
        picture: it belongs to a fused picture, not to a volume. Defaults to False.

    Raises:
        BadInputError: the file is missing, not JSON, or invalid (see `check_sidecar`).
    """
    if not Path(path).exists():
        raise BadInputError(
            f"{path} does not exist; without it the intensities of the sources cannot be restored. {REMEDY}"
        )
    return check_sidecar(path, read_json(path, REMEDY), picture)


def check_sidecar(path: str | os.PathLike[str], content: Any, picture: bool = False) -> dict[str, Any]:
    """Check that a sidecar is valid and unchanged since it was written.

    Args:
        path: origin of the content, for messages.
        content: content of the sidecar.
        picture: whether it belongs to a fused picture instead of a volume. Defaults to False.

    Returns:
        `content`.

    Raises:
        BadInputError: a key is missing, a value is invalid, or the content does not match its "FusionID". Versions up
            to 0.4.0 did not write "FusedSHA256"; the content of such a sidecar cannot be compared.
    """
    check_schema(content, PICTURE_SIDECAR if picture else VOLUME_SIDECAR, path, REMEDY)
    _check_sources(path, content)
    _check_scale(path, content)
    if "FusedSHA256" in content and content.get("FusionID") != record_id(content):
        raise BadInputError(
            f'{path} was changed since it was written: its content does not match its "FusionID". {REMEDY} To use it '
            'anyway, remove the key "FusedSHA256" from it.'
        )
    return content


def is_sidecar(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a sidecar of this bundle, possibly damaged, and not of another program."""
    path = Path(path)
    try:
        return path.is_file() and b"FusionINN" in path.read_bytes()
    except OSError:
        return False


def _one_line_rows(text: str) -> str:
    """Write each row of numbers on one line, because one number per line would fill hundreds of lines."""
    return re.sub(r"\[\n([^\[\]{}]*)\]", lambda row: f"[{' '.join(row[1].split())}]", text)


def _check_sources(path: str | os.PathLike[str], content: Mapping[str, Any]) -> None:
    names = content["SourceModalities"]
    for key in ("Sources", "SourceDtypes", "SourceBits"):
        if key in content and len(content[key]) != len(names):
            raise BadInputError(
                f'{path}: "{key}" has {len(content[key])} entries, expected one for each of the {len(names)} sources. '
                f"{REMEDY}"
            )
    if (content.get("ColourFrom") or 1) > len(names):
        raise BadInputError(
            f'{path}: "ColourFrom" is {content["ColourFrom"]}, but there are {len(names)} sources. {REMEDY}'
        )


def _check_scale(path: str | os.PathLike[str], content: Mapping[str, Any]) -> None:
    scale, sources, shape = content["IntensityScale"], len(content["SourceModalities"]), content.get("Shape", ())
    axis = scale["slice_axis"]
    if axis != content["SliceAxis"]:
        raise BadInputError(
            f'{path}: "SliceAxis" is {content["SliceAxis"]}, but "IntensityScale" has {axis} for it. {REMEDY}'
        )
    for key in ("offset", "factor"):
        rows = scale[key]
        if len(rows) != sources:
            raise BadInputError(
                f'{path}: "IntensityScale" has {len(rows)} rows of "{key}", expected one row of "{key}" for each of '
                f"the {sources} sources. {REMEDY}"
            )
        lengths = {len(row) for row in rows}
        # A picture has two axes and is a single slice.
        expected = {1} if scale["mode"] == "volume" else {[*shape, 1][axis]} if shape else lengths
        if len(lengths) > 1 or not lengths <= expected:
            raise BadInputError(
                f'{path}: the rows of "{key}" of "IntensityScale" have {" and ".join(map(str, sorted(lengths)))} '
                f"numbers, expected {expected.pop() if len(expected) == 1 else 'the same number'} in each. {REMEDY}"
            )
