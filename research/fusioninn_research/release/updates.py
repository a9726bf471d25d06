"""Files of the repository other than Markdown that are rewritten from results."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.data.errors import BadInputError
from scripts.outputs.tables import write_text

from .views.results import Results
from .views.similarity import means

METADATA = "bundle/configs/metadata.json"
WEIGHTS = "measured_weights"
"""Key of the metadata with the mark of the weights that the metrics belong to."""
_METRICS = re.compile(rf'"eval_metrics": \{{.*?\n    \}},\n    "{WEIGHTS}": "[0-9a-f]*"', re.DOTALL)
VERSIONS = {
    METADATA: r'(?<=^    "version": ")[^"]+',
    "pyproject.toml": r'(?<=^version = ")[^"]+',
    "bundle/scripts/__init__.py": r'(?<=^__version__ = ")[^"]+',
    "CITATION.cff": r"(?<=^version: )\S+",
    "bundle/docs/install.md": r"(?<=fusioninn_v)\d+\.\d+\.\d+(?=\.zip)",
    "deploy/app.yaml": r"(?<=^  version: )\S+",
    "deploy/README.md": r"(?:(?<=fusioninn_v)|(?<=fusioninn:)|(?<=amd64:))\d+\.\d+\.\d+",
}
"""Files that hold the version, and where in them."""


def metrics(results: Results, root: Path, mark: str) -> None:
    """Write the metrics of the metadata, and the weights that they belong to.

    Raises:
        BadInputError: the metadata have no metrics, or cannot be written.
    """
    values = means(results, "validation/uint8")
    found = {
        "fused_ssim": values["fused_slice"],
        "plain_mean_ssim": values["mean_slice"],
        **{f"decomposed_{s}_ssim": values[f"decomposed_{s}_slice"] for s in ("t1gd", "flair")},
        **{f"decomposed_{s}_ssim_in_brain": values[f"decomposed_{s}_brain"] for s in ("t1gd", "flair")},
    }
    lines = [f'"{name}": {value:.3f}' for name, value in found.items()]
    path = root / METADATA
    old = path.read_text(encoding="utf-8")
    body = ",\n".join(f"        {line}" for line in lines)
    new, count = _METRICS.subn(f'"eval_metrics": {{\n{body}\n    }},\n    "{WEIGHTS}": "{mark}"', old)
    if count != 1:
        raise BadInputError(f'{path} has no "eval_metrics" and "{WEIGHTS}" on lines of their own.')
    json.loads(new)
    if new != old:
        write_text(path, new)


UPDATES: Mapping[str, Callable[[Results, Path, str], None]] = {METADATA: metrics}
"""What rewrites a file, by the file."""


def metrics_mark(root: Path) -> str | None:
    """Return the mark of the weights that the metrics of the metadata belong to."""
    return json.loads((root / METADATA).read_text(encoding="utf-8")).get(WEIGHTS)


def set_version(root: Path, version: str) -> list[str]:
    """Write a version into all files that hold it.

    Args:
        root: the repository.
        version: such as "0.5.0".

    Returns:
        the files that were changed.

    Raises:
        BadInputError: it is not a version, or a file does not hold one.
    """
    if not re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", version):
        raise BadInputError(f"{version} is not a version. Give one such as 0.5.0.")
    texts = {name: (root / name).read_text(encoding="utf-8") for name in VERSIONS}
    changed = []
    for name, pattern in VERSIONS.items():
        new, count = re.subn(pattern, version, texts[name], flags=re.MULTILINE)
        if not count:
            raise BadInputError(f"{root / name} has no version where it is expected.")
        if new != texts[name]:
            write_text(root / name, new)
            changed.append(name)
    return changed
