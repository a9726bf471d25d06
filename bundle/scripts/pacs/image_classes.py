"""Objects of an archive that are fetched: images that can form a volume, and segmentations."""

from __future__ import annotations

from pydicom import uid

IMAGE_CLASSES = (
    uid.MRImageStorage,
    uid.EnhancedMRImageStorage,
    uid.EnhancedMRColorImageStorage,
    uid.LegacyConvertedEnhancedMRImageStorage,
    uid.CTImageStorage,
    uid.EnhancedCTImageStorage,
    uid.PositronEmissionTomographyImageStorage,
    uid.EnhancedPETImageStorage,
)
"""Spectra, raw data and presentation states of the same modality are left where they are."""

SEGMENTATION = "SEG"
"""Modality of segmentations."""
SEGMENTATION_CLASSES = (uid.SegmentationStorage, uid.UID("1.2.840.10008.5.1.4.1.1.66.7"))
"""Segmentation Storage, and Label Map Segmentation Storage, which pydicom 3.0 does not know by name."""
FETCHED_CLASSES = (*IMAGE_CLASSES, *SEGMENTATION_CLASSES)

SYNTAXES = (
    uid.ExplicitVRLittleEndian,
    uid.ImplicitVRLittleEndian,
    uid.DeflatedExplicitVRLittleEndian,
    uid.JPEGLosslessSV1,
    uid.JPEGLossless,
    uid.JPEGLSLossless,
    uid.JPEG2000Lossless,
    uid.HTJ2KLossless,
    uid.HTJ2KLosslessRPCL,
    uid.RLELossless,
    uid.JPEGBaseline8Bit,
    uid.JPEGExtended12Bit,
    uid.JPEGLSNearLossless,
    uid.JPEG2000,
    uid.HTJ2K,
)
"""How the pixels of images may be stored."""
SEGMENTATION_SYNTAXES = (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.RLELossless)
"""Those of segmentations; an association has no room for more."""
CONTEXTS = (
    *((sop_class, syntax) for sop_class in IMAGE_CLASSES for syntax in SYNTAXES),
    *((sop_class, syntax) for sop_class in SEGMENTATION_CLASSES for syntax in SEGMENTATION_SYNTAXES),
)
"""What an association offers to receive."""
