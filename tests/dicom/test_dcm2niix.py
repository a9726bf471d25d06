"""Every kind of series that the synthetic study maker writes, against dcm2niix: the same voxels at the same places."""

import shutil
import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from pydicom.uid import ImplicitVRLittleEndian, RLELossless  # noqa: E402

from phantom_studies.sequence_headers import SEQUENCES  # noqa: E402
from phantom_studies.study import write_series  # noqa: E402
from scripts.data.errors import BadInputError  # noqa: E402
from scripts.dicom.scan import scan_folder  # noqa: E402
from scripts.dicom.volume import read_series  # noqa: E402

pytestmark = pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="no dcm2niix (Debian: dcm2niix)")

VOLUME = np.random.default_rng(11).integers(1, 900, (9, 12, 5)).astype(np.float32)
AXIAL = np.diag([-1.0, -1.0, 1.0])
SAGITTAL = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
CORONAL = np.array([[-1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
OBLIQUE = Rotation.from_euler("xyz", [12, -20, 7], degrees=True).as_matrix()
PLANES = {
    "axial": AXIAL,
    "sagittal": SAGITTAL,
    "coronal": CORONAL,
    "oblique": OBLIQUE @ AXIAL,
    "oblique sagittal": OBLIQUE @ SAGITTAL,
    "double oblique coronal": OBLIQUE @ OBLIQUE @ CORONAL,
    "feet to head reversed": AXIAL @ np.diag([1, 1, -1]),
}


def affine_of(plane: str, spacing: tuple[float, float, float] = (0.9, 1.1, 4.0)) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = PLANES[plane] * spacing
    affine[:3, 3] = 3, -20, 11
    return affine


def kinds() -> dict[str, dict]:
    """Options of `write_series` by what is special about the series."""
    found = {}
    for enhanced in (False, True):
        form = "enhanced" if enhanced else "classic"
        for plane in PLANES:
            found[f"{form}, {plane}"] = {"affine": affine_of(plane), "enhanced": enhanced}
        for vendor, sequences in SEQUENCES.items():
            for source in sequences:
                if source != "localizer":
                    found[f"{form}, {vendor} {source}"] = {"source": source, "vendor": vendor, "enhanced": enhanced}
        found[f"{form}, rescaled"] = {"rescale": (0.25, -100.0), "enhanced": enhanced}
        found[f"{form}, unsigned 12 bits"] = {"dtype": "uint16", "bits_stored": 12, "enhanced": enhanced}
    # dcm2niix v1.0.20220720 garbles several frames in RLE
    found["classic, RLE"] = {"transfer_syntax": RLELossless}
    found["classic, implicit"] = {"transfer_syntax": ImplicitVRLittleEndian}
    found["classic, thin slices"] = {"affine": affine_of("axial", (0.5, 0.5, 0.6))}
    return found


KINDS = kinds()


@pytest.fixture(scope="module")
def read_by_both(tmp_path_factory) -> dict[str, tuple]:
    """What this bundle and dcm2niix make of each kind: volume and affine of either."""
    folder = tmp_path_factory.mktemp("kinds")
    uids = {}
    for number, (kind, options) in enumerate(KINDS.items(), start=1):
        paths = write_series(
            folder / "in" / str(number), VOLUME, **{"affine": affine_of("axial"), "series_number": number, **options}
        )
        uids[kind] = str(pydicom.dcmread(paths[0], stop_before_pixels=True).SeriesInstanceUID)
    out = folder / "out"
    out.mkdir()
    subprocess.run(
        # Philips' private "precise" values are no values of the standard's rescale
        ["dcm2niix", "-p", "n", "-z", "n", "-b", "n", "-f", "%j", "-o", out, folder / "in"],
        check=True,
        capture_output=True,
    )
    found = {series.uid: series for series in scan_folder(folder / "in").series}
    both = {}
    for kind, uid in uids.items():
        ours = read_series(found[uid]).volume
        (theirs,) = (nib.load(path) for path in Path(out).glob(f"{uid}*.nii"))
        both[kind] = (ours.numpy(), ours.affine.numpy(), np.asarray(theirs.dataobj), theirs.affine)
    return both


@pytest.mark.parametrize("kind", KINDS)
def test_voxels_and_places_are_those_of_dcm2niix(read_by_both, kind):
    volume, affine, other, other_affine = read_by_both[kind]
    across = np.linalg.inv(other_affine) @ affine
    index = across[:3, :3] @ np.indices(volume.shape).reshape(3, -1) + across[:3, 3:]
    assert np.abs(index - index.round()).max() < 1e-3
    assert np.array_equal(other[tuple(index.round().astype(int))], volume.reshape(-1))


def test_a_tilted_gantry_which_dcm2niix_straightens_is_refused(tmp_path):
    affine = affine_of("axial")
    affine[1, 2] = 1.0
    write_series(tmp_path, VOLUME, affine)
    (series,) = scan_folder(tmp_path).series
    with pytest.raises(BadInputError, match="gantry tilt"):
        read_series(series)
