"""Tell an archive that series were replaced: a rejection note, as IHE's Imaging Object Change Management has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from pydicom import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    PYDICOM_IMPLEMENTATION_UID,
    UID,
    ExplicitVRLittleEndian,
    KeyObjectSelectionDocumentStorage,
    MRImageStorage,
)

from scripts import RESEARCH_NOTICE, __version__

from .derived import NAME
from .modules import PATIENT, PATIENT_STUDY, REQUIRED_EMPTY, STUDY
from .source_text import restore_bytes

NUMBER = 9099
"""Series number of the note, after those of the derived series."""


def write_rejection(
    path: Path, header: Dataset, rejected: Mapping[str, Iterable[str]], series_uid: UID, instance_uid: UID
) -> None:
    """Write a Key Object Selection that rejects series for quality reasons.

    An archive with this profile hides them from then on; to all others it is one more object of the study.

    Args:
        path: file to write.
        header: of an image of the study. It is not changed.
        rejected: SOPInstanceUIDs by SeriesInstanceUID, all of them derived MR images.
        series_uid: SeriesInstanceUID of the note.
        instance_uid: SOPInstanceUID of the note.
    """
    now = datetime.now()
    note = Dataset()
    for name in ("SpecificCharacterSet", *PATIENT, *STUDY, *PATIENT_STUDY):
        if name in header:
            note.add(header[name])
    for name in set(REQUIRED_EMPTY) & {*PATIENT, *STUDY}:
        if name not in note:
            setattr(note, name, None)
    note.SOPClassUID = KeyObjectSelectionDocumentStorage
    note.SOPInstanceUID = instance_uid
    note.Modality = "KO"
    note.SeriesInstanceUID = series_uid
    note.SeriesNumber = NUMBER
    note.SeriesDescription = f"{NAME} replaced series"
    note.ReferencedPerformedProcedureStepSequence = Items()
    note.Manufacturer = NAME
    note.ManufacturerModelName = f"{NAME} MONAI bundle"
    note.SoftwareVersions = __version__
    note.InstanceNumber = 1
    note.ContentDate, note.ContentTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    references = {series: [_reference(uid) for uid in sorted(uids)] for series, uids in sorted(rejected.items())}
    note.CurrentRequestedProcedureEvidenceSequence = Items([_evidence(str(header.StudyInstanceUID), references)])
    note.ValueType = "CONTAINER"
    note.ConceptNameCodeSequence = Items([_code("113001", "Rejected for Quality Reasons")])
    note.ContinuityOfContent = "SEPARATE"
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "2010"
    note.ContentTemplateSequence = Items([template])
    images = [_image(reference) for of_series in references.values() for reference in of_series]
    told = _text("Images of the study arrived later; a new result replaces these series.")
    note.ContentSequence = Items([told, *images])
    note.file_meta = FileMetaDataset()
    note.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    note.file_meta.MediaStorageSOPClassUID = note.SOPClassUID
    note.file_meta.MediaStorageSOPInstanceUID = note.SOPInstanceUID
    note.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    restore_bytes(note)
    note.save_as(path, enforce_file_format=True)


def _reference(uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = MRImageStorage, uid
    return item


def _evidence(study_uid: str, references: Mapping[str, list[Dataset]]) -> Dataset:
    study, series = Dataset(), []
    for uid, items in references.items():
        one = Dataset()
        one.SeriesInstanceUID, one.ReferencedSOPSequence = uid, Items(items)
        series.append(one)
    study.StudyInstanceUID, study.ReferencedSeriesSequence = study_uid, Items(series)
    return study


def _image(reference: Dataset) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType, item.ReferencedSOPSequence = "CONTAINS", "IMAGE", Items([reference])
    return item


def _text(text: str) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", "TEXT"
    item.ConceptNameCodeSequence = Items([_code("113012", "Key Object Description")])
    item.TextValue = f"{text} {RESEARCH_NOTICE}"
    return item


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item
