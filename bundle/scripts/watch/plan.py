"""A result that is complete on disk and is to be sent."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Plan:
    """What is to be sent.

    Args:
        folder: name of the folder of the result.
        key: of the result: what it is made of, and how.
        used: fingerprint of the images that it was made of.
        series: SeriesInstanceUID by the name of the series, which is that of its folder.
        instances: how many in all.
    """

    folder: str
    key: str
    used: str
    series: dict[str, str]
    instances: int

    def as_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read it from the text."""
        return cls(**json.loads(text))

    def files(self, output_dir: Path) -> dict[str, list[Path]]:
        """Return the files of each series."""
        return {name: sorted((output_dir / self.folder / name).glob("*.dcm")) for name in self.series}

    def is_whole(self, output_dir: Path) -> bool:
        """Whether all files are there."""
        return sum(map(len, self.files(output_dir).values())) == self.instances
