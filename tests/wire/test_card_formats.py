"""Card layouts against vectors computed elsewhere, and the promises of parity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secd.model.secret import CardBits, CardNumber
from secd.wire.wiegand import FORMATS, CardFormat, decode_card, decode_key, encode_card, encode_key, looks_inverted

GOLDEN = [
    ("H10301", 123, 4567, 26, 0x2F623AE),
    ("H10306", 1234, 45678, 34, 0x209A564DC),
    ("C1k35", 1234, 567890, 35, 0x69A5154A4),
    ("H10302", None, 12345678901, 37, 0x15BFB8386A),
    ("H10304", 1234, 456789, 37, 0x104D2DF0AB),
    ("C1k48", 123456, 1234567, 48, 0x01E24025AD0E),
]
"""Computed from the public rules, apart from this code."""

WRITTEN_OUT = [
    ("Indala26", 0xABC, 0x123, "11010101111000001001000111"),
    ("ATSW30", 0xABC, 0x1234, "110101011110000010010001101000"),
    ("Plain32", None, 0xDEADBEEF, "11011110101011011011111011101111"),
    ("WIE32", 0xABC, 0x1234, "00001010101111000001001000110100"),
    ("Kastle32", 0x5A, 3_01234, "11000110101101000000100110100100"),
    ("D10202", 0x55, 0x123456, "010101010001001000110100010101100"),
    ("BQT34", 0x5A, 0x123456, "0010110100001001000110100010101100"),
    ("H10320", None, 12345678, "000100100011010001010110011110001100"),
    ("S12906", 0x5A, 2_00001234, "001011010100000000000000100110100100"),
    ("P10001", 0xABC, 0x1234, "1111101010111100000100100011010001100000"),
]
"""Laid out by hand from the makers' sheets: first bit on the wire first, parities counted on paper."""


def a_number_of(row: CardFormat) -> st.SearchStrategy[CardNumber]:
    issues = st.integers(0, row.issue.value_max if row.issue else 0)
    facilities = st.integers(0, row.facility.value_max) if row.facility else st.none()
    numbers = st.builds(
        lambda issue, number: issue * row.issue_step + number, issues, st.integers(0, row.number.value_max)
    )
    return st.builds(CardNumber, format=st.just(row.name), facility=facilities, number=numbers)


CARDS = st.sampled_from(sorted(FORMATS)).flatmap(lambda name: a_number_of(FORMATS[name]))


@pytest.mark.parametrize(("name", "facility", "number", "bit_count", "value"), GOLDEN)
def test_published_vectors_encode_and_decode(
    name: str, facility: int | None, number: int, bit_count: int, value: int
) -> None:
    card, bits = CardNumber(format=name, facility=facility, number=number), CardBits(bit_count=bit_count, value=value)
    assert encode_card(card) == bits
    assert decode_card(bits, [name]) == (card,)


@pytest.mark.parametrize(("name", "facility", "number", "bits"), WRITTEN_OUT)
def test_layouts_match_bits_written_out_by_hand(name: str, facility: int | None, number: int, bits: str) -> None:
    card = CardNumber(format=name, facility=facility, number=number)
    sent = encode_card(card)
    assert f"{sent.value:0{sent.bit_count}b}" == bits
    assert decode_card(sent, [name]) == (card,)


def test_every_row_of_the_table_has_a_fixed_vector() -> None:
    assert {row[0] for row in GOLDEN} | {row[0] for row in WRITTEN_OUT} == set(FORMATS)


@given(CARDS)
def test_what_is_encoded_decodes_to_itself(card: CardNumber) -> None:
    assert decode_card(encode_card(card), [card.format]) == (card,)


@given(CARDS, st.data())
def test_a_flipped_bit_under_parity_is_never_a_good_card(card: CardNumber, data: st.DataObject) -> None:
    row, bits = FORMATS[card.format], encode_card(card)
    covered = sorted({at for parity in row.parities for at in (parity.at, *parity.covers)})
    if covered:
        at = data.draw(st.sampled_from(covered))
        flipped = CardBits(bit_count=bits.bit_count, value=bits.value ^ 1 << bits.bit_count - 1 - at)
        assert decode_card(flipped, [card.format]) == ()


@given(CARDS, st.data())
def test_a_flipped_bit_is_never_the_same_card(card: CardNumber, data: st.DataObject) -> None:
    bits = encode_card(card)
    at = data.draw(st.integers(0, bits.bit_count - 1))
    flipped = CardBits(bit_count=bits.bit_count, value=bits.value ^ 1 << at)
    assert card not in decode_card(flipped, [card.format])


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_bit_of_a_format_with_parity_is_covered(name: str) -> None:
    row = FORMATS[name]
    covered = {at for parity in row.parities for at in (parity.at, *parity.covers)}
    assert not row.parities or covered == set(range(row.bit_count))


@given(
    st.integers(0, 256).flatmap(lambda n: st.builds(CardBits, bit_count=st.just(n), value=st.integers(0, (1 << n) - 1)))
)
def test_any_bits_decode_to_what_encodes_back_to_them(bits: CardBits) -> None:
    for card in decode_card(bits, FORMATS):
        assert encode_card(card) == bits


def test_a_read_that_fits_two_formats_has_both_answers_in_the_configured_order() -> None:
    bits = encode_card(CardNumber(format="H10304", facility=1234, number=456789))
    assert [card.format for card in decode_card(bits, ["H10302", "H10304"])] == ["H10302", "H10304"]
    assert [card.format for card in decode_card(bits, ["H10304", "H10302"])] == ["H10304", "H10302"]
    assert decode_card(bits, ["H10301"]) == ()


def test_the_same_number_of_another_issue_is_another_card() -> None:
    first = CardNumber(format="S12906", facility=90, number=1234)
    second = CardNumber(format="S12906", facility=90, number=1_00001234)
    assert encode_card(first) != encode_card(second)


def test_a_digit_above_nine_is_no_decimal_card() -> None:
    good = encode_card(CardNumber(format="H10320", facility=None, number=90000000))
    nine_to_fifteen = good.value ^ 0b0110 << 32 ^ 0b0110  # columns 1 and 2 flip with their parities
    assert decode_card(good, ["H10320"])
    assert decode_card(CardBits(bit_count=36, value=nine_to_fifteen), ["H10320"]) == ()


@pytest.mark.parametrize(
    ("card", "wrong"),
    [
        (CardNumber(format="H10301", facility=256, number=1), "facility code of a H10301 card is at most 255"),
        (CardNumber(format="H10301", facility=1, number=65536), "number of a H10301 card is at most 65535"),
        (CardNumber(format="H10301", facility=None, number=1), "H10301 has a facility code"),
        (CardNumber(format="H10302", facility=1, number=1), "H10302 has no facility code"),
        (CardNumber(format="H10320", facility=None, number=100000000), "number of a H10320 card is at most 99999999"),
        (CardNumber(format="Kastle32", facility=1, number=32_00001), "issue level of a Kastle32 card is at most 31"),
        (CardNumber(format="H1", facility=1, number=1), "H1 is not a card format"),
    ],
)
def test_a_number_that_does_not_fit_is_refused_and_told_why(card: CardNumber, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        encode_card(card)


def test_swapped_data_wires_are_noticed() -> None:
    good = encode_card(CardNumber(format="H10301", facility=12, number=1001))
    swapped = CardBits(bit_count=26, value=good.value ^ (1 << 26) - 1)
    assert looks_inverted(swapped, ["H10301", "C1k35"])
    assert not looks_inverted(good, ["H10301", "C1k35"])
    assert not looks_inverted(CardBits(bit_count=26, value=good.value ^ 1), ["H10301"])


def test_a_format_without_parity_proves_nothing_about_swapped_wires() -> None:
    assert not looks_inverted(CardBits(bit_count=32, value=1), ["WIE32", "Plain32"])


@pytest.mark.parametrize("bit_count", [4, 6, 8])
@pytest.mark.parametrize("key", "0123456789*#")
def test_keypad_bursts_come_back_as_their_key(key: str, bit_count: int) -> None:
    assert decode_key(encode_key(key, bit_count)) == key


@pytest.mark.parametrize(("key", "burst"), [("1", 0xE1), ("7", 0x87), ("9", 0x69), ("*", 0x5A), ("#", 0x4B)])
def test_eight_bit_bursts_carry_the_complement_first(key: str, burst: int) -> None:
    assert encode_key(key, 8) == CardBits(bit_count=8, value=burst)


@pytest.mark.parametrize(("bit_count", "value"), [(4, 12), (8, 0x11), (8, 0x3C), (6, 0b100000), (26, 1), (0, 0)])
def test_a_burst_that_is_no_key_is_none(bit_count: int, value: int) -> None:
    assert decode_key(CardBits(bit_count=bit_count, value=value)) is None


def test_card_numbers_print_masked() -> None:
    bits = encode_card(CardNumber(format="H10301", facility=123, number=14567))
    (card,) = decode_card(bits, ["H10301"])
    assert "14567" not in repr(card)
    assert str(bits.value) not in repr(bits)
