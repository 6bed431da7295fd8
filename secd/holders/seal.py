"""Raw reads under encryption: only those that no format fits, for 30 days, outside the log (safety rule S21).

In: bits. Out: bytes that say nothing, not even how many bits. The key is derived from the site's card key (HKDF, RFC 5869), so
that a backup which wraps the card key covers these too.
"""

import secrets
from datetime import timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from secd.model.errors import SecdError
from secd.model.secret import CardBits, Secret

KEPT = timedelta(days=30)
_NONCE_BYTES = 12
_COUNT_BYTES, _VALUE_BYTES = 2, 32
_PURPOSE = b"secd sealed card read 1"


class SealBroken(SecdError):
    """These bytes were not sealed under this key, or were altered since."""


class Seal:
    """Seals and opens raw reads."""

    def __init__(self, card_key: Secret) -> None:
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(card_key.reveal().encode())
        self._cipher = AESGCM(key)

    def seal(self, bits: CardBits) -> bytes:
        """The read, sealed; the same length for every read of up to 256 bits."""
        width = max(_VALUE_BYTES, (bits.bit_count + 7) // 8)
        plain = bits.bit_count.to_bytes(_COUNT_BYTES, "big") + bits.value.to_bytes(width, "big")
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, _PURPOSE)

    def open(self, sealed: bytes) -> CardBits:
        """The read again, for whoever enrols a card; `SealBroken` under another key."""
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _PURPOSE)
        except (InvalidTag, ValueError) as error:
            raise SealBroken("a sealed card read cannot be opened: another card key, or altered bytes") from error
        return CardBits(
            bit_count=int.from_bytes(plain[:_COUNT_BYTES], "big"), value=int.from_bytes(plain[_COUNT_BYTES:], "big")
        )
