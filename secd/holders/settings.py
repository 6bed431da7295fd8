"""What an administrator writes about people: holders with their cards, groups, and the card formats in use.

In: validated YAML. Out: settings classes and findings. Refused: one card with two holders, a number its format cannot
carry, a format that is not read at this site, dates that end before they begin. No message holds a card number (S21).
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from secd.config.types import Digits, Finding, Flag, LocalMoment, Name, Ref, ScalarError, Section, Settings, Text
from secd.model.people import Standing
from secd.model.secret import CardNumber
from secd.wire.wiegand import FORMATS, encode_card

CARDS_MAX = 16
FORMATS_MAX = 8


def _known_format(name: str) -> str:
    if name not in FORMATS:
        raise ScalarError(f"a card format, one of {', '.join(FORMATS)}")
    return name


FormatName = Annotated[Name, AfterValidator(_known_format), WithJsonSchema({"type": "string", "enum": list(FORMATS)})]
GroupName = Annotated[Name, Ref("groups")]


class ValidSettings(Settings):
    """From when until when, in the site's zone; `until` is the first moment at which it is over."""

    from_: LocalMoment | None = Field(default=None, alias="from")
    until: LocalMoment | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "ValidSettings":
        if self.from_ is not None and self.until is not None and self.from_ >= self.until:
            raise ValueError("this ends before it begins; a bare date means the start of that day")
        return self


class CardSettings(Settings):
    """One card. The number as printed; leading zeros mean nothing."""

    format: FormatName
    facility: Digits | None = Field(default=None, repr=False)
    number: Digits = Field(repr=False)
    standing: Standing = Standing.ACTIVE
    """active, or why it is no longer good: suspended, lost, stolen."""
    valid: ValidSettings = ValidSettings()

    def card_number(self) -> CardNumber:
        """As the codec takes it; prints masked."""
        facility = None if self.facility is None else int(self.facility)
        return CardNumber(format=self.format, facility=facility, number=int(self.number))


class HolderSettings(Settings):
    """One person who carries cards."""

    groups: Annotated[list[GroupName], Field(min_length=1)]
    cards: Annotated[tuple[CardSettings, ...], Field(max_length=CARDS_MAX)] = ()
    valid: ValidSettings = ValidSettings()
    extended: Flag = False
    """Doors give this person the longer release."""
    label: Text | None = None


class GroupSettings(Settings):
    """A group that rules name."""

    label: Text | None = None


CardFormats = Annotated[list[FormatName], Field(min_length=1, max_length=FORMATS_MAX)]


def check_holders(values: Mapping[str, Any]) -> list[Finding]:
    """Every card fits its format, is read here, and has one holder."""
    formats: list[str] = values["card_formats"]
    owners: dict[CardNumber, str] = {}
    findings: list[Finding] = []
    holders: Mapping[str, HolderSettings] = values["holders"]
    for name, holder in holders.items():
        for index, card in enumerate(holder.cards):
            path = ("holders", name, "cards", index)
            findings.extend(_check_card(path, card, formats))
            owner = owners.setdefault(card.card_number(), name)
            if owner is not name or any(card.card_number() == other.card_number() for other in holder.cards[:index]):
                message = f"this card is already {owner}'s: one card opens for one person"
                findings.append(
                    Finding(path=(*path, "number"), message=message, expected="another card", code="duplicate_card")
                )
    return findings


def _check_card(path: tuple[str | int, ...], card: CardSettings, formats: list[str]) -> Iterator[Finding]:
    try:
        encode_card(card.card_number())
    except ValueError as error:
        yield Finding(
            path=path,
            message=f"no {card.format} card has this number: {error}",
            expected="the numbers as printed, and the format they belong to",
            code="card_does_not_fit",
        )
    if card.format not in formats:
        yield Finding(
            path=(*path, "format"),
            message=f"no reader of this site understands {card.format}: it is not in card_formats",
            expected=f"one of {', '.join(formats)}, or {card.format} added to card_formats",
            code="format_not_read",
        )


def check_formats(values: Mapping[str, Any]) -> list[Finding]:
    """No format twice: the order decides what a read is tried as."""
    formats: list[str] = values["card_formats"]
    return [
        Finding(
            path=("card_formats", index),
            message=f"{name} is in the list twice",
            expected="each once",
            code="format_twice",
        )
        for index, name in enumerate(formats)
        if name in formats[:index]
    ]


def check_groups(values: Mapping[str, Any]) -> list[Finding]:
    """A group nobody is in lets nobody through: worth saying, not wrong."""
    holders: Mapping[str, HolderSettings] = values["holders"]
    used = {group for holder in holders.values() for group in holder.groups}
    return [
        Finding(path=("groups", name), message=f"nobody is in the group {name}", code="empty_group", severity="warning")
        for name in values["groups"]
        if name not in used
    ]


SECTIONS = (
    Section(key="card_formats", model=CardFormats, many=False, required=True, check=check_formats),
    Section(key="holders", model=HolderSettings, check=check_holders),
    Section(key="groups", model=GroupSettings, check=check_groups),
)
