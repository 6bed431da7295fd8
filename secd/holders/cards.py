"""Cards known by keyed hashes, and the register of people built with them.

In: bits of a read, or numbers as an administrator wrote them. Out: for each the same HMAC-SHA-256, so that they meet
without the number being kept (safety rule S21). What people see of a card is the tail of that hash: four digits of a
five-digit number would be the number.
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from secd.holders.seal import Seal
from secd.holders.settings import CardSettings, HolderSettings, ValidSettings
from secd.model.names import GroupId, HolderId
from secd.model.people import Credential, Holder, People, PresentedCard
from secd.model.secret import CardBits, CardNumber, Secret
from secd.wire.wiegand import decode_card

_SHOWN = 4


class CardKeys:
    """Hashes under the site's card key. `formats`, in the order in which a read is tried."""

    def __init__(self, formats: Sequence[str], key: Secret) -> None:
        self._formats = tuple(formats)
        self._key = key.reveal().encode()
        self._seal = Seal(key)

    def key_of(self, card: CardNumber) -> str:
        """HMAC-SHA-256 in hex over `format|facility|number`, decimal, an absent facility empty."""
        facility = "" if card.facility is None else str(card.facility)
        return hmac.digest(self._key, f"{card.format}|{facility}|{card.number}".encode(), "sha256").hex()

    def present(self, bits: CardBits) -> PresentedCard:
        """What a read may mean; sealed where it fits no format of the site."""
        keys = tuple((card.format, self.key_of(card)) for card in decode_card(bits, self._formats))
        if keys:
            return PresentedCard(keys=keys, masked=masked(*keys[0]))
        return PresentedCard(keys=(), masked=f"unknown, {bits.bit_count} bits", sealed=self._seal.seal(bits))

    def open_sealed(self, sealed: bytes) -> CardBits:
        """A raw read that was kept, for whoever enrols the card."""
        return self._seal.open(sealed)


def masked(card_format: str, key: str) -> str:
    """A card as people and the log may see it: enough to tell two apart, nothing of its number."""
    return f"{card_format} ••••{key[-_SHOWN:]}"


def build_people(
    holders: Mapping[str, HolderSettings], formats: Sequence[str], card_keys: CardKeys, time_zone: str
) -> People:
    """The register. A card of a format that is not in `formats` is never read, so it is left out."""
    zone = ZoneInfo(time_zone)
    register: dict[HolderId, Holder] = {}
    credentials: dict[tuple[str, str], Credential] = {}
    for name, settings in holders.items():
        holder = _holder(HolderId(name), settings, zone)
        register[holder.id] = holder
        for card in settings.cards:
            if card.format in formats:
                credential = _credential(holder.id, card, card_keys, zone)
                credentials[credential.format, credential.key] = credential
    return People(holders=register, credentials=credentials)


def _holder(name: HolderId, settings: HolderSettings, zone: ZoneInfo) -> Holder:
    valid_from, valid_until = _span(settings.valid, zone)
    return Holder(
        id=name,
        groups=frozenset(GroupId(group) for group in settings.groups),
        valid_from=valid_from,
        valid_until=valid_until,
        extended=settings.extended,
    )


def _credential(holder: HolderId, card: CardSettings, card_keys: CardKeys, zone: ZoneInfo) -> Credential:
    valid_from, valid_until = _span(card.valid, zone)
    return Credential(
        key=card_keys.key_of(card.card_number()),
        format=card.format,
        holder=holder,
        standing=card.standing,
        valid_from=valid_from,
        valid_until=valid_until,
    )


def _span(valid: ValidSettings, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    return _in_utc(valid.from_, zone), _in_utc(valid.until, zone)


def _in_utc(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """A local time that the clocks skip counts as the moment they are put forward to; one that comes twice, its first."""
    return None if moment is None else moment.replace(tzinfo=zone).astimezone(UTC)
