"""Write a volume as a derived series of its source study.

The series are of the class MR Image Storage, with a rescale. The standard does not list a rescale for this class, but
allows it as an extension of it ("Standard Extended SOP Class"), which is what Philips scanners write: dciodvfy notes it
as a warning, no error, and pydicom, ITK, dcm2niix and viewers follow it. The formal alternatives are worse where it
counts. Enhanced MR wants a description of the acquisition that a computed image does not have, Secondary Capture has no
place in space, so that nothing can be laid over it. A Parametric Map cannot be opened by ITK, and dcm2niix reads the
stored numbers of an integer one instead of the real values; see docs/viewers.md.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydicom import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    PYDICOM_IMPLEMENTATION_UID,
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    MRImageStorage,
    RLELossless,
)
from pydicom.valuerep import DSfloat

from scripts import RESEARCH_NOTICE, __version__
from scripts.data.errors import BadInputError
from scripts.outputs.levels import unit_levels
from scripts.outputs.map_files import CONTRIBUTION
from scripts.outputs.slice_choice import grey_window
from scripts.outputs.staged import staged

from .map_pixels import ARBITRARY, PARTS_PER_THOUSAND, UNIT_OF_RESCALE, map_pixels, real_world_values
from .modules import common_claims, copy_modules, is_valid
from .new_uids import NewUids, random_uids
from .packages import require
from .private_block import ESTIMATE, FUSED, write_block
from .series_record import DIGESTS
from .series_words import KINDS, MAP_KINDS, NAME, series_words
from .source_pixels import LEVELS, stored_values
from .source_text import restore_bytes
from .volume import SeriesVolume

FUSED_RANGE = 1000.0
"""What the upper end of the fused image means in the rescaled units of its series, whose lower end is 0. Viewers give
windows in whole numbers, of which a range of 1 would leave too few."""
FUSED_SLOPE = DSfloat(FUSED_RANGE / LEVELS, auto_format=True)
COMPRESSIONS: dict[str, UID] = {
    "none": ExplicitVRLittleEndian,
    "rle": RLELossless,
    "jpeg2000": JPEG2000Lossless,
}
"""Transfer syntax by the word for it; all are lossless."""
Planes = Callable[[int], Iterator[tuple[Dataset, int | None]]]
_FUSED_ACQUISITION = {"ScanningSequence": "RM", "SequenceVariant": "NONE"}


class _Pixels(NamedTuple):
    """Stored numbers of a series, [X, Y, Z], and what they mean: value = slope × number + intercept.

    `window` None stands for one of each slice.
    """

    stored: np.ndarray
    slope: float
    intercept: float
    unit: str
    window: tuple[float, float] | None = None
    real_world: Items | None = None


def check_compression(compression: str) -> str:
    """Check that the compression is supported and its packages are installed.

    Raises:
        BadInputError: when it is unknown or packages are missing.
    """
    if compression not in COMPRESSIONS:
        raise BadInputError(f"compression is '{compression}', expected one of {', '.join(COMPRESSIONS)}.")
    if compression == "jpeg2000":
        require("pylibjpeg", "openjpeg", purpose="--compression jpeg2000")
    return compression


def fused_values(fused: np.ndarray) -> np.ndarray:
    """Convert a fused image from [0, 1] to the 16 bits that are stored.

    Args:
        fused: [X, Y, Z], cut off at 0 and 1.

    Returns:
        uint16 [X, Y, Z].
    """
    stored = np.empty(fused.shape, np.uint16)
    for k in range(fused.shape[2]):
        stored[:, :, k] = unit_levels(fused[:, :, k], LEVELS)
    return stored


def slice_digests(stored: np.ndarray) -> list[str]:
    """Return the beginnings of the checksums of slices.

    Args:
        stored: uint16 [X, Y, Z], slices along Z.
    """
    pages = (np.ascontiguousarray(stored[:, :, k].T, dtype="<u2") for k in range(stored.shape[2]))
    return [hashlib.sha256(page.tobytes()).hexdigest()[:16] for page in pages]


def write_derived(
    folder: str | os.PathLike[str],
    *,
    volume: Any,
    reference: SeriesVolume,
    sources: Mapping[str, SeriesVolume],
    sidecar: Mapping[str, Any],
    kind: str = FUSED,
    source: str | None = None,
    compression: str = "none",
    uids: NewUids = random_uids,
) -> list[Path]:
    """Write a fused image, the estimate of a source or a map as a complete series of new instances.

    Args:
        folder: of the series; one of the same name is replaced.
        volume: [X, Y, Z] on the grid of `reference`: in [0, 1] for a fused image, in its units for a contribution, in
            the source's units for an estimate and its expected error.
        reference: the series whose patient, study, frame of reference and slices are taken over.
        sources: what the volume was made of, by what it shows; only the headers and affines count.
        sidecar: what leads back, see `scripts.outputs.sidecar`; but for a fused image with "SourceSeries", see
            `describe_source`. It must not name the patient.
        kind: "fused", "estimate", "uncertainty" or "contribution". Defaults to "fused".
        source: the source that the series is about. Defaults to None, for a fused image.
        compression: "none", "rle" or "jpeg2000". Defaults to "none".
        uids: give the UIDs of the series and its instances. Defaults to new ones each time.

    Returns:
        the files, in the order of the slices.

    Raises:
        BadInputError: nothing can be written there, the volume holds NaN or Inf, or a package is missing.
        ValueError: the volume is not on the reference's grid.
    """
    if kind not in KINDS or (kind == FUSED) != (source is None):
        raise ValueError(f"kind is {kind!r} and source {source!r}: a fused image has no source, the others have one.")
    folder = Path(folder)
    values = np.asarray(volume.detach().cpu() if hasattr(volume, "detach") else volume)
    if values.shape != tuple(reference.volume.shape):
        raise ValueError(f"the volume has shape {values.shape}, its reference {tuple(reference.volume.shape)}.")
    if not np.isfinite(values).all():
        raise BadInputError(
            f"{folder} was not written: the volume holds NaN or infinite values. Check the sources for extreme "
            "values, and that the checkpoint is the right one."
        )
    check_compression(compression)
    content = dict(sidecar)
    pixels = _pixels_of(kind, source, values, content)
    if kind == FUSED:
        content[DIGESTS] = slice_digests(pixels.stored)
    # only an estimate stands for an image that was acquired in some way
    described = content["SourceSeries"][source] if kind == ESTIMATE else {}
    series = _series_level(kind, source, content)
    series.SeriesInstanceUID = uids(kind, source)
    series.update(common_claims(header for other in sources.values() for header in other.headers))
    planes = _source_planes(reference, sources)
    written = []
    with staged(folder.parent) as stage:
        place = stage / folder.name
        place.mkdir()
        for k, header in enumerate(reference.headers):
            instance = copy_modules(header)
            instance.update(series)
            instance.InstanceNumber = k + 1
            instance.SOPInstanceUID = uids(kind, source, k + 1)
            _image_level(instance, pixels, k, described)
            _add_sources(instance, planes(k))
            _add_equipment(instance, header)
            if kind not in MAP_KINDS:
                write_block(instance, kind, content)
            name = f"{k + 1:04d}.dcm"
            _save(instance, place / name, COMPRESSIONS[compression])
            written.append(folder / name)
    return written


def _pixels_of(kind: str, source: str | None, values: np.ndarray, sidecar: Mapping[str, Any]) -> _Pixels:
    """Convert the values of a volume to the numbers that are stored."""
    if kind == FUSED:
        return _Pixels(fused_values(values), float(FUSED_SLOPE), 0.0, "US")
    if kind == ESTIMATE:
        described = sidecar["SourceSeries"][source]
        rescale = described["RescaleSlope"], described["RescaleIntercept"], described["RescaleType"]
        return _Pixels(stored_values(values, described), *rescale)
    if kind == CONTRIBUTION:
        pixels = map_pixels(np.multiply(values, FUSED_RANGE, dtype=np.float32))
        told, unit_type, unit = f"Contribution of {source} to the fused series", "US", PARTS_PER_THOUSAND
        # that of the fused image, so that what is seen in the two maps adds up to it
        window = (0.0, FUSED_RANGE)
    else:
        pixels = map_pixels(values)
        unit_type = sidecar["SourceSeries"][source]["RescaleType"]
        told, unit = f"Expected error (RMS) of ESTIMATED {source}", UNIT_OF_RESCALE.get(unit_type, ARBITRARY)
        window = pixels.window
    real_world = real_world_values(pixels, kind.upper(), told[:64], unit)
    return _Pixels(pixels.stored, pixels.slope, 0.0, unit_type, window, real_world)


def _series_level(kind: str, source: str | None, sidecar: Mapping[str, Any]) -> Dataset:
    """Set what all instances of the series share."""
    series, now, words = Dataset(), datetime.now(), series_words(kind, source, sidecar)
    series.SOPClassUID = MRImageStorage
    series.Modality = "MR"
    for beginning in ("Series", "Content", "InstanceCreation"):
        setattr(series, f"{beginning}Date", now.strftime("%Y%m%d"))
        setattr(series, f"{beginning}Time", now.strftime("%H%M%S"))
    series.SeriesNumber = words.number
    series.SeriesDescription = words.description
    series.DerivationDescription = words.derivation
    series.ImageComments = RESEARCH_NOTICE
    series.ImageType = ["DERIVED", "SECONDARY", "OTHER", words.image_type]
    series.Manufacturer = NAME
    series.ManufacturerModelName = f"{NAME} MONAI bundle"
    series.SoftwareVersions = __version__
    return series


def _image_level(instance: Dataset, pixels: _Pixels, k: int, described: Mapping[str, Any]) -> None:
    """Set the pixels of slice k and the attributes that describe them."""
    acquisition = {**_FUSED_ACQUISITION, **described.get("Acquisition", {})}
    for name in ("ScanOptions", "MRAcquisitionType", "RepetitionTime", "EchoTime", "EchoTrainLength"):
        acquisition.setdefault(name, None)
    if "IR" in np.atleast_1d(acquisition["ScanningSequence"]):
        acquisition.setdefault("InversionTime", None)
    else:
        acquisition.pop("InversionTime", None)
    for name, value in acquisition.items():
        setattr(instance, name, _decimal(value) if isinstance(value, float) else value)
    if (pixels.slope, pixels.intercept) != (1.0, 0.0):
        instance.RescaleSlope = _decimal(pixels.slope)
        instance.RescaleIntercept = _decimal(pixels.intercept)
        instance.RescaleType = pixels.unit
    if pixels.real_world is not None:
        instance.RealWorldValueMappingSequence = deepcopy(pixels.real_world)
    stored = pixels.stored[:, :, k]
    low, high = pixels.window or (level * pixels.slope + pixels.intercept for level in grey_window(stored))
    instance.WindowCenter = _decimal((low + high) / 2)
    if pixels.window is None or high - low >= 1.0:
        instance.WindowWidth = _decimal(max(high - low, 1.0))
    else:
        # the usual function has no width below 1
        instance.WindowWidth = _decimal(high - low)
        instance.VOILUTFunction = "LINEAR_EXACT"
    instance.SamplesPerPixel = 1
    instance.PhotometricInterpretation = "MONOCHROME2"
    instance.Columns, instance.Rows = stored.shape
    instance.BitsAllocated = instance.BitsStored = 16
    instance.HighBit = 15
    instance.PixelRepresentation = int(stored.dtype.kind == "i")
    instance.add_new("PixelData", "OW", np.ascontiguousarray(stored.T, dtype=stored.dtype.newbyteorder("<")).tobytes())


def _source_planes(reference: SeriesVolume, sources: Mapping[str, SeriesVolume]) -> Planes:
    """Return a function that gives the headers of the images that a slice was made of, and the frames in them.

    A source that was resampled contributes with several slices, of which nobody can be left out: all are named.
    """
    affine = np.asarray(reference.volume.affine)
    together = {
        name: len(other.headers) == len(reference.headers)
        and np.allclose(np.asarray(other.volume.affine), affine, atol=1e-3)
        for name, other in sources.items()
    }

    def planes(k: int) -> Iterator[tuple[Dataset, int | None]]:
        for name, other in sources.items():
            many = len({str(header.SOPInstanceUID) for header in other.headers}) < len(other.headers)
            for header in [other.headers[k]] if together[name] else other.headers:
                # A frame of several has its number where a slice of its own has that of the instance.
                yield header, int(header.InstanceNumber) if many and together[name] else None

    return planes


def _add_sources(instance: Dataset, headers: Iterator[tuple[Dataset, int | None]]) -> None:
    plain: dict[str, Dataset] = {}
    of_series: dict[str, list[Dataset]] = {}
    for header, frame in headers:
        uid = str(header.SOPInstanceUID)
        if uid not in plain:
            plain[uid] = Dataset()
            plain[uid].ReferencedSOPClassUID = header.SOPClassUID
            plain[uid].ReferencedSOPInstanceUID = uid
            of_series.setdefault(str(header.SeriesInstanceUID), []).append(plain[uid])
        if frame is not None:
            frames = {frame, *np.atleast_1d(plain[uid].get("ReferencedFrameNumber") or []).tolist()}
            plain[uid].ReferencedFrameNumber = sorted(int(number) for number in frames)
    images = []
    for item in plain.values():
        image = Dataset()
        image.update(item)
        image.PurposeOfReferenceCodeSequence = Items([_code("121322", "Source image for image processing operation")])
        images.append(image)
    instance.SourceImageSequence = Items(images)
    instance.ReferencedSeriesSequence = Items([_referenced_series(uid, items) for uid, items in of_series.items()])


def _referenced_series(uid: str, instances: Sequence[Dataset]) -> Dataset:
    item = Dataset()
    item.SeriesInstanceUID = uid
    item.ReferencedInstanceSequence = Items(instances)
    return item


def _add_equipment(instance: Dataset, header: Dataset) -> None:
    """Name the software, and the scanner that the reference comes from."""
    ours = Dataset()
    ours.PurposeOfReferenceCodeSequence = Items([_code("109103", "Modifying Equipment")])
    ours.Manufacturer = NAME
    ours.ManufacturerModelName = f"{NAME} MONAI bundle"
    ours.SoftwareVersions = __version__
    ours.ContributionDateTime = f"{instance.ContentDate}{instance.ContentTime}"
    ours.ContributionDescription = f"Image fusion and decomposition. {RESEARCH_NOTICE}"
    items = [ours]
    before = header.get("ContributingEquipmentSequence") or []
    items += [deepcopy(item) for item in before if item.get("Manufacturer") not in (None, "", NAME)]
    if header.get("Manufacturer") and header.Manufacturer != NAME and is_valid(header["Manufacturer"]):
        scanner = Dataset()
        scanner.PurposeOfReferenceCodeSequence = Items([_code("109101", "Acquisition Equipment")])
        for name in ("Manufacturer", "ManufacturerModelName", "SoftwareVersions"):
            if header.get(name) and is_valid(header[name]):
                setattr(scanner, name, header[name].value)
        items.append(scanner)
    instance.ContributingEquipmentSequence = Items(items)


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = "DCM"
    item.CodeMeaning = meaning
    return item


def _decimal(value: float) -> DSfloat:
    """Write a number in the 16 characters that the standard allows."""
    return DSfloat(value, auto_format=True)


def _save(instance: Dataset, path: Path, syntax: UID) -> None:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = instance.SOPClassUID
    meta.MediaStorageSOPInstanceUID = instance.SOPInstanceUID
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    instance.file_meta = meta
    restore_bytes(instance)
    if syntax != ExplicitVRLittleEndian:
        instance.compress(syntax, generate_instance_uid=False)
    instance.save_as(path, enforce_file_format=True)
