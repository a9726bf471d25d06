"""Copy to a derived image what it shares with its sources, module by module of the DICOM standard."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

import numpy as np
from pydicom import DataElement, Dataset, config
from pydicom.charset import python_encoding
from pydicom.valuerep import PersonName, validate_value

PATIENT = [
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "IssuerOfPatientIDQualifiersSequence",
    "TypeOfPatientID",
    "PatientBirthDate",
    "PatientBirthDateInAlternativeCalendar",
    "PatientDeathDateInAlternativeCalendar",
    "PatientAlternativeCalendar",
    "PatientBirthTime",
    "PatientSex",
    "QualityControlSubject",
    "ReferencedPatientPhotoSequence",
    "ReferencedPatientSequence",
    "OtherPatientIDsSequence",
    "OtherPatientNames",
    "EthnicGroup",
    "EthnicGroupCodeSequence",
    "PatientComments",
    "PatientSpeciesDescription",
    "PatientSpeciesCodeSequence",
    "PatientBreedDescription",
    "PatientBreedCodeSequence",
    "BreedRegistrationSequence",
    "StrainDescription",
    "StrainNomenclature",
    "StrainCodeSequence",
    "StrainAdditionalInformation",
    "StrainStockSequence",
    "GeneticModificationsSequence",
    "ResponsiblePerson",
    "ResponsiblePersonRole",
    "ResponsibleOrganization",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "SourcePatientGroupIdentificationSequence",
    "GroupOfPatientsIdentificationSequence",
]
STUDY = [
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "ReferringPhysicianIdentificationSequence",
    "ConsultingPhysicianName",
    "ConsultingPhysicianIdentificationSequence",
    "StudyID",
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "StudyDescription",
    "PhysiciansOfRecord",
    "PhysiciansOfRecordIdentificationSequence",
    "NameOfPhysiciansReadingStudy",
    "PhysiciansReadingStudyIdentificationSequence",
    "RequestingService",
    "RequestingServiceCodeSequence",
    "ReferencedStudySequence",
    "ProcedureCodeSequence",
    "ReasonForPerformedProcedureCodeSequence",
]
PATIENT_STUDY = [
    "AdmittingDiagnosesDescription",
    "AdmittingDiagnosesCodeSequence",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PatientBodyMassIndex",
    "MeasuredAPDimension",
    "MeasuredLateralDimension",
    "PatientSizeCodeSequence",
    "MedicalAlerts",
    "Allergies",
    "SmokingStatus",
    "PregnancyStatus",
    "LastMenstrualDate",
    "PatientState",
    "Occupation",
    "AdditionalPatientHistory",
    "AdmissionID",
    "IssuerOfAdmissionIDSequence",
    "ReasonForVisit",
    "ReasonForVisitCodeSequence",
    "ServiceEpisodeID",
    "IssuerOfServiceEpisodeIDSequence",
    "ServiceEpisodeDescription",
    "PatientSexNeutered",
]
FRAME_OF_REFERENCE = ["FrameOfReferenceUID", "PositionReferenceIndicator"]
PLANE = [
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "SliceLocation",
]
SERIES = ["PatientPosition", "BodyPartExamined", "Laterality"]
SAME = [*PATIENT, *STUDY, *PATIENT_STUDY, *FRAME_OF_REFERENCE, *PLANE, *SERIES]
"""Keywords of what is copied. Private elements are not: nobody knows whether they still hold."""
PREFIX = "ClinicalTrial"
"""Begins the keywords of the modules of clinical trials, which are copied as well."""
LOSSY = ["LossyImageCompressionRatio", "LossyImageCompressionMethod"]

REQUIRED_EMPTY = [
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "PositionReferenceIndicator",
    "SliceThickness",
]
"""Keywords that must stand there even where nothing is known."""


def copy_modules(header: Dataset) -> Dataset:
    """Copy patient, study, frame of reference and plane of an image.

    Args:
        header: of the image. It is not changed.

    Returns:
        new dataset with these alone, in the character set of the header. Sequences that hold nothing are left out.
    """
    copied = Dataset()
    names = [name for name in SAME if name in header]
    names += [element.keyword for element in header if element.keyword.startswith(PREFIX)]
    if "SpecificCharacterSet" in header:
        copied.SpecificCharacterSet = header.SpecificCharacterSet
    for name in names:
        if header[name].VR != "SQ" or any(len(item) for item in header[name].value):
            copied.add(deepcopy(header[name]))
    for name in REQUIRED_EMPTY:
        if name not in copied:
            setattr(copied, name, None)
    return copied


def common_claims(headers: Iterable[Dataset]) -> Dataset:
    """Return what the sources imply for an image's pixels: burned-in identity, lossy compression.

    Args:
        headers: of all sources.

    Returns:
        dataset with "YES" and "01" where one source has it, "NO" and "00" where all deny it, nothing otherwise.
    """
    headers, claims = list(headers), Dataset()
    for name, yes, no in (("BurnedInAnnotation", "YES", "NO"), ("LossyImageCompression", "01", "00")):
        said = {str(header.get(name, "") or "") for header in headers}
        if yes in said or said == {no}:
            setattr(claims, name, yes if yes in said else no)
    lossy = [header for header in headers if str(header.get("LossyImageCompression", "")) == "01"]
    for name in LOSSY:
        first = next((header[name] for header in lossy if header.get(name) not in (None, "")), None)
        if first is not None:
            claims.add(deepcopy(first))
    return claims


def inherited_faults(header: Dataset) -> list[str]:
    """List attributes of patient, study and position that violate the standard and are copied anyway.

    Args:
        header: of the source.

    Returns:
        a line for each attribute, without its value, which may identify the patient.
    """
    copied = copy_modules(header)
    faults = [f"{element.name} is not a valid value" for element in copied if not is_valid(element)]
    if str(copied.PatientSex or "") not in ("", "M", "F", "O"):
        faults.append("Patient's Sex is not M, F or O")
    if not copied.get("FrameOfReferenceUID"):
        faults.append("Frame of Reference UID is missing")
    if "PatientPosition" not in copied:
        faults.append("Patient Position is missing")
    if "BodyPartExamined" not in copied and "Laterality" not in copied:
        faults.append("Laterality and Body Part Examined are missing")
    if any(element.keyword.startswith(PREFIX) and element.is_empty for element in copied):
        faults.append("attributes of a clinical trial are empty")
    known = {name for name in np.atleast_1d(header.get("SpecificCharacterSet") or []) if name in python_encoding}
    texts = "".join(str(element.value) for element in copied if element.VR in ("PN", "LO", "SH", "LT", "ST", "UT"))
    if "\ufffd" in texts or not (texts.isascii() or known):
        faults.append("Specific Character Set is missing or does not fit the texts")
    return faults


def is_valid(element: DataElement) -> bool:
    """Whether the values of an element have the form that the standard demands, those in sequences included."""
    if element.VR == "SQ":
        return all(len(item) and all(map(is_valid, item)) for item in element.value)
    values = element.value if element.VM > 1 else [element.value]
    try:
        for value in values:
            if value not in (None, ""):
                validate_value(element.VR, _as_written(value), config.RAISE)
    except (ValueError, TypeError):
        return False
    return True


def _as_written(value: object) -> object:
    """Return the text of a name or a number in which it stands in the file."""
    if isinstance(value, PersonName):
        return str(value)
    return getattr(value, "original_string", value) if isinstance(value, int | float) else value
