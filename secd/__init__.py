"""secd: a physical-security control daemon. ARCHITECTURE.md draws the house; every room is a package here."""

__version__ = "0.1.0"
