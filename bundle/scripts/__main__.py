"""`python -m scripts TASK …` in the folder of the bundle: the short commands where nothing was installed."""

from __future__ import annotations

import sys

from scripts.commands.main import main

if __name__ == "__main__":
    sys.exit(main())
