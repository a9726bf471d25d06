from __future__ import annotations

from importlib.util import find_spec

from scripts.data.errors import BadInputError

REQUIREMENTS = "requirements-clinic.txt"
"""File of the repository that names the optional packages of the clinic's side."""

WHEELS = {"dicomweb_client": "dicomweb-client", "openjpeg": "pylibjpeg-openjpeg"}
"""What pip calls packages that are imported by another name."""


def require(*packages: str, purpose: str = "reading DICOM") -> None:
    """Check that optional packages can be imported, before they are.

    Args:
        packages: names as in an import statement.
        purpose: what they are needed for, begins the message. Defaults to "reading DICOM".

    Raises:
        BadInputError: one is missing; the message says how to install it.
    """
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        word = "package" if len(missing) == 1 else "packages"
        wheels = " ".join(WHEELS.get(package, package) for package in missing)
        raise BadInputError(
            f"{purpose} needs the {word} {', '.join(missing)}. Install what the clinic's side needs: "
            f"pip install -r {REQUIREMENTS}, or pip install {wheels}"
        )
