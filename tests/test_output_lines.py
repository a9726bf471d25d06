"""What a user sees of the main commands is a short list of lines, each telling something."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from phantom_studies.study import write_study
from warm_python import Command

BUNDLE = Path(__file__).resolve().parent.parent / "bundle"
TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - ")
MONAI_ADVICE = "parsing config_file"
"""Begins the advice on safety that MONAI prints before it reads a config; a bundle cannot prevent it."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BUNDLE / "models" / "model.pt").is_file(), reason="no weights are shipped with this copy"),
]


def lines_of(configs: list[str], warm: bool = True, **options: object) -> list[str]:
    """Run a command as a user does, with its output in a file; return all of its lines without the time.

    A `warm` one does not show what is said while torch and MONAI are imported, which is the same for all commands.
    """
    files = [str(BUNDLE / "configs" / f"{config}.json") for config in configs]
    command = ["-m", "monai.bundle", "run", "--config_file", str(files)]
    for option, value in {"device": "cpu", "overview": "false", **options}.items():
        command += [f"--{option}", str(value)]
    if warm:
        done = Command(*command, together=True).wait()
    else:
        line = [sys.executable, *command]
        done = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    lines = [TIME.sub("", line) for line in done.stdout.splitlines() if line]
    return [line for line in lines if not line.startswith(MONAI_ADVICE)]


def test_fusing_and_decomposing(write_patient, tmp_path):
    record = write_patient(tmp_path / "in", "P1")
    # written again as .nii, with voxels of a negative size
    flair = Path(record["flair"])
    odd = flair.with_name("P1_flair.nii")
    nib.save(nib.load(flair), odd)
    flair.unlink()
    content = bytearray(odd.read_bytes())
    content[80:84] = struct.pack("<f", -1.0)
    odd.write_bytes(content)

    out = tmp_path / "out"
    assert lines_of(["inference"], warm=False, dataset_dir=tmp_path / "in", output_dir=out, typicality="false") == [
        f"WARNING - {odd}: its voxel sizes are -1 x 1 x 1 mm by pixdim but 1 x 1 x 1 mm by the sform, which is used. "
        "Check the orientation in a viewer, and correct the header if it is wrong.",
        "INFO - Fusing: P1 is done (1 of 1).",
        f"INFO - 1 patient(s) done; results are in {out}",
    ]
    assert lines_of(["decompose"], dataset_dir=out) == [
        "INFO - Decomposing: P1 is done (1 of 1).",
        f"INFO - 1 patient(s) done; results are in {out / 'decomposed'}",
    ]


def test_a_study(tmp_path):
    volumes = {}
    for source, name in (("t1gd", "t1ce"), ("flair", "flair")):
        image = nib.load(BUNDLE / "example" / "phantom-01" / f"phantom-01_{name}.nii.gz")
        part = image.slicer[:, :, image.shape[2] // 2 - 3 : image.shape[2] // 2 + 3]
        volumes[source] = (np.asarray(part.dataobj, dtype=np.float32), part.affine)
    write_study(tmp_path / "in", volumes)
    out = tmp_path / "out"
    options = {"register": "never", "skull_stripping": "false", "report": "false", "typicality": "false"}
    lines = lines_of(["inference", "study"], dataset_dir=tmp_path / "in", output_dir=out, **options)
    expected = [
        r"INFO - study-\w+: t1gd is series 9 .*",
        r"INFO - study-\w+: flair is series 6 .*",
        r"INFO - study-\w+: flair to t1gd: not registered, as asked for\.",
        r"INFO - Fusing: study-\w+ is done \(1 of 1\)\.",
        r"INFO - 1 \w+\(s\) done; results are in .*",
    ]
    assert len(lines) == len(expected), lines
    assert all(re.fullmatch(pattern, line) for pattern, line in zip(expected, lines, strict=True)), lines
