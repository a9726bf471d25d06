"""Weights of an earlier version, from git: ``python -m fusioninn_research.release.earlier_weights MARK OUT.pt``."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from scripts.data.errors import BadInputError

from .marks import LENGTH

PLACE = "bundle/models/model.pt"


def earlier_weights(mark: str, root: Path, place: str = PLACE) -> bytes:
    """Return the content of a file of weights that the history of the repository holds.

    Args:
        mark: first digits of its SHA-256.
        root: the repository.
        place: where the weights lie in it.

    Raises:
        BadInputError: it is not a repository, or no version has such weights.
    """

    def git(*words: str) -> bytes:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True)
        if done.returncode:
            raise BadInputError(f"{root}: {done.stderr.decode().strip()}. Release from a checkout with its history.")
        return done.stdout

    for commit in git("log", "--format=%H", "--", place).decode().split():
        listed = git("ls-tree", commit, "--", place)
        content = git("show", f"{commit}:{place}") if listed else b""
        if hashlib.sha256(content).hexdigest()[:LENGTH] == mark:
            return content
    raise BadInputError(f"No version of {place} has the weights {mark}. Fetch the whole history of the repository.")


if __name__ == "__main__":
    try:
        Path(sys.argv[2]).write_bytes(earlier_weights(sys.argv[1], Path.cwd()))
    except BadInputError as error:
        raise SystemExit(f"Error: {error}") from None
