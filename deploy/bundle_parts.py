"""The parts of the bundle's workflow for studies, as declared in its configs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

CONFIGS = ("inference.json", "study.json")
SECTIONS = ("sources", "dataset#data", "preprocessing", "network", "inferer", "results", "folder")
"""Ids of the parts that are run."""
BESIDE = Path(__file__).resolve().parent.parent / "bundle"
"""The bundle in a checkout, for a folder of models that holds ``model.ts`` alone."""


def find_bundle(models: Path) -> Path:
    """Find the bundle in a folder of models, in a folder below it, or next to this application.

    Raises:
        FileNotFoundError: no bundle was found.
    """
    below = sorted(models.iterdir()) if models.is_dir() else []
    for folder in (models, *below, BESIDE):
        if (folder / "scripts" / "__init__.py").is_file() and (folder / "configs" / CONFIGS[-1]).is_file():
            return folder.resolve()
    raise FileNotFoundError(
        f"no bundle was found in {models}: give its folder, or a folder that contains it, with -m (scripts/ and "
        f"configs/{CONFIGS[-1]} in it)."
    )


def find_torchscript(models: Path) -> Path | None:
    """Find ``model.ts`` in a folder of models or one below it, or the file itself."""
    if models.is_file():
        return models if models.suffix == ".ts" else None
    return next(
        iter(sorted((*models.glob("model.ts"), *models.glob("*/model.ts"), *models.glob("*/models/model.ts")))), None
    )


class BundleParts:
    """What the operators run: parts of ``configs/inference.json`` with ``configs/study.json`` over it.

    Args:
        models: folder that contains the bundle; if it also contains ``model.ts``, this is run instead of the weights.
        input_dir: folder of DICOM files.
        output_dir: folder of the results.
        settings: values for keys of the configs.
    """

    def __init__(self, models: Path, input_dir: Path, output_dir: Path, settings: Mapping[str, Any]) -> None:
        self.root = find_bundle(models)
        if str(self.root) not in sys.path:
            sys.path.insert(0, str(self.root))
        files = tuple(str(self.root / "configs" / name) for name in CONFIGS)
        self.parser = ConfigParser()
        self.parser.read_config(files)
        exported = find_torchscript(models)
        if exported is not None:
            self.parser.update({"runtime": "torchscript", "exported_dir": str(exported.resolve().parent)})
        places = {"dataset_dir": str(input_dir), "output_dir": str(output_dir)}
        self.parser.update({**places, **settings})
        self._check(files, {**places, **settings})

    def _check(self, files: tuple[str, ...], settings: Mapping[str, Any]) -> None:
        """Raise for settings that the configs do not know, and read booleans, like the bundle's own commands."""
        from scripts.command_line.begin import check
        from scripts.command_line.booleans import type_booleans
        from scripts.command_line.call import Call

        type_booleans(self.parser, settings, check(Call(files, settings, SECTIONS)))

    @cached_property
    def sources(self) -> list[str]:
        """Names of the sources, in the network's order."""
        return list(self.parser.get_parsed_content("sources"))

    def records(self) -> list[dict[str, Any]]:
        """Find the studies and choose their series.

        The folder of the results is locked until the application ends, as by the bundle's own commands.
        """
        from scripts.outputs.locked import lock_folder
        from scripts.outputs.writing import check_writable

        output_dir = Path(self.parser.get_parsed_content("output_dir"))
        check_writable(output_dir)
        lock_folder(output_dir, "Fusing in MONAI Deploy")
        return list(self.parser.get_parsed_content("dataset#data"))

    def fuse(self, data: dict[str, Any]) -> Any:
        """Register, prepare and fuse what was read of a study, and add the results.

        Args:
            data: "patient" and what the first transform of the configs returns: the series as volumes.

        Returns:
            the case of the study.
        """
        return self._step.case(self.network, self._step.read(data))

    @cached_property
    def _step(self) -> Any:
        """The step of the bundle's own commands, without the reading."""
        from scripts.cohort.patients import PatientStep

        content = self.parser.get_parsed_content
        _reading, *others = content("preprocessing")
        return PatientStep(others, self.write, content("inferer"), content("results"))

    @cached_property
    def network(self) -> Any:
        """The network with its weights, in evaluation mode."""
        return self.parser.get_parsed_content("network").eval()

    @cached_property
    def write(self) -> Any:
        """Writes the derived series, the sidecar and the report of a case."""
        return self.parser.get_parsed_content("folder")
