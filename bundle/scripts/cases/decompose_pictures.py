"""Decompose pictures from the stored fused PNG alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from scripts.data.errors import BadInputError
from scripts.data.pictures import Picture, format_of, read_picture
from scripts.data.safe_names import safe_again
from scripts.outputs.digest import picture_digest
from scripts.outputs.pictures import FUSED_ENDING, picture_name, picture_sidecar
from scripts.outputs.sidecar import sidecar_of
from scripts.outputs.staged import recover, result_files

from .fuse_pictures import stored_levels


def find_fused_pictures(dataset_dir: str) -> list[dict[str, Any]]:
    """Find fused pictures in a folder and the folders below it, or take the one that is named.

    Args:
        dataset_dir: folder of ``<name>_fused.png`` files, or one such file of any name.

    Returns:
        a record per picture: "patient", which is its name, "fused", where it lies next to it "sidecar_file", and where
        two have one name, "problem".

    Raises:
        BadInputError: there is no such folder or file, or no fused picture in it.
    """
    folder = Path(dataset_dir).expanduser()
    if folder.is_file():
        recover(folder.parent)
        return [_record(safe_again(picture_name(folder) or folder.stem), folder)]
    if not folder.is_dir():
        raise BadInputError(f"{folder} does not exist. Give a fused picture or a folder of them by --dataset_dir.")
    records: dict[str, dict[str, Any]] = {}
    for file in result_files(folder):
        name = picture_name(file)
        if not name:
            continue
        name = safe_again(name)
        if name in records:
            records[name]["problem"] = (
                f"{file} and {records[name]['fused']} are both fused pictures of {name}. Keep one."
            )
            continue
        records[name] = _record(name, file)
    if not records:
        raise BadInputError(
            f"No fused picture in {folder}: looked for files that end in {FUSED_ENDING}. Make them with "
            "fusioninn pictures."
        )
    return list(records.values())


def _record(name: str, file: Path) -> dict[str, Any]:
    sidecar = sidecar_of(file)
    return {"patient": name, "fused": str(file), **({"sidecar_file": str(sidecar)} if sidecar.is_file() else {})}


def folder_for_decomposed(dataset_dir: str) -> str:
    """Return ``decomposed`` in the folder of the fused pictures."""
    path = Path(dataset_dir).expanduser()
    return str((path.parent if path.is_file() else path) / "decomposed")


class ReadFusedPicture:
    """Read a fused picture and what leads back from it."""

    def __call__(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Read one picture.

        Args:
            record: "patient" and "fused".

        Returns:
            the record with "picture", "image" (1, H, W, 1) in [0, 1], "sidecar", and "latent": None, for it is drawn
            afresh.

        Raises:
            BadInputError: the file is missing or damaged, or was resized since it was fused.
        """
        if "problem" in record:
            raise BadInputError(record["problem"])
        path = record["fused"]
        if format_of(path) != "PNG":
            raise BadInputError(
                f"{path} is not PNG. Another format may have changed the numbers that lead back to the sources: give "
                "the fused picture as it was written."
            )
        picture = read_picture(path)
        sidecar = picture_sidecar(path)
        shape = list(picture.luminance.shape)
        if sidecar.get("Shape", shape) != shape:
            raise BadInputError(
                f"{path} has {shape[1]} x {shape[0]} pixels, but {sidecar['Shape'][1]} x {sidecar['Shape'][0]} were "
                "fused: it was resized or cut, which destroys what it holds of the sources. Give the fused picture as "
                "it was written."
            )
        self._check_pixels(path, picture, sidecar)
        image = torch.from_numpy(picture.luminance)[None, ..., None]
        return {**record, "picture": picture, "image": image, "sidecar": sidecar, "latent": None}

    @staticmethod
    def _check_pixels(path: str, picture: Picture, sidecar: Mapping[str, Any]) -> None:
        """Refuse a picture that was changed, except where version 0.4.0 or earlier wrote no checksum."""
        bits = 16 if sidecar["StoredDtype"] == "uint16" else 8
        known = sidecar.get("FusedSHA256")
        found = picture_digest(stored_levels(picture.luminance, picture.chroma, bits))
        if known is not None and known != found:
            raise BadInputError(
                f"{path} does not hold the pixels that were written; what it says about its sources is unchanged. "
                "It was edited or stored with fewer colours, which destroys what it holds of the sources. Give the "
                "fused picture as it was written."
            )
