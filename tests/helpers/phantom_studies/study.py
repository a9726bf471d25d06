"""Write volumes as DICOM series of a synthetic patient, classic or enhanced, with headers as scanners write them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from pydicom import Dataset, FileMetaDataset
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid
from scipy.ndimage import affine_transform

from scripts.data.discovery import find_patients

from .sequence_headers import sequence_header

_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_NUMBERS = {"localizer": 1, "t1": 2, "t2": 3, "dwi": 4, "adc": 5, "flair": 6, "t1gd": 9}
_PER_FRAME_TIMING = ("RepetitionTime", "FlipAngle", "EchoTime", "InversionTime")
_CLASSIC_ONLY = ("ScanningSequence", "SequenceVariant", "ScanOptions", "ImageType", "SequenceName", "DiffusionBValue")


def write_series(
    folder: str | os.PathLike[str],
    volume: np.ndarray,
    affine: np.ndarray,
    *,
    source: str = "t1gd",
    patient_id: str = "PHANTOM-01",
    patient_name: str = "Phantom^One",
    study_uid: str | None = None,
    frame_of_reference_uid: str | None = None,
    series_number: int | None = None,
    description: str | None = None,
    vendor: str = "SIEMENS",
    enhanced: bool = False,
    transfer_syntax: str | None = None,
    dtype: str = "int16",
    bits_stored: int = 16,
    rescale: tuple[float, float] = (1.0, 0.0),
    extra: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Write a volume as one DICOM series. The same arguments give the same bytes.

    Args:
        folder: folder of the instances; created if missing.
        volume: [X, Y, Z]: X columns, Y rows, Z slices, in the units that a reader gets after the rescale.
        affine: [4, 4] voxel to RAS mm; oblique and sheared ones are written as they are.
        source: whose header to write, see `sequence_header`. Defaults to "t1gd".
        patient_id: of the patient module. Defaults to "PHANTOM-01".
        patient_name: of the patient module. Defaults to "Phantom^One".
        study_uid: study that the series belongs to. Defaults to None (one of each patient).
        frame_of_reference_uid: space that it lies in. Defaults to None (one of each study).
        series_number: number in the study. Defaults to None (one of each source).
        description: series description. Defaults to None (the vendor's).
        vendor: "SIEMENS", "GE" or "Philips". Defaults to "SIEMENS".
        enhanced: one Enhanced MR instance of many frames, not one instance for each slice. Defaults to False.
        transfer_syntax: UID, compressed ones as far as pydicom can compress. Defaults to None (Explicit VR Little
            Endian).
        dtype: "int16" or "uint16", of the stored values. Defaults to "int16".
        bits_stored: of the 16 allocated. Defaults to 16.
        rescale: slope and intercept from stored values to those of `volume`. Defaults to (1, 0).
        extra: further values by DICOM keyword, over all others; None leaves an attribute out.

    Returns:
        the files, in the order of the slices.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    number = _NUMBERS.get(source, 20) if series_number is None else series_number
    study_uid = study_uid or _uid("study", patient_id)
    series_uid = _uid("series", study_uid, number, source, vendor, description, enhanced)
    affine = np.asarray(affine, dtype=np.float64)
    stored = _stored(np.asarray(volume), dtype, bits_stored, rescale)

    header = sequence_header(source, vendor)
    if description is not None:
        header |= {"SeriesDescription": description, "ProtocolName": description}
    common = _common(header, patient_id, patient_name, study_uid, number, series_uid)
    common.FrameOfReferenceUID = frame_of_reference_uid or _uid("frame", study_uid)
    _pixel_module(common, stored, dtype, bits_stored)
    if enhanced:
        instances = [_enhanced(common, header, stored, affine, rescale)]
    else:
        instances = [_classic(common, header, stored, affine, rescale, k) for k in range(stored.shape[2])]

    paths = []
    for k, instance in enumerate(instances):
        for keyword, value in (extra or {}).items():
            if value is None:
                instance.pop(keyword, None)
            else:
                setattr(instance, keyword, value)
        paths.append(folder / f"{number:04d}-{k + 1:04d}.dcm")
        _save(instance, paths[-1], transfer_syntax)
    return paths


def write_study(
    folder: str | os.PathLike[str],
    patient: str | os.PathLike[str] | Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    sources: Sequence[str] = ("t1gd", "flair"),
    patient_id: str = "PHANTOM-01",
    patient_name: str = "Phantom^One",
    vendor: str = "SIEMENS",
    localizer: bool = True,
    move: Mapping[str, np.ndarray] | None = None,
    spacing: Mapping[str, Sequence[float]] | None = None,
    same_frame: bool = True,
    **options: Any,
) -> dict[str, list[Path]]:
    """Write a patient's volumes as a DICOM study, a folder for each series.

    Args:
        folder: folder of the study; created if missing.
        patient: folder in BraTS names, or (volume [X, Y, Z], affine [4, 4]) by source.
        sources: series to write. Defaults to ("t1gd", "flair").
        patient_id: of the patient module. Defaults to "PHANTOM-01".
        patient_name: of the patient module. Defaults to "Phantom^One".
        vendor: of the scanner. Defaults to "SIEMENS".
        localizer: whether to also write a localizer. Defaults to True.
        move: [4, 4] RAS mm by source: how the patient lay moved during that series, while the scanner measured the
            same places. Defaults to None (they lay still).
        spacing: voxel size in mm along X, Y, Z by source, over the same field of view. Defaults to None (as given).
        same_frame: whether all series share the frame of reference. Defaults to True.
        options: of `write_series`, for every series.

    Returns:
        the files of each series by source, "localizer" among them.
    """
    folder = Path(folder)
    volumes = dict(patient) if isinstance(patient, Mapping) else _from_folder(Path(patient), sources)
    study_uid = options.pop("study_uid", None) or _uid("study", patient_id)
    identity = {"patient_id": patient_id, "patient_name": patient_name, "study_uid": study_uid, "vendor": vendor}
    written = {}
    for source in sources:
        volume, affine = _resampled(*volumes[source], (move or {}).get(source), (spacing or {}).get(source))
        frame = None if same_frame else _uid("frame", study_uid, source)
        written[source] = write_series(
            folder / f"{_NUMBERS.get(source, 20):02d}_{source}", volume, affine, source=source,
            **{"frame_of_reference_uid": frame, **identity, **options},
        )  # fmt: skip
    if localizer:
        written["localizer"] = _localizer(folder / "01_localizer", *volumes[sources[0]], identity)
    return written


def _from_folder(folder: Path, sources: Sequence[str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    (record,) = find_patients(folder, sources)
    images = {source: nib.load(record[source]) for source in sources}
    return {source: (np.asarray(image.dataobj), image.affine) for source, image in images.items()}


def _resampled(
    volume: np.ndarray, affine: np.ndarray, move: np.ndarray | None, spacing: Sequence[float] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Simulate a scan of a moved patient with other voxels."""
    if move is None and spacing is None:
        return volume, affine
    before = np.linalg.norm(affine[:3, :3], axis=0)
    ratio = (before if spacing is None else np.asarray(spacing, dtype=np.float64)) / before
    grid = affine @ np.diag([*ratio, 1.0])
    # outer faces of the first voxels stay aligned
    grid[:3, 3] += affine[:3, :3] @ (0.5 * (ratio - 1.0))
    shape = np.maximum(np.floor(np.asarray(volume.shape) / ratio + 1e-6), 1).astype(int)
    back = np.linalg.inv(affine) @ np.linalg.inv(np.eye(4) if move is None else np.asarray(move)) @ grid
    moved = affine_transform(volume.astype(np.float32), back[:3, :3], back[:3, 3], tuple(shape), order=1)
    return moved, grid


def _localizer(folder: Path, volume: np.ndarray, affine: np.ndarray, identity: Mapping[str, Any]) -> list[Path]:
    """Three crossing planes in one series, as before every examination."""
    header = sequence_header("localizer", identity["vendor"])
    folder.mkdir(parents=True, exist_ok=True)
    series_uid = _uid("series", identity["study_uid"], 1, "localizer", identity["vendor"])
    paths = []
    for number, axis in enumerate((2, 1, 0)):
        order = [*(other for other in range(3) if other != axis), axis]
        turned = np.eye(4)[:, [*order, 3]]
        middle = affine @ turned
        middle[:3, 3] += middle[:3, 2] * (volume.shape[axis] // 2)
        plane = np.take(volume, [volume.shape[axis] // 2], axis).transpose(order)
        stored = _stored(plane, "int16", 16, (1.0, 0.0))
        common = _common(header, identity["patient_id"], identity["patient_name"], identity["study_uid"], 1, series_uid)
        common.FrameOfReferenceUID = _uid("frame", identity["study_uid"])
        _pixel_module(common, stored, "int16", 16)
        instance = _classic(common, header, stored, middle, (1.0, 0.0), 0)
        instance.InstanceNumber = number + 1
        instance.SOPInstanceUID = _uid("instance", series_uid, number)
        paths.append(folder / f"0001-{number + 1:04d}.dcm")
        _save(instance, paths[-1], None)
    return paths


def _stored(volume: np.ndarray, dtype: str, bits: int, rescale: tuple[float, float]) -> np.ndarray:
    slope, intercept = rescale
    low, high = (0, 2**bits - 1) if dtype == "uint16" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return np.clip(np.rint((volume.astype(np.float64) - intercept) / slope), low, high).astype(dtype)


def _common(
    header: Mapping[str, Any], patient_id: str, patient_name: str, study_uid: str, number: int, series_uid: str
) -> Dataset:
    """Return the attributes shared by all instances of a series."""
    dataset = Dataset()
    dataset.update(
        {
            "PatientName": patient_name,
            "PatientID": patient_id,
            "PatientBirthDate": "19600229",
            "PatientSex": "O",
            "StudyInstanceUID": study_uid,
            "StudyDate": "20240102",
            "StudyTime": "101500",
            "AccessionNumber": "A0815",
            "ReferringPhysicianName": "",
            "StudyID": "1",
            "StudyDescription": "MR head",
            "Modality": "MR",
            "SeriesInstanceUID": series_uid,
            "SeriesNumber": number,
            "SeriesDate": "20240102",
            "SeriesTime": f"{101500 + number * 100:06d}",
            "ContentDate": "20240102",
            "ContentTime": f"{101500 + number * 100:06d}",
            "AcquisitionDate": "20240102",
            "AcquisitionTime": f"{101500 + number * 100:06d}",
            "AcquisitionNumber": 1,
            "BodyPartExamined": "BRAIN",
            "PatientPosition": "HFS",
            "PositionReferenceIndicator": "",
            "DeviceSerialNumber": "0815",
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "SpecificCharacterSet": "ISO_IR 100",
            "BurnedInAnnotation": "NO",
        }
    )
    skipped = {*_CLASSIC_ONLY, *_PER_FRAME_TIMING, "ContrastBolusAgent", "ContrastBolusRoute"}
    dataset.update({keyword: value for keyword, value in header.items() if keyword not in skipped})
    return dataset


def _pixel_module(dataset: Dataset, stored: np.ndarray, dtype: str, bits: int) -> None:
    dataset.Columns, dataset.Rows = stored.shape[:2]
    dataset.BitsAllocated = 16
    dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = 0 if dtype == "uint16" else 1


def _window(stored: np.ndarray, rescale: tuple[float, float]) -> tuple[float, float]:
    low, high = (float(value) * rescale[0] + rescale[1] for value in np.percentile(stored, [1.0, 99.5]))
    return round(0.5 * (low + high), 3), max(round(high - low, 3), 1.0)


def _plane(affine: np.ndarray, k: int) -> dict[str, list[float] | float]:
    """Position, orientation and spacings of slice k."""
    lps = _LPS @ affine
    columns, rows, slices = lps[:3, 0], lps[:3, 1], lps[:3, 2]
    across, down = np.linalg.norm(columns), np.linalg.norm(rows)
    normal = np.cross(columns / across, rows / down)
    apart = abs(float(normal @ slices)) / np.linalg.norm(normal)
    return {
        "ImagePositionPatient": _decimals(lps[:3, 3] + k * slices),
        "ImageOrientationPatient": _decimals([*(columns / across), *(rows / down)]),
        "PixelSpacing": _decimals([down, across]),
        "SliceThickness": _decimals([apart])[0],
        "SpacingBetweenSlices": _decimals([apart])[0],
    }


def _decimals(values: Any) -> list[float]:
    """Return numbers that fit the 16 characters of a DICOM decimal string."""
    return [float(f"{value:.9g}") if abs(value) > 1e-9 else 0.0 for value in values]


def _classic(
    common: Dataset,
    header: Mapping[str, Any],
    stored: np.ndarray,
    affine: np.ndarray,
    rescale: tuple[float, float],
    k: int,
) -> Dataset:
    instance = Dataset()
    instance.update(common)
    instance.SOPClassUID = MRImageStorage
    instance.SOPInstanceUID = _uid("instance", common.SeriesInstanceUID, k)
    instance.InstanceNumber = k + 1
    only = {*_CLASSIC_ONLY, *_PER_FRAME_TIMING, "ContrastBolusAgent", "ContrastBolusRoute"}
    instance.update({keyword: value for keyword, value in header.items() if keyword in only})
    instance.EchoTrainLength = 1
    instance.update(_plane(affine, k))
    instance.WindowCenter, instance.WindowWidth = _window(stored[:, :, k], rescale)
    if tuple(rescale) != (1.0, 0.0):
        instance.RescaleSlope, instance.RescaleIntercept = rescale
        instance.RescaleType = "US"
    instance.PixelData = stored[:, :, k].T.tobytes()
    instance["PixelData"].VR = "OW"
    return instance


def _enhanced(
    common: Dataset, header: Mapping[str, Any], stored: np.ndarray, affine: np.ndarray, rescale: tuple[float, float]
) -> Dataset:
    instance = Dataset()
    instance.update(common)
    image_type = [*header["ImageType"][:2], "DIFFUSION" if "EP" in header["ScanningSequence"] else "OTHER", "NONE"]
    if "ADC" in header["ImageType"]:
        image_type[3] = "ADC"
    described = {
        "PixelPresentation": "MONOCHROME",
        "VolumetricProperties": "VOLUME",
        "VolumeBasedCalculationTechnique": "NONE",
        "ComplexImageComponent": "MAGNITUDE",
        "AcquisitionContrast": _contrast(header),
    }
    dimension_uid = _uid("dimension", common.SeriesInstanceUID)
    instance.update(
        {
            "SOPClassUID": EnhancedMRImageStorage,
            "SOPInstanceUID": _uid("instance", common.SeriesInstanceUID, "enhanced"),
            "InstanceNumber": 1,
            "NumberOfFrames": stored.shape[2],
            "ImageType": image_type,
            **described,
            "AcquisitionDateTime": f"{common.AcquisitionDate}{common.AcquisitionTime}",
            "AcquisitionDuration": 240.0,
            "ResonantNucleus": "1H",
            "KSpaceFiltering": "NONE",
            "ApplicableSafetyStandardAgency": "IEC",
            "ContentQualification": "RESEARCH",
            "LossyImageCompression": "00",
            "PresentationLUTShape": "IDENTITY",
            "AcquisitionContextSequence": [],
            "DimensionOrganizationSequence": [_item(DimensionOrganizationUID=dimension_uid)],
            "DimensionIndexSequence": [
                _item(
                    DimensionOrganizationUID=dimension_uid,
                    DimensionIndexPointer=0x00209057,
                    FunctionalGroupPointer=0x00209111,
                )
            ],
        }
    )
    if image_type[0] == "ORIGINAL":
        instance.update(_pulse_sequence(header))
    if "ContrastBolusAgent" in header:
        instance.ContrastBolusAgentSequence = [
            _item(
                **_code("C-B03DA", "SRT", "Gadobutrol"),
                ContrastBolusAgentNumber=1,
                ContrastBolusAdministrationRouteSequence=[_item(**_code("47625008", "SCT", "Intravenous route"))],
                ContrastBolusIngredientCodeSequence=[_item(**_code("C-17800", "SRT", "Gadolinium"))],
                ContrastBolusVolume=7.5,
                ContrastBolusIngredientConcentration=1.0,
            )
        ]
    instance.SharedFunctionalGroupsSequence = [_shared_groups(header, stored, affine, rescale, image_type, described)]
    instance.PerFrameFunctionalGroupsSequence = [
        _item(
            FrameContentSequence=[
                _item(
                    FrameAcquisitionNumber=1,
                    FrameReferenceDateTime=instance.AcquisitionDateTime,
                    FrameAcquisitionDateTime=instance.AcquisitionDateTime,
                    FrameAcquisitionDuration=240.0,
                    StackID="1",
                    InStackPositionNumber=k + 1,
                    DimensionIndexValues=[k + 1],
                )
            ],
            PlanePositionSequence=[_item(ImagePositionPatient=_plane(affine, k)["ImagePositionPatient"])],
        )
        for k in range(stored.shape[2])
    ]
    instance.PixelData = stored.transpose(2, 1, 0).tobytes()
    instance["PixelData"].VR = "OW"
    return instance


def _contrast(header: Mapping[str, Any]) -> str:
    if "EP" in header["ScanningSequence"]:
        return "DIFFUSION"
    if header.get("InversionTime", 0) > 1500:
        return "FLUID_ATTENUATED"
    return "T1" if header["EchoTime"] < 30 else "T2"


def _pulse_sequence(header: Mapping[str, Any]) -> dict[str, Any]:
    gradient, echo_planar, volume = (
        "GR" in header["ScanningSequence"],
        "EP" in header["ScanningSequence"],
        header["MRAcquisitionType"] == "3D",
    )
    return {
        "PulseSequenceName": header.get("SequenceName", header["ProtocolName"][:16]),
        "EchoPulseSequence": "GRADIENT" if gradient else "SPIN",
        "InversionRecovery": "YES" if "InversionTime" in header else "NO",
        **({} if gradient else {"MultipleSpinEcho": "NO"}),
        "MultiPlanarExcitation": "NO",
        "PhaseContrast": "NO",
        "TimeOfFlightContrast": "NO",
        "SteadyStatePulseSequence": "NONE",
        "EchoPlanarPulseSequence": "YES" if echo_planar else "NO",
        "SaturationRecovery": "NO",
        "SpectrallySelectedSuppression": "NONE",
        "OversamplingPhase": "NONE",
        "GeometryOfKSpaceTraversal": "RECTILINEAR",
        "RectilinearPhaseEncodeReordering": "LINEAR",
        "SegmentedKSpaceTraversal": "SINGLE",
        **({"CoverageOfKSpace": "FULL"} if volume else {}),
        "NumberOfKSpaceTrajectories": 1,
    }


def _shared_groups(
    header: Mapping[str, Any],
    stored: np.ndarray,
    affine: np.ndarray,
    rescale: tuple[float, float],
    image_type: Sequence[str],
    described: Mapping[str, str],
) -> Dataset:
    plane = _plane(affine, 0)
    centre, width = _window(stored, rescale)
    volumetric = header["MRAcquisitionType"] == "3D"
    shared = _item(
        PixelMeasuresSequence=[
            _item(**{name: plane[name] for name in ("PixelSpacing", "SliceThickness", "SpacingBetweenSlices")})
        ],
        PlaneOrientationSequence=[_item(ImageOrientationPatient=plane["ImageOrientationPatient"])],
        PixelValueTransformationSequence=[
            _item(RescaleSlope=rescale[0], RescaleIntercept=rescale[1], RescaleType="US")
        ],
        FrameVOILUTSequence=[_item(WindowCenter=centre, WindowWidth=width)],
        FrameAnatomySequence=[
            _item(AnatomicRegionSequence=[_item(**_code("12738006", "SCT", "Brain"))], FrameLaterality="U")
        ],
        MRImageFrameTypeSequence=[_item(FrameType=list(image_type), **described)],
        MRTimingAndRelatedParametersSequence=[
            _item(
                RepetitionTime=header["RepetitionTime"],
                FlipAngle=header["FlipAngle"],
                EchoTrainLength=1,
                RFEchoTrainLength=1,
                GradientEchoTrainLength=1,
                GradientOutputType="DB_DT",
                GradientOutput=1.0,
                SpecificAbsorptionRateSequence=[
                    _item(SpecificAbsorptionRateDefinition="IEC_HEAD", SpecificAbsorptionRateValue=1.0)
                ],
                OperatingModeSequence=[_item(OperatingModeType="RF", OperatingMode="IEC_NORMAL")],
            )
        ],
        MREchoSequence=[_item(EffectiveEchoTime=float(header["EchoTime"]))],
        MRFOVGeometrySequence=[
            _item(
                InPlanePhaseEncodingDirection="ROW",
                MRAcquisitionFrequencyEncodingSteps=stored.shape[1],
                MRAcquisitionPhaseEncodingStepsInPlane=stored.shape[0],
                **({"MRAcquisitionPhaseEncodingStepsOutOfPlane": stored.shape[2]} if volumetric else {}),
                PercentSampling=100.0,
                PercentPhaseFieldOfView=100.0,
            )
        ],
        MRImagingModifierSequence=[
            _item(
                MagnetizationTransfer="NONE",
                BloodSignalNulling="NO",
                Tagging="NONE",
                TransmitterFrequency=123.2,
                PixelBandwidth=200.0,
            )
        ],
        MRReceiveCoilSequence=[
            _item(
                ReceiveCoilName="HEAD",
                ReceiveCoilManufacturerName="",
                ReceiveCoilType="MULTICOIL",
                QuadratureReceiveCoil="NO",
                MultiCoilDefinitionSequence=[_item(MultiCoilElementName="H1", MultiCoilElementUsed="YES")],
            )
        ],
        MRTransmitCoilSequence=[
            _item(TransmitCoilName="BODY", TransmitCoilManufacturerName="", TransmitCoilType="BODY")
        ],
        MRAveragesSequence=[_item(NumberOfAverages=1.0)],
    )
    if "InversionTime" in header:
        shared.MRModifierSequence = [
            _item(InversionRecovery="YES", InversionTimes=[float(header["InversionTime"])], FlowCompensation="NONE",
                  Spoiling="NONE", T2Preparation="NO", SpectrallySelectedExcitation="NONE", SpatialPresaturation="NONE",
                  PartialFourier="NO", ParallelAcquisition="NO")
        ]  # fmt: skip
    if "ContrastBolusAgent" in header:
        shared.ContrastBolusUsageSequence = [
            _item(ContrastBolusAgentNumber=1, ContrastBolusAgentAdministered="YES", ContrastBolusAgentDetected="YES")
        ]
    if "DiffusionBValue" in header:
        shared.MRDiffusionSequence = [
            _item(DiffusionBValue=header["DiffusionBValue"], DiffusionDirectionality="ISOTROPIC")
        ]
    return shared


def _item(**values: Any) -> Dataset:
    item = Dataset()
    item.update(values)
    return item


def _code(value: str, scheme: str, meaning: str) -> dict[str, str]:
    return {"CodeValue": value, "CodingSchemeDesignator": scheme, "CodeMeaning": meaning}


def _save(instance: Dataset, path: Path, transfer_syntax: str | None) -> None:
    instance.file_meta = FileMetaDataset()
    instance.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if transfer_syntax is not None and transfer_syntax != ExplicitVRLittleEndian:
        uid = type(ExplicitVRLittleEndian)(transfer_syntax)
        if uid.is_compressed:
            instance.compress(uid, generate_instance_uid=False)
        else:
            instance.file_meta.TransferSyntaxUID = uid
            if not uid.is_little_endian:
                instance.PixelData = np.frombuffer(instance.PixelData, np.uint16).byteswap().tobytes()
    instance.save_as(path, enforce_file_format=True)


def _uid(*parts: Any) -> str:
    return generate_uid(entropy_srcs=["FusionINN phantom", *(str(part) for part in parts)])
