"""List the licences of all requirements: ``python tools/licences.py > bundle/docs/licences.md``.

Run in the environment of ``make setup``; packages that are not installed are not listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
FILES = {
    "requirements.txt": "to run the bundle",
    "requirements-clinic.txt": "for DICOM, registration and a PACS",
    "research/requirements.txt": "for the research in the repository",
    "requirements-dev.txt": "for tests, linting and the phantom",
}
"""Requirements files and their purposes."""
PLATFORM = ("nvidia-", "cuda-", "triton")
"""Prefixes of packages for some platforms only, mainly CUDA; they have their own licences."""
_WORDS = {
    r"BSD 3-Clause|3-Clause BSD": "BSD-3-Clause",
    r"Apache": "Apache-2.0",
    r"MIT License": "MIT",
    r"BSD License": "BSD",
    r"Python Software Foundation": "PSF-2.0",
}
_HEAD = """# Licences of the dependencies

FusionINN is licensed under Apache-2.0. These are the licences that its dependencies, direct and transitive, state in
their metadata. The list is made by `python tools/licences.py > bundle/docs/licences.md`, and a test compares it with
what is installed. Packages for one platform only (CUDA's `nvidia-*`, `triton`) are not listed.

No dependency is under the GPL. Three are under the LGPL: `connected-components-3d`, `fastremap` and `fill_voids`, which
the skull stripping of `deepbet` imports. They are packages of their own and are used unchanged; without `deepbet`
(`--skull_stripping false`) nothing needs them.

## The page for browsers, and reports

The page ([browser.md](browser.md)) and the reports contain packages from npm, with their versions in
`web/package-lock.json`: onnxruntime-web (MIT), NiiVue (BSD-2-Clause), pako (MIT and Zlib), fflate (MIT) and
noble-hashes (MIT). The texts of the licences are in the pages themselves.

## Compressed DICOM images

Read with `python-gdcm` (Apache-2.0) and `pylibjpeg-openjpeg` (MIT), compared on images of 8, 12 and 16 bits, signed and
unsigned, that dcmtk, gdcm, OpenJPEG and imagecodecs had compressed. "=": every voxel is right, "≈": within the loss
that the encoder was asked for, "–": not read.

| transfer syntax | pydicom alone | python-gdcm | pylibjpeg-openjpeg | pyjpegls | pylibjpeg-libjpeg (GPL v3) |
|---|---|---|---|---|---|
| uncompressed (little, big endian), deflated | = | | | | |
| RLE Lossless | = | | | | |
| JPEG Baseline, 8 bits | – | ≈ | – | – | ≈ |
| JPEG Extended, 8 bits | – | ≈ | – | – | ≈ |
| JPEG Extended, 12 bits | – | – | – | – | ≈ |
| JPEG Lossless, Process 14 and SV1, 8 to 16 bits | – | = | – | – | = |
| JPEG-LS Lossless, 8 to 16 bits | – | = | – | = | = |
| JPEG-LS Near-Lossless, 8 to 16 bits | – | ≈ | – | ≈ | ≈ |
| JPEG 2000, lossless and lossy, 8 to 16 bits | – | = ≈ | = ≈ | – | – |
| High-Throughput JPEG 2000, 8 to 16 bits | – | – | = | – | – |

JPEG Extended with 12 bits needs `pylibjpeg-libjpeg`, which is under the GPL v3: whether to install it is your choice
(`pip install pylibjpeg-libjpeg`), and the message about such a file says so. It is used for nothing else: of an image
that ends early it fills up the rest with arbitrary values, where the others refuse it."""


def requirements(file: str) -> list[str]:
    """Return the packages listed in a requirements file."""
    lines = ((ROOT / file).read_text(encoding="utf-8")).splitlines()
    named = (line.partition("#")[0].strip() for line in lines)
    return [Requirement(line).name for line in named if line and not line.startswith("-")]


def installed(names: list[str]) -> dict[str, Distribution]:
    """Return the installed packages and their dependencies by lower-case name."""
    found: dict[str, Distribution] = {}
    for package in names:
        _collect(package, set(), found)
    return dict(sorted(found.items()))


def licence(package: Distribution) -> str:
    """Return the licence stated by a package, as an SPDX expression if it is a common one."""
    metadata = package.metadata
    if metadata.get("License-Expression"):
        return metadata["License-Expression"]
    classified = [entry.split(" :: ")[-1] for entry in metadata.get_all("Classifier") or [] if "License ::" in entry]
    free = (metadata.get("License") or "").strip().split("\n")[0]
    stated = " AND ".join(classified) or free or "not stated"
    if stated == "BSD License" and "3-Clause" in free:
        stated = free
    return next((short for words, short in _WORDS.items() if re.search(words, stated)), stated)


def document() -> str:
    """Return the whole list."""
    parts, listed = [_HEAD], set()
    for file, purpose in FILES.items():
        direct = {name.lower() for name in requirements(file)}
        packages = {name: one for name, one in installed(requirements(file)).items() if name not in listed}
        listed |= set(packages)
        rows = [
            f"| {one.name} | {licence(one)} | {'yes' if name in direct else 'through another'} |"
            for name, one in packages.items()
            if not name.startswith(PLATFORM)
        ]
        parts += [f"\n## `{file}`: {purpose}\n", "| package | licence | named there |\n|---|---|---|", *rows]
    return "\n".join(parts) + "\n"


def _collect(name: str, extras: set[str], found: dict[str, Distribution]) -> None:
    try:
        package = distribution(name)
    except PackageNotFoundError:  # for another platform, or an extra that is not installed
        return
    key = package.name.lower()
    if key in found and not extras:
        return
    found[key] = package
    for needed in _needs(package, extras):
        if needed.name.lower() not in found or needed.extras:
            _collect(needed.name, set(needed.extras), found)


def _needs(package: Distribution, extras: set[str]) -> Iterator[Requirement]:
    for text in package.requires or ():
        needed = Requirement(text)
        if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield needed


if __name__ == "__main__":
    print(document(), end="")
