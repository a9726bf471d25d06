"""Texts with the bytes that encode them in their file."""

from __future__ import annotations

from contextlib import suppress

from pydicom import DataElement, Dataset
from pydicom.dataelem import RawDataElement
from pydicom.valuerep import CUSTOMIZABLE_CHARSET_VR, PersonName


class SourceText(DataElement):
    """A text that remembers its bytes.

    A byte that the declared character set does not have is read as U+FFFD. Written from what was read, a patient's name
    would differ from that of the source, and an archive would take the image for another patient's.

    Args:
        element: as it was read.
        written: its bytes.
    """

    def __init__(self, element: DataElement, written: bytes) -> None:
        super().__init__(element.tag, element.VR, element.value, already_converted=True)
        self.written = written

    def restored(self) -> DataElement:
        """Return an element that is written with the same bytes."""
        if self.VR == "PN":
            return DataElement(self.tag, self.VR, PersonName("", original_string=self.written))
        return DataElement(self.tag, self.VR, self.written, already_converted=True)


def read_element(dataset: Dataset, tag: int) -> DataElement:
    """Return an element of a dataset; texts that are not plain ASCII keep their bytes, those in sequences included.

    Args:
        dataset: its elements have not been used before.
        tag: of the element.
    """
    raw = dataset.get_item(tag)
    element = dataset[tag]
    if element.VR == "SQ":
        for item in element.value or ():
            _keep_bytes(item)
    elif isinstance(raw, RawDataElement) and element.VR in CUSTOMIZABLE_CHARSET_VR and _is_encoded(raw):
        return SourceText(element, raw.value)
    return element


def restore_bytes(dataset: Dataset) -> None:
    """Prepare a dataset for writing: each text gets the bytes of its source.

    Args:
        dataset: it is changed.
    """
    for element in list(dataset):
        if isinstance(element, SourceText):
            dataset[element.tag] = element.restored()
        elif element.VR == "SQ":
            for item in element.value or ():
                restore_bytes(item)


def _keep_bytes(item: Dataset) -> None:
    for tag, raw in list(item.items()):
        # What cannot be read stays as it is.
        with suppress(Exception):
            if not isinstance(raw, RawDataElement) or _is_encoded(raw):
                item[tag] = read_element(item, tag)


def _is_encoded(raw: RawDataElement) -> bool:
    return bool(raw.value) and (not raw.value.isascii() or b"\x1b" in raw.value)
