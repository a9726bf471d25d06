"""The files of a case, written as the commands write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import nn

from scripts.cases.case import DecomposedCase, FusedCase
from scripts.cases.contribution_map import ContributionMap
from scripts.cases.folders import DecomposedFolder, FusedFolder, Writer
from scripts.cases.fuse import FuseVolume
from scripts.cases.overview import Overview
from scripts.cases.volume_files import EstimatedVolumes, FusedVolume, MapVolumes, Sidecar
from scripts.cases.volume_record import VolumeRecord
from scripts.networks.weights import fingerprint


def fused_case(
    network: nn.Module,
    data: dict[str, Any],
    ckpt: str | Path,
    dtype: str | None = None,
    lossless: bool = False,
    contribution: bool = False,
) -> FusedCase:
    """Fuse what was read of a patient."""
    fuse = FuseVolume(
        dtype or ("float32" if lossless else "uint16"), lossless=lossless, checkpoint=fingerprint(str(ckpt))
    )
    case = fuse(network.eval(), data)
    return ContributionMap()(network, case) if contribution else case


def write_fused(folder: Path, case: FusedCase, overview: bool = False, more: Sequence[Writer] = ()) -> list[str]:
    """Write the files of a fused case to a folder of its own below `folder`."""
    writers = [Sidecar(), FusedVolume(), EstimatedVolumes(), MapVolumes(), *([Overview()] if overview else []), *more]
    return FusedFolder(str(folder), writers, VolumeRecord())(case)


def write_decomposed(folder: Path, case: DecomposedCase, overview: bool = False) -> list[str]:
    """Write the files of a decomposed case to a folder of its own below `folder`."""
    writers = [EstimatedVolumes(), MapVolumes(), *([Overview()] if overview else [])]
    return DecomposedFolder(str(folder), writers)(case)
