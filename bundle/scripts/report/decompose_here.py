"""What a report needs to decompose its fused image in the browser: the network, and a runtime in WebAssembly.

The parts in `assets` are made by ``make web``; the network is `models/decompose.onnx`, exported from the shipped
weights.
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from scripts import BUNDLE_ROOT
from scripts.runtimes.onnx_properties import read_properties

from .report_data import ReportData
from .viewer_data import FUSED, FUSED_LEVELS

ASSETS = Path(__file__).parent / "assets"
NETWORK = Path(BUNDLE_ROOT) / "models" / "decompose.onnx"
MAIN, WORKER, RUNTIME, BUTTON = "decompose.js.gz", "decompose_worker.js.gz", "onnxruntime.wasm.gz", "verify.js"
LICENCE = "ONNXRUNTIME_LICENSE"
LATENT = "zeros"
ROUNDING = 0.05
"""How far a value may be from its level of 16 bits, in levels, for the rounding of 32-bit floats."""
POLICY = " 'wasm-unsafe-eval' blob:; worker-src blob:"
"""What the page has to allow itself: to compile the runtime, and workers of its own text."""
SECTION = """
<section class="still verify" aria-labelledby="verify-title">
<h2 id="verify-title">Verify</h2>
<p>Takes the fused image in this file apart, here and now, with the network in this file and nothing else, and compares
the result with the estimates above.</p>
<p><button type="button" id="verify">Decompose here</button>
<progress id="verify-progress" max="1" value="0" aria-label="Decomposing" hidden></progress></p>
<p id="verify-result" role="status"></p>
<details><summary>Licence of onnxruntime, which runs the network</summary><pre class="fine">{licence}</pre></details>
</section>
"""


def cannot_decompose(data: ReportData) -> str | None:
    """Return why the page of a patient cannot decompose its fused image, or None."""
    record = data.record
    if not record:
        return "its record is not known"
    if not NETWORK.is_file():
        return f"{NETWORK} is missing"
    if record["CheckpointSHA256"] != read_properties(NETWORK).get("checkpoint_sha256"):
        return f"it was fused with other weights than those of {NETWORK.name}"
    if record["LatentKind"] != LATENT:
        return f"its estimates have a latent of {record['LatentKind']}, not of {LATENT}"
    levels = data.fused.astype(np.float64) * FUSED_LEVELS
    if np.abs(levels - np.rint(levels)).max() > ROUNDING:
        return f"its fused image is stored as {record['StoredDtype']}, and the page holds 16 bits"
    return None


def decompose_parts(data: ReportData, wanted: bool) -> dict[str, str]:
    """Return the parts of a page that decompose its fused image; empty texts where it cannot or need not.

    Args:
        data: what the report shows.
        wanted: whether it was asked for. Where it is not possible, the reason is logged.
    """
    reason = cannot_decompose(data) if wanted else None
    if reason:
        logging.getLogger(__name__).warning(f"{data.patient}: the report cannot decompose the fused image: {reason}.")
    if not wanted or reason:
        return dict.fromkeys(("policy", "verify", "verify_parts"), "")
    about = {
        "image": FUSED,
        "scale": data.record["IntensityScale"],
        "checkpoint": data.record["CheckpointSHA256"],
        "sources": data.record["SourceModalities"],
    }
    texts = {
        "verify-about": _json(about),
        "verify-worker": _text(WORKER),
        "verify-wasm": base64.b64encode((ASSETS / RUNTIME).read_bytes()).decode("ascii"),
        "verify-network": base64.b64encode(gzip.compress(NETWORK.read_bytes(), mtime=0)).decode("ascii"),
    }
    scripts = [f'<script type="text/plain" id="{name}">{text}</script>' for name, text in texts.items()]
    scripts += [f"<script>{text}</script>" for text in (_text(MAIN), _asset(BUTTON))]
    return {
        "policy": POLICY,
        "verify": SECTION.format(licence=escape(_asset(LICENCE))),
        "verify_parts": "\n".join(scripts),
    }


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _text(name: str) -> str:
    return gzip.decompress((ASSETS / name).read_bytes()).decode("utf-8")


def _json(content: Any) -> str:
    return json.dumps(content, allow_nan=False).replace("<", "\\u003c")
