"""Write the phantom with its two files swapped: ``python -m fusioninn_research.release.swapped_phantom FOLDER``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from scripts import BUNDLE_ROOT

SWAPPED = {"t1ce": "flair", "flair": "t1ce"}


def write_swapped(folder: Path) -> Path:
    """Write the phantom with its files swapped.

    Args:
        folder: where the folder of the patient is made.

    Returns:
        that folder.
    """
    source = Path(BUNDLE_ROOT) / "example" / "phantom-01"
    target = folder / source.name
    target.mkdir(parents=True, exist_ok=True)
    for name, other in SWAPPED.items():
        shutil.copyfile(source / f"{source.name}_{name}.nii.gz", target / f"{source.name}_{other}.nii.gz")
    return target


if __name__ == "__main__":
    write_swapped(Path(sys.argv[1]))
