"""A clinical workflow end to end: DICOM study, PACS, fusion, back to the PACS, decomposition from there.

Writes registered NIfTI volumes as a DICOM study, with motion of the head before FLAIR and thick slices, and sends it to
an Orthanc that is started for it. The command of inference.json, study.json and pacs.json fuses it from there and sends
three derived series back. The fused series alone, fetched to a folder of its own, is decomposed by the command of
decompose.json and decompose_series.json. What comes back is compared with the series as they were sent.

    python benchmarks/clinic.py                                       # the phantom python benchmarks/clinic.py --size
    128 160 24                     # a central crop python benchmarks/clinic.py OPEN/TCGA-DU-7294 OPEN/openms-19 python
    benchmarks/clinic.py --set ckpt_path=model.pt              # other settings of both commands
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import torch
from machine import OUTPUT, machine
from volume import BUNDLE, run

sys.path[:0] = [str(BUNDLE), *(str(BUNDLE.parent / folder) for folder in ("tools", "tests/helpers"))]

from orthanc import PASSWORD, USER, Orthanc, find_orthanc, running_orthanc  # noqa: E402
from phantom_studies.study import write_study  # noqa: E402
from scripts.data.atomic import written_whole  # noqa: E402
from scripts.data.discovery import find_patients  # noqa: E402
from scripts.data.slices import brain_mask, choose_slices  # noqa: E402
from scripts.dicom.derived import FUSED_RANGE  # noqa: E402
from scripts.dicom.scan import scan_folder  # noqa: E402
from scripts.dicom.stored import read_fused_series  # noqa: E402
from scripts.dicom.volume import SeriesVolume, read_series  # noqa: E402
from scripts.evaluation.regions import ssim_by_region  # noqa: E402
from scripts.pacs.connect import connect  # noqa: E402
from scripts.registration.motion import largest_displacement, rigid_matrix, shift_of, turn_degrees  # noqa: E402
from scripts.registration.resample import resample  # noqa: E402
from scripts.registration.rigid import register  # noqa: E402
from scripts.registration.volume import Volume, head_points  # noqa: E402
from scripts.transforms.normalize import normalize_by, normalize_slices  # noqa: E402
from scripts.transforms.slicing import to_slices  # noqa: E402

if TYPE_CHECKING:
    from scripts.pacs.archive import Archive

SOURCES = ("t1gd", "flair")
SERIES = {"fused": "fused", **{source: f"ESTIMATED {source}" for source in SOURCES}}
"""The derived series, and words of their descriptions."""
AXIS = 2
"""Slice axis of a volume read from DICOM."""

Image = tuple[np.ndarray, np.ndarray]
"""Voxels [X, Y, Z] and their affine."""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patients", nargs="*", default=[str(BUNDLE / "example")], help="folders of registered patients")
    parser.add_argument("--size", type=int, nargs=3, metavar="N", help="size of a central crop of the volumes")
    parser.add_argument(
        "--degrees",
        type=float,
        nargs=3,
        default=(2.3, -2.3, 2.3),
        help="rotation before FLAIR about each axis, degrees",
    )
    parser.add_argument("--mm", type=float, nargs=3, default=(3.0, -4.0, 2.0), help="shift before FLAIR")
    parser.add_argument("--slice_mm", type=float, default=5.0, help="thickness of the slices of FLAIR")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of both commands")
    parser.add_argument("--output", type=Path, default=OUTPUT / "clinic.json", help="file for all measurements")
    return parser.parse_args(arguments)


def read_nifti(file: str, size: Sequence[int] | None) -> Image:
    """Read a volume or a central crop of it."""
    image = nib.load(file)
    if size:
        parts = [min(part, whole) for part, whole in zip(size, image.shape, strict=True)]
        starts = [(whole - part) // 2 for part, whole in zip(parts, image.shape, strict=True)]
        image = image.slicer[tuple(slice(a, a + n) for a, n in zip(starts, parts, strict=True))]
    return np.asarray(image.dataobj, dtype=np.float32), image.affine


def read_single(folder: Path) -> SeriesVolume:
    """Read the only series of a folder."""
    (series,) = scan_folder(folder).series
    return read_series(series)


def as_volume(series: SeriesVolume) -> Volume:
    """Return the voxels and affine of a series."""
    return Volume(series.volume.as_tensor().numpy(), np.asarray(series.volume.affine))


def fetch_derived(pacs: Archive, study: str, folder: Path) -> dict[str, Path]:
    """Find the derived series in the PACS and fetch each to a separate folder.

    Raises:
        SystemExit: there is not exactly one of each.
    """
    held = pacs.search("SERIES", {"StudyInstanceUID": study}, ["SeriesInstanceUID", "SeriesDescription"])
    folders = {}
    for name, words in SERIES.items():
        found = [series.SeriesInstanceUID for series in held if words in str(series.get("SeriesDescription", ""))]
        if len(found) != 1:
            raise SystemExit(f"the study has {len(found)} series with '{words}' in the description, expected one")
        query = {"StudyInstanceUID": study, "SeriesInstanceUID": found[0]}
        images = pacs.search("IMAGE", query, ["SOPInstanceUID"])
        folders[name] = folder / name
        folders[name].mkdir(parents=True)
        files = {str(image.SOPInstanceUID): folders[name] / f"{k:05d}.dcm" for k, image in enumerate(images, start=1)}
        pacs.retrieve_series(study, found[0], files)
    return folders


def similarities(sources: Mapping[str, np.ndarray], others: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Any]:
    """Return the SSIM over the whole slice and inside the brain, mean over the slices of evaluate.json.

    Args:
        sources: volume of each, in its own units.
        others: volumes to compare with each source, by kind: "fused" in [0, 1], others in the units of the source.
    """
    stack = torch.from_numpy(np.stack([sources[source] for source in SOURCES]))
    normal, scale = normalize_slices(stack, AXIS)
    brain = brain_mask(stack)
    taken = choose_slices(stack, None, AXIS, "brain")
    regions = {"slice": torch.ones_like(brain), "brain": brain}
    regions = {name: to_slices(mask, AXIS)[taken] for name, mask in regions.items()}
    found = {"slices": len(taken)}
    for kind, volumes in others.items():
        other = torch.from_numpy(np.stack([volumes[source] for source in SOURCES]))
        other = other if kind == "fused" else normalize_by(other, scale)
        slices = (to_slices(image, AXIS)[taken].contiguous() for image in (normal, other))
        scores = {name: values.nanmean(dim=0).tolist() for name, values in ssim_by_region(*slices, regions).items()}
        found[kind] = {source: {name: scores[name][i] for name in scores} for i, source in enumerate(SOURCES)}
    return found


def validate(files: Iterable[Path]) -> dict[str, Any] | None:
    """Return the errors reported by dciodvfy; None if it is not installed."""
    if shutil.which("dciodvfy") is None:
        return None
    told = [subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True).stderr for file in files]
    lines = [{line for line in text.splitlines() if line.startswith("Error")} for text in told]
    return {"instances": len(told), "with errors": sum(map(bool, lines)), "errors": sorted(set().union(*lines))}


def read_by_dcm2niix(folder: Path, values: np.ndarray, affine: np.ndarray) -> dict[str, float] | None:
    """Return the differences between dcm2niix's reading of a series and ours; None if it is not installed."""
    if shutil.which("dcm2niix") is None:
        return None
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["dcm2niix", "-b", "n", "-o", place, str(folder)], check=True, capture_output=True)
        (file,) = Path(place).glob("*.nii")
        theirs = nib.as_closest_canonical(nib.load(file))
        read = theirs.get_fdata(dtype=np.float32)
    ours = nib.as_closest_canonical(nib.Nifti1Image(values, affine))
    corners = np.array([[x, y, z, 1] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * [*ours.shape, 1]
    apart = np.linalg.norm(corners @ (theirs.affine - ours.affine).T, axis=1).max()
    off = np.abs(read - ours.get_fdata(dtype=np.float32)).max() / np.ptp(values)
    return {"mm": float(apart), "of the range": float(off)}


class Clinic:
    """The workflow of a patient, with timings.

    Args:
        server: the PACS.
        folder: empty folder for all files.
        arguments: of the command line.
    """

    def __init__(self, server: Orthanc, folder: Path, arguments: argparse.Namespace) -> None:
        self.pacs = connect(server.url, USER, PASSWORD)
        self.reach = {"pacs_url": server.url, "pacs_user": USER}
        self.folder = folder
        self.arguments = arguments
        self.settings = dict(word.split("=", 1) for word in arguments.set)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Record the duration of a step."""
        start = time.perf_counter()
        yield
        self.seconds[step] = time.perf_counter() - start
        print(f"  {step}: {self.seconds[step]:.1f} s", file=sys.stderr, flush=True)

    def command(self, step: str, configs: str, **settings: str | Path) -> None:
        """Run a command of the bundle as a user does."""
        with self.timed(step):
            _, processor, _ = run(configs, {**self.settings, **{key: str(value) for key, value in settings.items()}})
        self.seconds[f"{step}, processor"] = processor

    def __call__(self, record: Mapping[str, str]) -> dict[str, Any]:
        """Run the workflow for one patient.

        Args:
            record: of `find_patients`.

        Returns:
            all figures.
        """
        images = {source: read_nifti(record[source], self.arguments.size) for source in SOURCES}
        given = {source: Volume(*image) for source, image in images.items()}
        points = head_points(given["t1gd"])
        truth = rigid_matrix(np.array(self.arguments.degrees), np.array(self.arguments.mm), points.mean(0))
        in_plane = given["flair"].spacing[:2]
        with self.timed("written as a study"):
            sent = write_study(
                self.folder / "study",
                images,
                patient_id=record["patient"],
                move={"flair": truth},
                spacing={"flair": (*in_plane, self.arguments.slice_mm)},
            )
        with self.timed("sent to the PACS"):
            self.pacs.send(self.folder / "study", new_study=True)
        scanned = {source: read_single(sent[source][0].parent) for source in SOURCES}
        study = scanned["t1gd"].series.study_uid
        self.command(
            "fetched, fused and sent back",
            "inference study pacs",
            **self.reach,
            study_uid=study,
            output_dir=self.folder / "out",
        )
        with self.timed("found and fetched again"):
            series = fetch_derived(self.pacs, study, self.folder / "derived")
        self.command(
            "decomposed",
            "decompose decompose_series",
            dataset_dir=series["fused"],
            output_dir=self.folder / "back",
        )
        return {
            "patient": record["patient"],
            "shape": list(given["t1gd"].values.shape),
            "flair_shape": list(scanned["flair"].volume.shape),
            "seconds": self.seconds,
            **self.registration(series["fused"], given, points, truth),
            **self.compared(series, scanned, truth),
        }

    def registration(
        self, fused: Path, given: Mapping[str, Volume], points: np.ndarray, truth: np.ndarray
    ) -> dict[str, Any]:
        """Return the error of the stored registration against the known motion, and its record."""
        said = read_fused_series(fused)["sidecar"]
        found = np.array(said["Registration"]["flair"]["matrix"])
        # The pair was registered by others, so our registration of the original pair is not counted as an error.
        unmoved = register(given["t1gd"], given["flair"])
        centre = points.mean(0)
        return {
            "motion": {"degrees": turn_degrees(truth), "mm": float(np.linalg.norm(shift_of(truth, centre)))},
            "found": {"degrees": turn_degrees(found), "mm": float(np.linalg.norm(shift_of(found, centre)))},
            "moved_mm": largest_displacement(truth, points),
            "residual_mm": {
                "from the headers": largest_displacement(found, points, truth),
                "from the pair as it was": largest_displacement(found, points, truth @ unmoved),
            },
            "record": {key: said.get(key) for key in ("Registration", "Preparation", "Warnings", "SSIM")},
        }

    def compared(
        self, series: Mapping[str, Path], scanned: Mapping[str, SeriesVolume], truth: np.ndarray
    ) -> dict[str, Any]:
        """Compare the series in the PACS, and those fetched from it, with the ones that were sent."""
        fused = read_fused_series(series["fused"])
        (back,) = (path.parent for path in (self.folder / "back").rglob("t1gd_estimated"))
        stored = {source: as_volume(read_single(series[source])) for source in SOURCES}
        again = {source: as_volume(read_single(back / f"{source}_estimated")) for source in SOURCES}
        t1gd, flair = (as_volume(scanned[source]) for source in SOURCES)
        others = {
            "fused": dict.fromkeys(SOURCES, fused["image"][0].numpy()),
            "decomposed": {source: volume.values for source, volume in again.items()},
        }
        onto = (t1gd.affine, t1gd.values.shape)
        found = np.array(fused["sidecar"]["Registration"]["flair"]["matrix"])
        places = {"as registered": found, "as it truly lies": truth}
        placed = {name: resample(flair.values, flair.affine, *onto, matrix).volume for name, matrix in places.items()}
        others["registered"] = {"t1gd": t1gd.values, "flair": placed["as registered"]}
        ssim = {name: similarities({"t1gd": t1gd.values, "flair": image}, others) for name, image in placed.items()}
        voxels = {"fused": (fused["image"][0].numpy() * FUSED_RANGE, fused["affine"])}
        voxels |= {source: (volume.values, volume.affine) for source, volume in stored.items()}
        return {
            "ssim": ssim,
            "on_the_grid_of_t1gd": all(t1gd.same_grid(volume) for volume in (*stored.values(), *again.values())),
            "same_estimates": all(np.array_equal(stored[key].values, again[key].values) for key in SOURCES),
            "dciodvfy": validate(file for folder in series.values() for file in sorted(folder.iterdir())),
            "dcm2niix": {name: read_by_dcm2niix(series[name], *image) for name, image in voxels.items()},
            "checkpoint_sha256": fused["sidecar"]["CheckpointSHA256"],
        }


def table(found: Sequence[Mapping[str, Any]]) -> str:
    """Format the measurements of all patients, one column each."""

    def both(one: Mapping[str, float]) -> str:
        return f"{one['slice']:.3f} / {one['brain']:.3f}"

    def validated(one: Mapping[str, Any]) -> str:
        told = one["dciodvfy"]
        return "not installed" if told is None else f"{told['with errors']} of {told['instances']}"

    def converted(one: Mapping[str, Any]) -> str:
        read = [values for values in one["dcm2niix"].values() if values]
        if not read:
            return "not installed"
        return f"{max(values['mm'] for values in read):.2g} mm, {max(values['of the range'] for values in read):.1g}"

    rows = {"slices compared": [str(one["ssim"]["as registered"]["slices"]) for one in found]}
    places = {"t1gd": {"T1-Gd": "as registered"}, "flair": {f"FLAIR {place}": place for place in found[0]["ssim"]}}
    for kind in ("fused", "decomposed"):
        for source, named in places.items():
            for name, place in named.items():
                rows[f"SSIM {kind}, {name}"] = [both(one["ssim"][place][kind][source]) for one in found]
    rows["SSIM of FLAIR as registered with it as it truly lies"] = [
        both(one["ssim"]["as it truly lies"]["registered"]["flair"]) for one in found
    ]
    rows["moved before FLAIR"] = [f"{one['motion']['degrees']:.1f}°, {one['moved_mm']:.1f} mm" for one in found]
    for name in found[0]["residual_mm"]:
        rows[f"registration off {name}"] = [f"{one['residual_mm'][name]:.2f} mm" for one in found]
    yes = {True: "yes", False: "NO"}
    rows["on T1-Gd's grid"] = [yes[one["on_the_grid_of_t1gd"]] for one in found]
    rows["estimates of both commands equal"] = [yes[one["same_estimates"]] for one in found]
    rows["instances with errors (dciodvfy)"] = [validated(one) for one in found]
    rows["dcm2niix reads them off by, of their range"] = [converted(one) for one in found]
    for step in found[0]["seconds"]:
        rows[step] = [f"{one['seconds'][step]:.1f} s" for one in found]
    lines = [["", *(one["patient"] for one in found)], ["---"] * (len(found) + 1)]
    lines += [[name, *cells] for name, cells in rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table and write the measurements."""
    options = parse(arguments)
    try:
        find_orthanc()
    except FileNotFoundError as missing:
        raise SystemExit(str(missing)) from None
    os.environ["FUSIONINN_PACS_PASSWORD"] = PASSWORD
    found = []
    with tempfile.TemporaryDirectory(prefix="clinic-") as name:
        start = time.perf_counter()
        with running_orthanc(Path(name) / "orthanc") as server:
            started = time.perf_counter() - start
            for record in (record for folder in options.patients for record in find_patients(folder)):
                print(f"{record['patient']}:", file=sys.stderr, flush=True)
                found.append(Clinic(server, Path(name) / record["patient"], options)(record))
    weights = found[0]["checkpoint_sha256"]
    report = {
        "command": [Path(__file__).name, *(sys.argv[1:] if arguments is None else arguments)],
        "checkpoint_sha256": weights,
        "machine": machine(),
        "orthanc_started_seconds": started,
        "patients": found,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(options.output) as temporary:
        Path(temporary).write_text(json.dumps(report, indent=2) + "\n")
    print(f"weights {weights[:8]}, {machine()}; Orthanc started in {started:.1f} s")
    print("SSIM: whole slice / inside the brain; seconds by the clock where not of the processor")
    print(table(found))


if __name__ == "__main__":
    main()
