"""A damaged or edited sidecar gives the same result or a clear error, never a different result or exception."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from case_files import fused_case, write_fused
from scripts.cases.decompose import DecomposeVolume, ReadFused
from scripts.cases.decompose_pictures import ReadFusedPicture
from scripts.cases.folders import PictureFolder
from scripts.cases.fuse_pictures import FusePictures
from scripts.cases.picture_files import FusedPicture, PictureRecord, estimates_with_colour
from scripts.cases.volume_files import Sidecar
from scripts.data.errors import BadInputError
from scripts.data.pictures import Picture
from scripts.networks import FusionINN
from scripts.networks.weights import fingerprint
from scripts.outputs.pictures import SIDECAR_CHUNK
from scripts.report.results import provenance
from scripts.transforms.normalize import normalize_slices

VALUES = [
    None,
    True,
    -1,
    0,
    1,
    2,
    3,
    7,
    2.0,
    1e-9,
    1e39,
    10**30,
    "",
    "x",
    "../x",
    "/x",
    "t1gd",
    "uint8",
    [],
    {},
    [1],
    [[]],
]


@pytest.fixture(scope="module")
def network() -> FusionINN:
    torch.manual_seed(0)
    return FusionINN(hidden_channels=4).eval()


@pytest.fixture(scope="module")
def ckpt(tmp_path_factory, network) -> str:
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    torch.save(network.state_dict(), path)
    return str(path)


@pytest.fixture(scope="module")
def sources() -> torch.Tensor:
    return torch.rand(2, 16, 16, 3, generator=torch.Generator().manual_seed(1)) * 900


def mutated(text: str, count: int) -> Iterator[bytes]:
    """Flip bits, delete keys, and put values of other types or sizes in the place of values."""
    draw = random.Random(5)
    for number in range(count):
        raw = bytearray(text.encode())
        if number % 3 == 0:
            for _ in range(draw.choice((1, 1, 3))):
                raw[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
            yield bytes(raw)
            continue
        content = json.loads(text)
        holder, key = draw.choice(list(places(content)))
        if number % 3 == 1 and draw.random() < 0.5:
            del holder[key]
        elif isinstance(holder[key], int | float) and draw.random() < 0.5:
            holder[key] = holder[key] * 1.01 + draw.choice((0, 1))
        else:
            holder[key] = copy.deepcopy(draw.choice(VALUES))
        yield json.dumps(content).encode()


def places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Every key and index, at any depth."""
    for key, value in content.items() if isinstance(content, dict) else enumerate(content):
        yield content, key
        if isinstance(value, dict | list):
            yield from places(value)


@pytest.mark.parametrize("lossless", [False, True])
def test_a_mutated_sidecar_of_a_volume(tmp_path, network, ckpt, sources, lossless):
    normalised, scale = normalize_slices(sources, 2)
    data = {
        "patient": "P1",
        "image": MetaTensor(normalised, affine=torch.diag(torch.tensor([-1.0, -1.0, 5.0, 1.0]))),
        "intensity_scale": scale,
        "files": {"t1gd": "P1_t1ce.nrrd", "flair": "P1_flair.nrrd"},
        "warnings": ["the slices are thick"],
    }
    write_fused(tmp_path, fused_case(network, data, ckpt, lossless=lossless))
    fused, sidecar = tmp_path / "P1" / "P1_fused.nii.gz", tmp_path / "P1" / "P1_fused.json"
    decompose = DecomposeVolume(fingerprint(ckpt))

    def result() -> tuple[Any, ...]:
        read = ReadFused(lossless)({"patient": "P1", "fused": str(fused)})
        told = read["sidecar"]
        decomposed = b"".join(volume.numpy().tobytes() for volume in decompose(network, read).estimates.values())
        return decomposed, told["SourceModalities"], told.get("SourceDtypes"), told["SliceAxis"], provenance("P1", told)

    expected, text = result(), sidecar.read_text()
    accepted = 0
    for raw in mutated(text, 150):
        sidecar.write_bytes(raw)
        try:
            found = result()
        except BadInputError:
            continue
        accepted += 1
        assert found == expected, raw
    assert accepted < 30

    older = json.loads(text)
    del older["FusedSHA256"]  # version 0.4.0 wrote none: what is possible is accepted
    for raw in mutated(json.dumps(older), 60):
        sidecar.write_bytes(raw)
        with suppress(BadInputError):
            result()


@pytest.mark.parametrize("where", ["in the picture", "next to the picture"])
def test_a_mutated_sidecar_of_a_picture(tmp_path, network, ckpt, sources, where):
    normalised, scale = normalize_slices(sources[..., :1], 2)
    chroma = np.zeros((2, 16, 16), np.float32)
    chroma[0] = 0.1
    luminance = normalised[..., 0].numpy()
    data = {
        "patient": "7",
        "image": normalised,
        "intensity_scale": scale,
        "files": ["MRI/7.png", "PET/7.png"],
        "pictures": [Picture(luminance[0], None, 8), Picture(luminance[1], chroma, 8)],
        "coloured": 1,
    }
    case = FusePictures(checkpoint=fingerprint(ckpt))(network, data)
    PictureFolder(str(tmp_path), [Sidecar(), FusedPicture()], PictureRecord())(case)
    fused, sidecar = tmp_path / "7_fused.png", tmp_path / "7_fused.json"
    decompose = DecomposeVolume(fingerprint(ckpt))

    def result() -> list[bytes]:
        read = ReadFusedPicture()({"patient": "7", "fused": str(fused)})
        pictures = estimates_with_colour(decompose(network, read))
        return [
            *(part.tobytes() for picture in pictures for part in picture[:2] if part is not None),
            *(name.encode() for name in read["sidecar"]["SourceModalities"]),
        ]

    expected, text = result(), sidecar.read_text()
    levels = Image.open(fused).copy()
    accepted = 0
    for raw in mutated(text, 75):
        if where == "next to the picture":
            levels.save(fused)
            sidecar.write_bytes(raw)
        else:
            sidecar.unlink(missing_ok=True)
            told = PngInfo()
            told.add_itxt(SIDECAR_CHUNK, raw.decode("utf-8", "replace"))
            levels.save(fused, pnginfo=told)
        try:
            found = result()
        except BadInputError:
            continue
        accepted += 1
        assert found == expected, raw
    assert accepted < 15
