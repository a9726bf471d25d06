"""An unattended DICOM node: follow a PACS or take what modalities send, fuse each study once, send the results back."""
