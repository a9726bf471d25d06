"""The report of a patient: one HTML file that opens offline in any browser."""

from __future__ import annotations

import base64
import gzip
import io
import json
import math
import os
import re
import tempfile
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from PIL import Image

from scripts import RESEARCH_NOTICE, __version__
from scripts.outputs.overview import ERROR_COLOURS, draw_overview
from scripts.outputs.page import ACCENT, BACKGROUND, FAINT, RULE, TEXT
from scripts.outputs.tables import write_text

from .decompose_here import decompose_parts
from .markup import description, plain, table, value
from .report_data import ReportData
from .viewer_data import SEGMENT_COLOURS, display_name, viewer_data

ASSETS = Path(__file__).parent / "assets"
NIIVUE = "niivue.umd.js.gz"
LIMIT = 24_500_000
"""Bytes of a page that the volumes' grey levels are chosen to stay below."""
PICTURE_WIDTH = 1400
PICTURE_COLOURS = 120
"""Greys, and as many colours of the errors."""


def write_report(path: str | os.PathLike[str], data: ReportData, decompose: bool = False) -> Path:
    """Write the report of a patient, whole or not at all.

    Args:
        path: HTML file to write; its folder is created.
        data: what is shown.
        decompose: the page can decompose its fused image, which takes 5 MB more. Defaults to False.

    Returns:
        `path`.

    Raises:
        BadInputError: the file cannot be written.
    """
    parts = {
        "title": escape(data.patient),
        "notice": escape(RESEARCH_NOTICE),
        "phantom": "" if not data.phantom else "Digital phantom, not a patient.",
        "summary": escape(_summary(data)),
        "style": _asset("base.css") + _asset("report.css"),
        "script": _asset("report.js"),
        "shader": fill(_asset("slice.frag"), _colours_of_outlines()),
        "niivue": gzip.decompress((ASSETS / NIIVUE).read_bytes()).decode("utf-8"),
        "niivue_licence": escape(_asset("NIIVUE_LICENSE")),
        "picture": _picture(data),
        "warnings": _warnings(data.provenance.get("warnings", ())),
        "scores": _scores(data),
        "provenance": description({key: entry for key, entry in data.provenance.items() if key != "warnings"}),
        "version": escape(__version__),
        **decompose_parts(data, decompose),
    }
    room = LIMIT - sum(len(part.encode("utf-8")) for part in parts.values())
    content, volumes = viewer_data(data, room, whole_fused=bool(parts["verify"]))
    parts["precision"] = escape(_precision(content["volumes"]))
    parts["data"] = _json(content)
    parts["volumes"] = "\n".join(
        f'<script type="text/plain" id="volume-{escape(name)}">{text}</script>' for name, text in volumes.items()
    )
    write_text(path, fill(_asset("report.html"), parts))
    return Path(path)


def fill(template: str, parts: Mapping[str, str]) -> str:
    """Replace each `{{name}}` of a template by the part of that name.

    Raises:
        KeyError: a part is missing.
    """
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def _colours_of_outlines() -> dict[str, str]:
    """Return how many colours the shader has, and the colours."""
    colours = ("vec3({:.3f}, {:.3f}, {:.3f})".format(*to_rgb(colour)) for colour in SEGMENT_COLOURS)
    return {"count": str(len(SEGMENT_COLOURS)), "colours": ", ".join(colours)}


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _json(content: Any) -> str:
    # "<" would end the script element that it stands in
    return json.dumps(content, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def _summary(data: ReportData) -> str:
    shape = " × ".join(map(str, data.fused.shape))
    spacing = " × ".join(f"{size:.3g}" for size in nib.affines.voxel_sizes(data.affine))
    names = " + ".join(map(display_name, data.sources))
    return f"{names}, fused by FusionINN. {shape} voxels of {spacing} mm."


def _warnings(warnings: Any) -> str:
    texts = [warnings] if isinstance(warnings, str) else list(warnings or ())
    if not texts:
        return ""
    return f'<section class="warnings" aria-label="Warnings"><h2>Warnings</h2>{value(texts)}</section>'


def _scores(data: ReportData) -> str:
    rows = []
    for of, name in (("fused", "Fused image"), ("decomposed", "Decomposed, ESTIMATED")):
        found = data.scores.get(of, {})
        if found:
            rows.append([name, *(_score(found.get(source)) for source in data.sources)])
    if not rows:
        return "<p>No scores are known.</p>"
    return table(["SSIM with", *map(display_name, data.sources)], rows)


def _score(number: float | None) -> str:
    return "–" if number is None or not math.isfinite(number) else f"{number:.4f}"


def _precision(volumes: Mapping[str, Mapping[str, Any]]) -> str:
    kinds = {
        "source": "{}",
        "estimate": "{}, estimated",
        "uncertainty": "expected error of {}",
        "fused": "the fused image",
    }
    rounded = [
        f"{kinds[entry['kind']].format(entry['label'])} (steps of {plain(float(entry['step']))})"
        for entry in volumes.values()
        if entry["step"] is not None
    ]
    if not rounded:
        return "All values are stored in this page as they are in the files."
    return f"Stored in this page in rounded values: {'; '.join(rounded)}. All others are as in the files."


def _picture(data: ReportData) -> str:
    """Draw the slices that stand in where the viewer cannot run, as base64."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "overview.png"
        draw_overview(
            file,
            data.volumes,
            data.fused,
            data.decomposed,
            affine=data.affine,
            slice_axis=data.axes[2],
            lesion=data.seg,
            title=data.patient,
            phantom=data.phantom,
            uncertainty=data.uncertainty,
        )
        with Image.open(file) as page:
            small = page.convert("RGB")
            height = round(page.height * PICTURE_WIDTH / page.width)
            small = small.resize((PICTURE_WIDTH, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    packed = io.BytesIO()
    small.quantize(palette=_palette(), dither=Image.Dither.NONE).save(packed, format="PNG", optimize=True)
    return base64.b64encode(packed.getvalue()).decode("ascii")


def _palette() -> Image.Image:
    """Greys, the scale of the errors, and the page's own colours: a palette made to measure would bend the scale."""
    shares = np.linspace(0, 1, PICTURE_COLOURS)
    scale = colormaps[ERROR_COLOURS](shares)[:, :3]
    page = [to_rgb(colour) for colour in (BACKGROUND, TEXT, FAINT, ACCENT, RULE)]
    colours = np.concatenate([shares[:, None].repeat(3, axis=1), scale, page])
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.rint(255 * colours).astype(np.uint8).tobytes())
    return palette
