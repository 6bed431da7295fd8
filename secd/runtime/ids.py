"""ULIDs: 48 bits of milliseconds, 80 random bits, 26 characters of Crockford base 32; sorted as text by time.

Two in one millisecond sort in the order they were made.
"""

import secrets
from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80


class UlidSource:
    """Makes ULIDs that never go back, even if the wall clock does."""

    def __init__(self) -> None:
        self._last = 0

    def new(self, at: datetime) -> str:
        """A ULID for the moment `at` (aware UTC)."""
        stamp = int(at.timestamp() * 1000) << _RANDOM_BITS
        value = stamp | secrets.randbits(_RANDOM_BITS)
        if value <= self._last:
            value = self._last + 1
        self._last = value
        return encode_ulid(value)


def encode_ulid(value: int) -> str:
    """128 bits as 26 characters."""
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))
