"""Cards are known by keyed hashes: the register meets the reader without a number being kept."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from secd.config.load import load_site
from secd.events.intake import Intake
from secd.holders.cards import CardKeys, build_people
from secd.holders.seal import Seal, SealBroken
from secd.holders.settings import SECTIONS
from secd.model.doors import Role
from secd.model.entry import Entry, Verdict
from secd.model.errors import ConfigError, Problem
from secd.model.facts import CardRead
from secd.model.names import DeviceId, Digest, GroupId, HolderId
from secd.model.observation import Observation
from secd.model.people import People, Standing
from secd.model.secret import CardBits, CardNumber, Secret
from secd.model.wiring import Placement, Wiring
from secd.runtime.clock import ManualClock
from secd.store import Store
from secd.wire.wiegand import FORMATS, encode_card

KEY = Secret("a site's card key, 32 characters")
EXAMPLE = Path(__file__).parents[2] / "config" / "people.yaml"
RIVERA = CardNumber(format="H10301", facility=12, number=1001)


def people_of(path: Path) -> tuple[People, CardKeys]:
    values = load_site(path, SECTIONS).values
    keys = CardKeys(values["card_formats"], KEY)
    return build_people(values["holders"], values["card_formats"], keys, "America/Chicago"), keys


def bytes_in(place: Path) -> bytes:
    return b"".join(file.read_bytes() for file in place.iterdir() if file.suffix != ".lock")


def problems_of(tmp_path: Path, text: str) -> list[Problem]:
    path = tmp_path / "people.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_site(path, SECTIONS)
    return list(caught.value.problems)


def test_the_example_sites_people_load_and_their_cards_are_met_by_the_reader() -> None:
    people, keys = people_of(EXAMPLE)
    presented = keys.present(encode_card(RIVERA))
    credential = people.credentials[presented.keys[0]]
    assert credential.holder == "clerk-rivera"
    assert people.holders[credential.holder].groups == {GroupId("clerks")}
    assert not presented.sealed


def test_a_corporate_card_of_35_bits_is_met_too() -> None:
    people, keys = people_of(EXAMPLE)
    presented = keys.present(encode_card(CardNumber(format="C1k35", facility=1234, number=567890)))
    assert people.credentials[presented.keys[0]].holder == "deputy-lindqvist"


def test_a_lost_card_and_a_dated_holder_are_kept_as_such_in_utc() -> None:
    people, keys = people_of(EXAMPLE)
    lost = keys.present(encode_card(CardNumber(format="H10301", facility=12, number=1007)))
    assert people.credentials[lost.keys[0]].standing is Standing.LOST
    intern = people.holders[HolderId("intern-park")]
    assert (intern.valid_from, intern.valid_until) == (
        datetime(2026, 9, 1, 5, tzinfo=UTC), datetime(2026, 12, 31, 6, tzinfo=UTC)
    )  # fmt: skip


def test_formats_are_tried_in_the_order_of_the_site() -> None:
    bits = encode_card(CardNumber(format="H10302", facility=None, number=5))
    both = CardKeys(["H10304", "H10302"], KEY).present(bits)
    assert [name for name, _ in both.keys] == ["H10304", "H10302"]


def test_a_key_depends_on_format_facility_number_and_secret() -> None:
    keys, others = CardKeys(["H10301"], KEY), CardKeys(["H10301"], Secret("another"))
    cards = [
        RIVERA,
        CardNumber(format="H10301", facility=121, number=1),
        CardNumber(format="H10301", facility=1, number=11001),
    ]
    hashes = {*map(keys.key_of, cards), others.key_of(RIVERA)}
    assert len(hashes) == 4


def test_a_key_is_what_openssl_makes_of_the_same_text() -> None:
    """printf 'H10301|12|1001' | openssl dgst -sha256 -hmac KEY (OpenSSL 3)."""
    assert (
        CardKeys(["H10301"], KEY).key_of(RIVERA) == "95d668ab1c4c016f84ecc90839aa2155d2686f9d30d54729e42dd319cbea3825"
    )


def test_s21_a_read_of_no_known_format_is_sealed_and_opens_only_under_the_card_key() -> None:
    keys = CardKeys(["H10301"], KEY)
    unknown = CardBits(bit_count=26, value=encode_card(RIVERA).value ^ 1)
    presented = keys.present(unknown)
    assert presented.keys == ()
    assert keys.open_sealed(presented.sealed) == unknown
    with pytest.raises(SealBroken):
        CardKeys(["H10301"], Secret("another")).open_sealed(presented.sealed)


@settings(max_examples=100, deadline=None)
@given(bit_count=st.integers(1, 256), data=st.data())
def test_s21_sealed_reads_open_again_and_all_look_alike(bit_count: int, data: st.DataObject) -> None:
    bits = CardBits(bit_count=bit_count, value=data.draw(st.integers(0, 2**bit_count - 1)))
    seal = Seal(KEY)
    sealed = seal.seal(bits)
    assert seal.open(sealed) == bits
    assert len(sealed) == len(seal.seal(CardBits(bit_count=1, value=0)))
    assert seal.seal(bits) != sealed
    with pytest.raises(SealBroken):
        seal.open(sealed[:-1] + bytes([sealed[-1] ^ 1]))


async def test_s21_nothing_in_the_stored_bytes_contains_the_card_number(tmp_path: Path) -> None:
    clock, board = ManualClock(datetime(2026, 11, 21, 8, tzinfo=UTC)), DeviceId("board")
    wiring = Wiring(points={(board, "reader/1"): Placement(role=Role.READER, subject="east")})
    known = encode_card(CardNumber(format="H10301", facility=203, number=51977))
    unknown = CardBits(bit_count=26, value=known.value ^ 1)
    store = await Store.open(tmp_path / "events.db", site="s", clock=clock, on_trouble=lambda *_: None, ballast_bytes=0)
    intake = Intake(
        clock=clock,
        wiring=wiring,
        present_card=CardKeys(["H10301"], KEY).present,
        keep_sealed=lambda event_id, sealed: store.keep_sealed(event_id, sealed, clock.now().utc),
    )
    for bits in (known, unknown):
        read = Observation(device=board, fact=CardRead(reader=1, bits=bits), seen=clock.now())
        [event] = intake.accept(read)
        await store.append(Entry(event=event, verdict=Verdict(), policy=Digest("p")))
    await store.close()
    stored = bytes_in(tmp_path)
    assert event.id.encode() in stored
    for bits in (known, unknown):
        numbers = (51977, bits.value)
        assert not any(str(number).encode() in stored or f"{number:x}".encode() in stored for number in numbers)
        assert bits.value.to_bytes(4, "big") not in stored
    assert b"1977" not in event.fact.masked.encode()  # type: ignore[union-attr]


def test_s21_a_card_prints_without_its_number() -> None:
    holder = load_site(EXAMPLE, SECTIONS).values["holders"]["clerk-rivera"]
    assert "1001" not in repr(holder)


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        (
            ("card_formats: [H10301]\ngroups: {g: {}}\nholders:\n"
            "  a: {groups: [g], cards: [{format: H10301, facility: 1, number: 00007}]}\n"
            "  b: {groups: [g], cards: [{format: H10301, facility: 01, number: 7}]}\n"),
            "duplicate_card",
            "already a's",
        ),
        (
            ("card_formats: [H10301]\ngroups: {g: {}}\nholders:\n"
            "  a: {groups: [g], cards: [{format: H10301, facility: 1, number: 65536}]}\n"),
            "card_does_not_fit",
            "at most 65535",
        ),
        (
            ("card_formats: [H10301]\ngroups: {g: {}}\nholders:\n"
            "  a: {groups: [g], cards: [{format: H10301, number: 7}]}\n"),
            "card_does_not_fit",
            "facility",
        ),
        (
            ("card_formats: [H10301]\ngroups: {g: {}}\nholders:\n"
            "  a: {groups: [g], cards: [{format: C1k35, facility: 1, number: 7}]}\n"),
            "format_not_read",
            "not in card_formats",
        ),
        (
            "card_formats: [H10301, H10301]\ngroups: {g: {}}\nholders: {a: {groups: [g]}}\n",
            "format_twice",
            "twice",
        ),
        (
            ("card_formats: [H10301]\ngroups: {g: {}}\nholders:\n"
            "  a: {groups: [g], valid: {from: 2026-02-01, until: 2026-02-01}}\n"),
            "refused",
            "ends before it begins",
        ),
        (
            "card_formats: [H10301]\ngroups: {g: {}}\nholders:\n  a: {groups: [g], valid: {until: 2026-02-30}}\n",
            "",
            "",
        ),
        ("card_formats: [H10301]\ngroups: {clerks: {}}\nholders: {a: {groups: [clarks]}}\n", "unresolved", "clerks"),
        ("card_formats: [H99999]\ngroups: {g: {}}\nholders: {a: {groups: [g]}}\n", "", ""),
    ],
    ids=["duplicate", "too large", "no facility", "format not read", "format twice", "dates", "no such day", "group", "format"],
)  # fmt: skip
def test_a_mistake_about_people_is_said_at_its_place(tmp_path: Path, text: str, code: str, word: str) -> None:
    problems = [problem for problem in problems_of(tmp_path, text) if problem.severity == "error"]
    assert len(problems) == 1, problems
    assert problems[0].code == code or not code
    assert word in problems[0].message
    assert problems[0].line > 0


def test_s21_no_message_about_a_card_holds_its_number(tmp_path: Path) -> None:
    [problem] = problems_of(
        tmp_path,
        "card_formats: [H10301]\ngroups: {g: {}}\nholders:\n"
        "  a: {groups: [g], cards: [{format: H10301, facility: 1, number: 87654}]}\n",
    )
    assert "87654" not in problem.message + problem.expected


def test_every_format_of_the_table_can_be_used_by_a_site() -> None:
    assert CardKeys(list(FORMATS), KEY).present(CardBits(bit_count=26, value=0)).masked


def test_a_group_nobody_is_in_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_text("card_formats: [H10301]\ngroups: {g: {}, empty: {}}\nholders: {a: {groups: [g]}}\n")
    warnings = load_site(path, SECTIONS).warnings
    assert [(problem.code, problem.line) for problem in warnings] == [("empty_group", 2)]
