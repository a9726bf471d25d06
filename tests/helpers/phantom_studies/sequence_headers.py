from __future__ import annotations

from typing import Any

Header = dict[str, Any]
"""Values by DICOM keyword."""

MODELS = {
    "SIEMENS": {"Manufacturer": "SIEMENS", "ManufacturerModelName": "Skyra", "SoftwareVersions": "syngo MR E11"},
    "GE": {"Manufacturer": "GE MEDICAL SYSTEMS", "ManufacturerModelName": "DISCOVERY MR750", "SoftwareVersions": "27"},
    "Philips": {"Manufacturer": "Philips", "ManufacturerModelName": "Ingenia", "SoftwareVersions": "5.6.1"},
}
"""Header values that identify a scanner of each vendor."""

_AGENT = {"ContrastBolusAgent": "Gadobutrol", "ContrastBolusRoute": "IV"}
_SIEMENS_IMAGE = ["ORIGINAL", "PRIMARY", "M", "ND", "NORM"]
_GE_IMAGE = ["ORIGINAL", "PRIMARY", "OTHER"]


def _sequence(
    description: str,
    image_type: list[str],
    timing: tuple[float, float, float | None, float],
    scanning: list[str],
    variant: list[str],
    dimensions: str,
    **more: Any,
) -> Header:
    """Header of one sequence; timing is (TR, TE, TI, flip angle) in ms and degrees."""
    repetition, echo, inversion, flip = timing
    header = {
        "SeriesDescription": description,
        "ProtocolName": description,
        "ImageType": image_type,
        "RepetitionTime": repetition,
        "EchoTime": echo,
        "FlipAngle": flip,
        "ScanningSequence": scanning,
        "SequenceVariant": variant,
        "ScanOptions": "",
        "MRAcquisitionType": dimensions,
        **more,
    }
    return header if inversion is None else {**header, "InversionTime": inversion}


def _philips_image(kind: str) -> list[str]:
    return ["ORIGINAL", "PRIMARY", f"M_{kind}", "M", kind]


SEQUENCES: dict[str, dict[str, Header]] = {
    "SIEMENS": {
        "t1gd": _sequence(
            "t1_mprage_sag_p2_iso_KM",
            _SIEMENS_IMAGE,
            (2000, 2.98, 900, 9),
            ["GR", "IR"],
            ["SK", "SP", "MP"],
            "3D",
            SequenceName="*tfl3d1_16ns",
            **_AGENT,
        ),
        "t1": _sequence(
            "t1_mprage_sag_p2_iso",
            _SIEMENS_IMAGE,
            (2000, 2.98, 900, 9),
            ["GR", "IR"],
            ["SK", "SP", "MP"],
            "3D",
            SequenceName="*tfl3d1_16ns",
        ),
        "flair": _sequence(
            "t2_tirm_tra_dark-fluid_fs",
            _SIEMENS_IMAGE,
            (9000, 92, 2500, 150),
            ["SE", "IR"],
            ["SK", "SP", "MP"],
            "2D",
            SequenceName="*tir2d1_21",
        ),
        "t2": _sequence(
            "t2_tse_tra_512",
            _SIEMENS_IMAGE,
            (5400, 99, None, 150),
            ["SE"],
            ["SK", "SP"],
            "2D",
            SequenceName="*tse2d1_18",
        ),
        "dwi": _sequence(
            "ep2d_diff_3scan_trace_p2_TRACEW",
            ["DERIVED", "PRIMARY", "DIFFUSION", "TRACEW", "NORM"],
            (6600, 89, None, 90),
            ["EP"],
            ["SK", "SP"],
            "2D",
            SequenceName="*ep_b1000t",
            DiffusionBValue=1000.0,
        ),
        "adc": _sequence(
            "ep2d_diff_3scan_trace_p2_ADC",
            ["DERIVED", "PRIMARY", "DIFFUSION", "ADC", "NORM"],
            (6600, 89, None, 90),
            ["EP"],
            ["SK", "SP"],
            "2D",
            SequenceName="*ep_b0_1000",
        ),
        "localizer": _sequence(
            "localizer", _SIEMENS_IMAGE, (8.6, 4, None, 20), ["GR"], ["SP", "OSP"], "2D", SequenceName="*fl2d1"
        ),
    },
    "GE": {
        "t1gd": _sequence(
            "Ax 3D T1 BRAVO +C", _GE_IMAGE, (8.2, 3.2, 450, 12), ["GR", "IR"], ["SS", "SP", "SK"], "3D", **_AGENT
        ),
        "t1": _sequence("Ax 3D T1 BRAVO", _GE_IMAGE, (8.2, 3.2, 450, 12), ["GR", "IR"], ["SS", "SP", "SK"], "3D"),
        "flair": _sequence("Ax T2 FLAIR", _GE_IMAGE, (9000, 120, 2250, 160), ["SE", "IR"], ["SK", "OSP"], "2D"),
        "t2": _sequence("Ax T2 FSE", _GE_IMAGE, (5000, 102, None, 142), ["SE"], ["SK"], "2D"),
        "dwi": _sequence(
            "Ax DWI b1000", _GE_IMAGE, (8000, 81, None, 90), ["EP", "SE"], ["NONE"], "2D", DiffusionBValue=1000.0
        ),
        "adc": _sequence(
            "Apparent Diffusion Coefficient (mm2/s)",
            ["DERIVED", "SECONDARY", "COMBINED", "ADC"],
            (8000, 81, None, 90),
            ["EP", "SE"],
            ["NONE"],
            "2D",
        ),
        "localizer": _sequence("3-Plane Loc", _GE_IMAGE, (5.2, 1.6, None, 30), ["GR"], ["SS"], "2D"),
    },
    "Philips": {
        "t1gd": _sequence("sT1W_3D_TFE_GD", _philips_image("FFE"), (8.1, 3.7, None, 8), ["GR"], ["MP"], "3D", **_AGENT),
        "t1": _sequence("sT1W_3D_TFE", _philips_image("FFE"), (8.1, 3.7, None, 8), ["GR"], ["MP"], "3D"),
        "flair": _sequence("FLAIR_longTR SENSE", _philips_image("IR"), (9000, 125, 2500, 90), ["IR"], ["SK"], "2D"),
        "t2": _sequence("T2W_TSE SENSE", _philips_image("SE"), (3000, 80, None, 90), ["SE"], ["SK"], "2D"),
        "dwi": _sequence(
            "DWI_SSh", _philips_image("SE"), (3500, 70, None, 90), ["SE", "EP"], ["SK"], "2D", DiffusionBValue=1000.0
        ),
        "adc": _sequence(
            "dDWI_SSh",
            ["DERIVED", "PRIMARY", "ADC", "ADC", "UNSPECIFIED"],
            (3500, 70, None, 90),
            ["SE", "EP"],
            ["SK"],
            "2D",
        ),
        "localizer": _sequence("Survey", _philips_image("FFE"), (11, 4.6, None, 15), ["GR"], ["SS"], "2D"),
    },
}
"""Headers of the sequences of three vendors, by vendor and source, with usual series names."""


def sequence_header(source: str, vendor: str) -> Header:
    """Return a new header of `source` as a scanner of `vendor` would write it, by DICOM keyword.

    Args:
        source: "t1gd", "t1", "flair", "t2", "dwi", "adc" or "localizer".
        vendor: "SIEMENS", "GE" or "Philips".

    Raises:
        KeyError: of an unknown source or vendor.
    """
    return {**MODELS[vendor], "MagneticFieldStrength": 3.0, **SEQUENCES[vendor][source]}
