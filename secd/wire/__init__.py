"""Pure codecs: bytes, bits and registers to frozen values and back. Never awaits, never reads a clock, never does I/O."""
