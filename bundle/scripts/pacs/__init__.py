"""Image archives (PACS) over DICOMweb and DIMSE: find a study, fetch it, send derived series back."""
