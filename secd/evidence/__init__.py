"""Pictures kept on disk with their SHA-256."""

from secd.evidence.pictures import EvidenceStore, KeptPicture

__all__ = ["EvidenceStore", "KeptPicture"]
