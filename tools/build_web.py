"""Build the page for browsers, ``dist/fusioninn.html``: one file that fuses and decomposes offline.

What reports need to decompose in their page is packed into `bundle/scripts/report/assets`, if it changed.

    python tools/build_web.py [FOLDER]

The network is exported by the bundle's own command, unless `bundle/models` or `build/web` hold the export of these
weights already. Node packages are installed from the lockfile in `web/`.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
BUNDLE, WEB = ROOT / "bundle", ROOT / "web"
sys.path.insert(0, str(BUNDLE))

from scripts import RESEARCH_NOTICE, __version__  # noqa: E402
from scripts.data.bids_name import _AGENT, _NO_AGENT  # noqa: E402
from scripts.data.contrasts import CONTRASTS, DISPLAY_NAMES, VERSIONS  # noqa: E402
from scripts.data.nifti_file import _DEFLATE_LIMIT, MOST_VOXELS  # noqa: E402
from scripts.networks.weights import fingerprint  # noqa: E402
from scripts.outputs.digest import PROTECTED  # noqa: E402
from scripts.outputs.overview import ERROR_LIMITS  # noqa: E402
from scripts.outputs.sidecar_schema import VOLUME_SIDECAR  # noqa: E402
from scripts.outputs.volumes import PLAUSIBLE  # noqa: E402
from scripts.runtimes.onnx_properties import read_properties  # noqa: E402

PAGE = "fusioninn.html"
LIMIT = 25 * 2**20
"""Largest page in bytes."""
PHANTOM = BUNDLE / "example" / "phantom-01"
PHANTOM_SOURCES = {"t1gd": "phantom-01_t1ce.nii.gz", "flair": "phantom-01_flair.nii.gz"}
REPORT_ASSETS = BUNDLE / "scripts" / "report" / "assets"
GRAPHS = ("fuse.onnx", "decompose.onnx")


class BuildError(Exception):
    """A problem of the build, with the remedy."""


def facts(checkpoint: str) -> dict[str, Any]:
    """Return what the page shares with the bundle: limits, words, the schema of records, the phantom's files."""
    seg = np.asarray(nib.load(PHANTOM / "phantom-01_seg.nii.gz").dataobj) > 0
    through = int(seg.sum(axis=(0, 1)).argmax())
    place = np.rint(np.argwhere(seg[:, :, through]).mean(axis=0)).astype(int)
    return {
        "version": __version__,
        "notice": RESEARCH_NOTICE,
        "checkpoint": checkpoint,
        "displayNames": DISPLAY_NAMES,
        "contrasts": {
            "words": {word: one.name for one in CONTRASTS for word in one.words},
            "versions": list(VERSIONS),
            "bids": {one.bids: one.name for one in CONTRASTS if one.bids},
            "agents": {"given": sorted(_AGENT), "none": sorted(_NO_AGENT)},
        },
        "schema": VOLUME_SIDECAR,
        "protectedKeys": PROTECTED,
        "mostVoxels": MOST_VOXELS,
        "deflateLimit": _DEFLATE_LIMIT,
        "plausible": list(PLAUSIBLE),
        "errorLimits": list(ERROR_LIMITS),
        "phantomFiles": [
            {"id": f"phantom-{source}", "name": name, "source": source} for source, name in PHANTOM_SOURCES.items()
        ],
        "phantomShape": list(seg.shape),
        "phantomStart": [*map(int, place), through],
    }


def exported(checkpoint: str, work: Path) -> Path:
    """Return a folder with both graphs of these weights in ONNX; export them if there is none."""
    for folder in (BUNDLE / "models", work / "export"):
        if all(_is_of(folder / name, checkpoint) for name in GRAPHS):
            return folder
    print("exporting the network to ONNX (about a minute)", flush=True)
    configs = ["configs/inference.json", "configs/export.json"]
    command = [sys.executable, "-m", "monai.bundle", "run", "onnx", "--config_file", str(configs)]
    done = subprocess.run(
        [*command, "--output_dir", str(work / "export")], cwd=BUNDLE, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"the network could not be exported:\n{done.stderr[-2000:]}")
    return work / "export"


def _is_of(graph: Path, checkpoint: str) -> bool:
    if not graph.is_file():
        return False
    properties = read_properties(graph)
    return properties.get("checkpoint_sha256") == checkpoint and properties.get("bundle_version") == __version__


def install_packages() -> None:
    """Install the node packages of the lockfile, once.

    Raises:
        BuildError: node is missing, or the packages cannot be installed.
    """
    missing = [program for program in ("node", "npm") if shutil.which(program) is None]
    if missing:
        raise BuildError(
            f"{' and '.join(missing)} not found. Install Node.js 18 or later: sh tools/setup_system.sh on Debian and "
            "Ubuntu."
        )
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    stamp = WEB / "node_modules" / ".lock"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == lock:
        return
    print("installing node packages", flush=True)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"npm ci failed:\n{(done.stderr or done.stdout)[-2000:]}\nCheck the network connection.")
    stamp.write_text(lock, encoding="utf-8")


def build(folder: Path, work: Path = ROOT / "build" / "web") -> Path:
    """Write the page.

    Args:
        folder: folder of the page; created if missing.
        work: folder for what is made on the way. Defaults to `build/web`.

    Returns:
        the page.

    Raises:
        BuildError: see `install_packages`, or the page is too large.
    """
    work.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = fingerprint(BUNDLE / "models" / "model.pt")
    install_packages()
    graphs = exported(checkpoint, work)
    (work / "facts.json").write_text(json.dumps(facts(checkpoint)), encoding="utf-8")
    temporary = work / PAGE
    inputs = [work / "facts.json", *(graphs / name for name in GRAPHS), PHANTOM, temporary]
    run_node("build.mjs", *inputs)
    if temporary.stat().st_size > LIMIT:
        raise BuildError(f"the page has {temporary.stat().st_size / 2**20:.1f} MB, more than {LIMIT // 2**20} MB.")
    os.replace(temporary, folder / PAGE)
    return folder / PAGE


def report_parts(work: Path = ROOT / "build" / "web") -> dict[str, bytes]:
    """Return what takes a report's fused image apart: content by its name in the report's assets, unpacked.

    Args:
        work: folder that `build` worked in. Defaults to `build/web`.

    Raises:
        BuildError: the scripts could not be bundled.
    """
    run_node("build_report.mjs", work / "facts.json", work)
    wasm = WEB / "node_modules" / "onnxruntime-web" / "dist" / "ort-wasm-simd-threaded.wasm"
    scripts = {f"{name}.gz": (work / name).read_bytes() for name in ("decompose.js", "decompose_worker.js")}
    return {**scripts, "onnxruntime.wasm.gz": wasm.read_bytes()}


def pack_for_reports() -> None:
    """Write the parts for reports into the bundle, where they differ from what is there."""
    for name, content in report_parts().items():
        target = REPORT_ASSETS / name
        if not target.is_file() or gzip.decompress(target.read_bytes()) != content:
            target.write_bytes(gzip.compress(content, compresslevel=9, mtime=0))


def run_node(script: str, *arguments: Path) -> None:
    """Run a script of `web`.

    Raises:
        BuildError: it fails.
    """
    command = ["node", script, *(str(path.resolve()) for path in arguments)]
    done = subprocess.run(command, cwd=WEB, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{script} failed:\n{done.stderr[-3000:]}")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", nargs="?", type=Path, default=ROOT / "dist", help="folder of the page (default: dist)"
    )
    try:
        path = build(parser.parse_args().folder)
        pack_for_reports()
    except BuildError as error:
        sys.exit(f"Error: {error}")
    print(f"{path}  {path.stat().st_size / 2**20:.1f} MB: open it in a browser")


if __name__ == "__main__":
    main()
