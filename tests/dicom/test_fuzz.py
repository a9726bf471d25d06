"""Damaged DICOM files: 300 seeded mutations, none of which changes a voxel in silence or ends the run."""

import logging
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless  # noqa: E402

from phantom_studies.study import write_series  # noqa: E402
from scripts.data.errors import BadInputError  # noqa: E402
from scripts.dicom.find_studies import find_studies  # noqa: E402
from scripts.dicom.read_study import ReadStudy  # noqa: E402

VOLUME = np.random.default_rng(0).integers(1, 900, (12, 10, 5)).astype(np.float32)
AFFINE = np.array([[-1.0, 0, 0, 3], [0, -1.25, 0, 4], [0, 0, 4, 5], [0, 0, 0, 1]])
FORMS = {
    "classic": {},
    "rescaled": {"rescale": (0.5, -3.0)},
    "enhanced": {"enhanced": True, "rescale": (0.5, 0.0)},
    "deflated": {"transfer_syntax": DeflatedExplicitVRLittleEndian},
    "compressed": {"transfer_syntax": RLELossless},
}
EACH = 60


def mutate(content: bytes, chance: random.Random) -> tuple[bytes, str]:
    """Damage the header of a file in one place, or cut it."""
    pixels = content.rfind(b"\xe0\x7f\x10\x00")
    end = pixels + 12 if pixels > 0 else len(content)
    kind = chance.choice(["byte", "bit", "zeros", "cut", "doubled", "lost"])
    at = chance.randrange(132, len(content) if kind == "cut" else end)
    damaged = bytearray(content)
    if kind == "byte":
        damaged[at] = chance.randrange(256)
    elif kind == "bit":
        damaged[at] ^= 1 << chance.randrange(8)
    elif kind == "zeros":
        damaged[at : at + 4] = bytes(4)
    elif kind == "cut":
        del damaged[at:]
    elif kind == "doubled":
        damaged[at:at] = damaged[at : at + 8]
    else:
        del damaged[at : at + 2]
    return bytes(damaged), f"{kind} at {at}"


def by_pydicom_alone(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read a series without this bundle: volume [X, Y, Z] and affine."""
    slices = []
    for path in sorted(folder.iterdir()):
        dataset = pydicom.dcmread(path)
        pixels = dataset.pixel_array
        shared = dataset.get("SharedFunctionalGroupsSequence")
        for index, frame in enumerate(dataset.get("PerFrameFunctionalGroupsSequence", [dataset])):
            if shared:
                place = frame.PlanePositionSequence[0].ImagePositionPatient
                plane = shared[0].PlaneOrientationSequence[0].ImageOrientationPatient
                spacing = shared[0].PixelMeasuresSequence[0].PixelSpacing
                rescale = shared[0].PixelValueTransformationSequence[0]
            else:
                place, plane = dataset.ImagePositionPatient, dataset.ImageOrientationPatient
                spacing, rescale = dataset.PixelSpacing, dataset
            values = pixels[index] if pixels.ndim == 3 else pixels
            values = values * float(rescale.get("RescaleSlope", 1)) + float(rescale.get("RescaleIntercept", 0))
            slices.append((np.array(place, float), np.array(plane, float), np.array(spacing, float), values.T))
    across, down = slices[0][1][:3], slices[0][1][3:]
    across, down = across / np.linalg.norm(across), down / np.linalg.norm(down)
    slices.sort(key=lambda one: one[0] @ np.cross(across, down))
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = across * slices[0][2][1], down * slices[0][2][0]
    affine[:3, 2] = (slices[-1][0] - slices[0][0]) / (len(slices) - 1)
    affine[:3, 3] = slices[0][0]
    return np.stack([one[3] for one in slices], axis=2), np.diag([-1, -1, 1, 1]) @ affine


def images(record: dict) -> int:
    return record["series"]["t1gd"].series.facts.instances if "series" in record else 0


def outcome(folder: Path, told: list[str]) -> str:
    """What a damaged folder comes to: "refused", "unchanged", "warned of" or "as the headers say"."""
    try:
        # a slice whose study UID was damaged is a study of its own
        records = find_studies(folder, ["t1gd"], {"t1gd": "*"})
        read = ReadStudy(["t1gd"])(max(records, key=images))
    except BadInputError:
        return "refused"
    volume = read["volumes"]["t1gd"]
    values, affine = volume.numpy(), volume.affine.numpy()
    if values.shape == VOLUME.shape and np.array_equal(values, VOLUME) and np.allclose(affine, AFFINE, atol=1e-3):
        return "unchanged"
    if read["warnings"] or told:
        return "warned of"
    other, other_affine = by_pydicom_alone(folder)
    assert np.array_equal(values, other)
    assert np.allclose(affine, other_affine, atol=1e-3)
    return "as the headers say"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", FORMS)
def test_damaged_headers_change_nothing_in_silence(tmp_path, caplog, form):
    caplog.set_level(logging.WARNING)
    paths = write_series(tmp_path, np.round(VOLUME), AFFINE, **FORMS[form])
    chance = random.Random(form)
    counts: Counter[str] = Counter()
    for _ in range(EACH):
        path = chance.choice(paths)
        content = path.read_bytes()
        damaged, what = mutate(content, chance)
        path.write_bytes(damaged)
        caplog.clear()
        try:
            counts[outcome(tmp_path, [record.getMessage() for record in caplog.records])] += 1
        except Exception as error:
            raise AssertionError(f"{path.name}, {what}: {type(error).__name__}: {error}") from error
        finally:
            path.write_bytes(content)
    assert counts.total() == EACH
    # What no reader can notice: a digit in the only header that holds it, and pixels, for which a deflated file has no
    # checksum.
    assert counts["as the headers say"] <= (EACH if form == "deflated" else 3), counts
