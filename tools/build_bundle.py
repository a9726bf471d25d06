"""Pack the bundle as in the MONAI model zoo: ``fusioninn_v<version>.zip`` with the folder ``fusioninn``.

    python tools/build_bundle.py [FOLDER]

The archive is reproducible on any machine: entries are sorted, their times are fixed, and nothing is compressed
(images, weights and volumes already are). Files ignored by git, such as runs, caches and exports, are excluded, as are
files that only contributors need.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "bundle"
NAME = "fusioninn"
LIMIT = 25 * 2**20
"""Size in bytes above which the zoo requires a file to be listed in ``large_files.yml``."""

NEEDED = (
    "LICENSE",
    "configs/inference.json",
    "configs/metadata.json",
    "configs/train.json",
    "docs/README.md",
    "docs/data_license.txt",
    "models/model.pt",
    "scripts/__init__.py",
)

OF_CONTRIBUTORS = ("scripts/phantom/", "example/phantom-01/phantom-01_tissue.")
"""Beginnings of the names of files that only contributors need: the code that computes the digital phantom."""

REQUIREMENTS = ("requirements.txt", "requirements-clinic.txt")
"""Files of the repository that are added at the top of the bundle."""


class BuildError(Exception):
    """A problem of the bundle, with the remedy."""


def bundle_files() -> list[str]:
    """Return the files of the bundle that git tracks or would add and users need, as sorted relative paths.

    Raises:
        BuildError: outside a checkout, or when a file is missing or too large.
    """
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(listing, cwd=BUNDLE, capture_output=True, text=True)
    if found.returncode:
        raise BuildError(f"git does not list the files of {BUNDLE}: {found.stderr.strip()} Build from a checkout.")
    listed = {name for name in found.stdout.split("\0") if name and not name.startswith(OF_CONTRIBUTORS)}
    names = sorted(name for name in listed if (BUNDLE / name).is_file())
    missing = sorted(set(NEEDED) - set(names))
    if missing:
        raise BuildError(f"The bundle lacks {', '.join(missing)}. Restore the files, or train the weights.")
    large = [name for name in names if (BUNDLE / name).stat().st_size > LIMIT]
    if large:
        raise BuildError(f"Over 25 MB: {', '.join(large)}. Leave them out, or name them in large_files.yml.")
    return names


def download_files() -> dict[str, Path]:
    """Return what others download, by its name in the bundle: the bundle's files and its requirements.

    Raises:
        BuildError: see `bundle_files`.
    """
    files = {name: BUNDLE / name for name in bundle_files()}
    return dict(sorted({**files, **{name: ROOT / name for name in REQUIREMENTS}}.items()))


def build(folder: Path) -> Path:
    """Write the archive.

    Args:
        folder: folder of the archive; created if missing.

    Returns:
        the file.

    Raises:
        BuildError: see `bundle_files`.
    """
    files = download_files()
    version = json.loads((BUNDLE / "configs" / "metadata.json").read_text(encoding="utf-8"))["version"]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{NAME}_v{version}.zip"
    temporary = path.with_suffix(".tmp")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name, file in files.items():
            entry = zipfile.ZipInfo(f"{NAME}/{name}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, so that the file mode is used
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, file.read_bytes())
    temporary.replace(path)
    return path


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", nargs="?", type=Path, default=ROOT / "dist", help="folder of the archive (default: dist)"
    )
    try:
        path = build(parser.parse_args().folder)
    except BuildError as error:
        sys.exit(f"Error: {error}")
    checksum = hashlib.sha1(path.read_bytes()).hexdigest()
    print(f"{path}  {path.stat().st_size / 2**20:.1f} MB  sha1 {checksum}")


if __name__ == "__main__":
    main()
