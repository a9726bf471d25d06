"""Print the folder of the installed bundle: `python -m fusioninn`."""

from __future__ import annotations

import sys

from fusioninn import BUNDLE

sys.stdout.write(f"{BUNDLE}\n")
