"""Wiegand card formats as a table: fields and parity rules are data, one row a layout.

In: `CardBits` as a reader sent them. Out: the `CardNumber`s they may mean, in the order asked for, only where fixed bits
and every parity fit; and the bits of a number. Refuses to guess: a read that fits several formats has several answers,
and H10302 and H10304 share length and parity, so only the order of the site's `card_formats` tells them apart.

Bits count from 0, the first on the wire, as the makers' sheets do. Layouts restated from public descriptions
(proxmark3 `client/src/wiegand_formats.c`, HID and maker manuals). Known slip elsewhere: some tables cover bits 28 and 29
twice in the last columns of H10320; ours covers each column once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from secd.model.secret import CardBits, CardNumber


@dataclass(frozen=True, slots=True)
class Span:
    """A run of bits, both ends included. `decimal`: four bits a digit, most significant digit first."""

    first: int
    last: int
    decimal: bool = False

    @property
    def value_max(self) -> int:
        """The largest value that fits."""
        width = self.last - self.first + 1
        return 10 ** (width // 4) - 1 if self.decimal else (1 << width) - 1


@dataclass(frozen=True, slots=True)
class Parity:
    """The bit `at` makes the ones among itself and `covers` odd or even."""

    at: int
    odd: bool
    covers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFormat:
    """One layout. `parities` are set in this order, since a later one may cover an earlier one.

    A format with an issue level writes it in front of the number, as `issue_step` times the issue: another issue is
    another card, and a lost one must not come back with its successor.
    """

    name: str
    bit_count: int
    number: Span
    facility: Span | None = None
    issue: Span | None = None
    issue_step: int = 0
    fixed: tuple[tuple[Span, int], ...] = ()
    parities: tuple[Parity, ...] = ()


def _run(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))


def _pairs(first: int, last: int) -> tuple[int, ...]:
    """Two of every three bits: first, first+1, first+3, first+4, ... up to `last`."""
    return tuple(at for at in range(first, last + 1) if (at - first) % 3 != 2)


def _even(at: int, covers: tuple[int, ...]) -> Parity:
    return Parity(at, odd=False, covers=covers)


def _odd(at: int, covers: tuple[int, ...]) -> Parity:
    return Parity(at, odd=True, covers=covers)


_HALVES_26 = (_even(0, _run(1, 12)), _odd(25, _run(13, 24)))
_HALVES_34 = (_even(0, _run(1, 16)), _odd(33, _run(17, 32)))
_HALVES_37 = (_even(0, _run(1, 18)), _odd(36, _run(18, 35)))
_COLUMNS_36 = tuple(Parity(32 + at, odd=at == 1, covers=tuple(range(at, 32, 4))) for at in range(4))
_XOR_40 = tuple(_even(32 + at, tuple(range(at, 32, 8))) for at in range(8))
_C1K35 = (_even(1, _pairs(2, 33)), _odd(34, _pairs(1, 32)), _odd(0, _run(1, 34)))
_C1K48 = (_even(1, _pairs(3, 46)), _odd(47, _pairs(2, 45)), _odd(0, _run(1, 47)))

_TABLE = (
    CardFormat(name="H10301", bit_count=26, facility=Span(1, 8), number=Span(9, 24), parities=_HALVES_26),
    CardFormat(name="Indala26", bit_count=26, facility=Span(1, 12), number=Span(13, 24), parities=_HALVES_26),
    CardFormat(
        name="ATSW30", bit_count=30, facility=Span(1, 12), number=Span(13, 28),
        parities=(_even(0, _run(1, 12)), _odd(29, _run(13, 28))),
    ),
    CardFormat(name="Plain32", bit_count=32, number=Span(0, 31)),
    CardFormat(name="WIE32", bit_count=32, facility=Span(4, 15), number=Span(16, 31), fixed=((Span(0, 3), 0),)),
    CardFormat(
        name="Kastle32", bit_count=32, facility=Span(7, 14), number=Span(15, 30), issue=Span(2, 6), issue_step=100_000,
        fixed=((Span(1, 1), 1),), parities=(_even(0, _run(1, 16)), _odd(31, _run(14, 30))),
    ),
    CardFormat(
        name="D10202", bit_count=33, facility=Span(1, 7), number=Span(8, 31),
        parities=(_even(0, _run(1, 16)), _odd(32, _run(16, 31))),
    ),
    CardFormat(name="H10306", bit_count=34, facility=Span(1, 16), number=Span(17, 32), parities=_HALVES_34),
    CardFormat(name="BQT34", bit_count=34, facility=Span(1, 8), number=Span(9, 32), parities=_HALVES_34),
    CardFormat(name="C1k35", bit_count=35, facility=Span(2, 13), number=Span(14, 33), parities=_C1K35),
    CardFormat(name="H10320", bit_count=36, number=Span(0, 31, decimal=True), parities=_COLUMNS_36),
    CardFormat(
        name="S12906", bit_count=36, facility=Span(1, 8), number=Span(11, 34), issue=Span(9, 10), issue_step=100_000_000,
        parities=(_odd(0, _run(1, 17)), _odd(35, _run(17, 34))),
    ),
    CardFormat(name="H10302", bit_count=37, number=Span(1, 35), parities=_HALVES_37),
    CardFormat(name="H10304", bit_count=37, facility=Span(1, 16), number=Span(17, 35), parities=_HALVES_37),
    CardFormat(
        name="P10001", bit_count=40, facility=Span(4, 15), number=Span(16, 31),
        fixed=((Span(0, 3), 0xF),), parities=_XOR_40,
    ),
    CardFormat(name="C1k48", bit_count=48, facility=Span(2, 23), number=Span(24, 46), parities=_C1K48),
)  # fmt: skip
FORMATS = {row.name: row for row in _TABLE}

_KEYS = "0123456789*#"
"""A key's value is its place here: * is 1010, # is 1011."""


def decode_card(bits: CardBits, formats: Iterable[str]) -> tuple[CardNumber, ...]:
    """What `bits` may mean: one number for each of `formats` (names of FORMATS) whose length, fixed bits and parity fit."""
    rows = [FORMATS[name] for name in formats]
    return tuple(
        _read_number(row, bits.value) for row in rows if row.bit_count == bits.bit_count and _fits(row, bits.value)
    )


def encode_card(card: CardNumber) -> CardBits:
    """The bits of a card; ValueError says which part does not fit its format, never the number itself."""
    row = FORMATS.get(card.format)
    if row is None:
        raise ValueError(f"{card.format} is not a card format; known are {', '.join(FORMATS)}")
    if (card.facility is None) != (row.facility is None):
        raise ValueError(f"{row.name} has {'no' if row.facility is None else 'a'} facility code")
    issue, number = divmod(card.number, row.issue_step) if row.issue_step else (0, card.number)
    value = 0
    for span, fixed in row.fixed:
        value |= _place(row, span, fixed, "fixed bits")
    if row.facility is not None and card.facility is not None:
        value |= _place(row, row.facility, card.facility, "facility code")
    if row.issue is not None:
        value |= _place(row, row.issue, issue, "issue level")
    value |= _place(row, row.number, number, "number")
    for parity in row.parities:
        if _ones(row, value, parity.covers) % 2 != parity.odd:
            value |= _mask(row, (parity.at,))
    return CardBits(bit_count=row.bit_count, value=value)


def looks_inverted(bits: CardBits, formats: Sequence[str]) -> bool:
    """True when nothing fits as read but something fits with every bit inverted: D0 and D1 of the reader are swapped."""
    inverted = CardBits(bit_count=bits.bit_count, value=bits.value ^ ((1 << bits.bit_count) - 1))
    checked = [name for name in formats if FORMATS[name].parities]
    return not decode_card(bits, formats) and bool(decode_card(inverted, checked))


def decode_key(bits: CardBits) -> str | None:
    """The key a keypad burst of 4, 6 or 8 bits means (`0`-`9`, `*`, `#`), or None.

    6 bits: the key between an even parity over its first two bits and an odd one over its last two, each counted with
    its own bit. 8 bits: the complement of the key, then the key.
    """
    key = {4: bits.value, 6: bits.value >> 1 & 0xF, 8: bits.value & 0xF}.get(bits.bit_count)
    if key is None or key >= len(_KEYS):
        return None
    return _KEYS[key] if encode_key(_KEYS[key], bits.bit_count) == bits else None


def encode_key(key: str, bit_count: int) -> CardBits:
    """The burst a keypad sends for `key`, in 4, 6 or 8 bits."""
    value = _KEYS.index(key)
    if bit_count == 6:
        even = (value >> 2).bit_count() % 2
        odd = 1 - (value & 3).bit_count() % 2
        value = even << 5 | value << 1 | odd
    elif bit_count == 8:
        value |= (value ^ 0xF) << 4
    elif bit_count != 4:
        raise ValueError(f"keypads send 4, 6 or 8 bits a key, not {bit_count}")
    return CardBits(bit_count=bit_count, value=value)


def _mask(row: CardFormat, places: Iterable[int]) -> int:
    return sum(1 << row.bit_count - 1 - at for at in places)


def _ones(row: CardFormat, value: int, places: Iterable[int]) -> int:
    return (value & _mask(row, places)).bit_count()


def _read(row: CardFormat, span: Span, value: int) -> int:
    raw = value >> row.bit_count - 1 - span.last & (1 << span.last - span.first + 1) - 1
    return int(f"{raw:x}") if span.decimal else raw


def _place(row: CardFormat, span: Span, part: int, what: str) -> int:
    if not 0 <= part <= span.value_max:
        raise ValueError(f"the {what} of a {row.name} card is at most {span.value_max}")
    raw = int(str(part), 16) if span.decimal else part
    return raw << row.bit_count - 1 - span.last


def _fits(row: CardFormat, value: int) -> bool:
    if value >> row.bit_count or any(_read(row, span, value) != fixed for span, fixed in row.fixed):
        return False
    if row.number.decimal and any(
        value >> row.bit_count - 4 - at & 0xF > 9 for at in range(row.number.first, row.number.last, 4)
    ):
        return False
    return all(_ones(row, value, (parity.at, *parity.covers)) % 2 == parity.odd for parity in row.parities)


def _read_number(row: CardFormat, value: int) -> CardNumber:
    number = _read(row, row.number, value)
    if row.issue is not None:
        number += row.issue_step * _read(row, row.issue, value)
    facility = None if row.facility is None else _read(row, row.facility, value)
    return CardNumber(format=row.name, facility=facility, number=number)
