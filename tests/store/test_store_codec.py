"""Every kind of event, and alarms, orders and entries, come back from their bytes as they were."""

import dataclasses
import types
import typing
from datetime import UTC, datetime
from enum import Enum

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_entries import an_entry, an_event

from secd.model.alarm import Alarm
from secd.model.errors import Fault
from secd.model.event import KINDS, Event
from secd.model.facts import FACTS, CardRead
from secd.model.order import Order
from secd.model.secret import CardBits
from secd.store import codec

NINETIES, LATER = (datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (1990, 2200))
MOMENTS = st.datetimes(min_value=NINETIES, max_value=LATER, timezones=st.just(UTC))
SIMPLE: dict[object, st.SearchStrategy[object]] = {
    str: st.text(max_size=12),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    datetime: MOMENTS,
    type(None): st.none(),
}


def values(shape: object) -> st.SearchStrategy[typing.Any]:
    """Any value of a type of the vocabulary."""
    if shape in SIMPLE:
        return SIMPLE[shape]
    if isinstance(shape, typing.NewType):
        return values(shape.__supertype__)
    origin, inner = typing.get_origin(shape), typing.get_args(shape)
    if origin in {typing.Union, types.UnionType}:
        return st.one_of(*map(values, inner))
    if origin is tuple and inner[-1] is Ellipsis:
        return st.lists(values(inner[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, inner))
    if origin is dict:
        return st.dictionaries(values(inner[0]), values(inner[1]), max_size=3)
    if isinstance(shape, type) and issubclass(shape, Enum):
        return st.sampled_from(shape)
    hints = typing.get_type_hints(shape)
    assert isinstance(shape, type)
    assert dataclasses.is_dataclass(shape)
    return st.builds(shape, **{field.name: values(hints[field.name]) for field in dataclasses.fields(shape)})


def events(kind: str) -> st.SearchStrategy[Event]:
    hints = typing.get_type_hints(Event)
    fields = {name: values(hint) for name, hint in hints.items() if name not in {"kind", "fact"}}
    return st.builds(Event, kind=st.just(kind), fact=values(KINDS[kind].fact), **fields)


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_kind_of_event_comes_back_from_its_bytes(kind: str, data: st.DataObject) -> None:
    event = data.draw(events(kind))
    assert codec.decode_event(codec.encode_event(event)) == event


@settings(max_examples=50, deadline=None)
@given(alarm=values(Alarm), order=values(Order))
def test_alarms_and_orders_come_back_from_their_bytes(alarm: Alarm, order: Order) -> None:
    assert codec.decode_alarm(codec.encode_json(alarm)) == alarm
    assert codec.decode_order(codec.encode_order(order)) == order


def test_the_same_event_has_the_same_bytes_whatever_the_order_of_its_words() -> None:
    given_words = FACTS["CommandGiven"](verb="unlock", target="east", reason="r", args={"b": "2", "a": "1"})
    other_words = FACTS["CommandGiven"](verb="unlock", target="east", reason="r", args={"a": "1", "b": "2"})
    event = an_event("operator.commanded", given_words)
    assert codec.encode_event(event) == codec.encode_event(dataclasses.replace(event, fact=other_words))


def test_s21_a_raw_card_read_cannot_be_encoded() -> None:
    with pytest.raises(Fault, match="raw card read"):
        codec.encode_event(an_event("access.requested", CardRead(reader=1, bits=CardBits(bit_count=26, value=123))))


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"\xff", b'{"id":1}', b"[" * 2000], ids=["empty", "hollow", "binary", "wrong", "deep"]
)
def test_bytes_that_are_no_event_are_a_fault_and_nothing_else(raw: bytes) -> None:
    with pytest.raises(Fault):
        codec.decode_event(raw)


def test_a_spooled_entry_comes_back_and_a_torn_one_is_a_fault() -> None:
    entry = an_entry(cursor=3)
    line = codec.encode_entry(entry)
    assert codec.decode_entry(line) == entry
    with pytest.raises(Fault):
        codec.decode_entry(line[:-5])
