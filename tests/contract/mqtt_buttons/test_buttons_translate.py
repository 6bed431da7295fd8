"""What a gateway's messages say, without a broker."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secd.drivers.mqtt_buttons.translate import CheckIn, Malformed, Press, read_message
from secd.model.facts import PressKind

BASE = "buttons/courthouse"


def read(part: str, body: object, button: str = "badge-1") -> Press | CheckIn | Malformed | None:
    return read_message(BASE, f"{BASE}/{button}/{part}", json.dumps(body).encode())


def test_a_press_says_its_kind_count_id_and_time() -> None:
    said = read("press", {"press": "lockdown", "presses": 3, "press_id": "p1", "sent": "2026-11-21T17:59:04Z"})
    assert said == Press(
        button="badge-1",
        press=PressKind.LOCKDOWN,
        presses=3,
        press_id="p1",
        sent=datetime(2026, 11, 21, 17, 59, 4, tzinfo=UTC),
    )


def test_a_check_in_says_battery_and_tamper() -> None:
    assert read("state", {"battery": 17, "tampered": True}) == CheckIn(
        button="badge-1", battery_percent=17, tampered=True
    )


def test_a_press_needs_nothing_but_its_kind() -> None:
    assert read("press", {"press": "help"}) == Press(button="badge-1", press=PressKind.HELP)


@pytest.mark.parametrize(
    "extra",
    [
        {"presses": 0},
        {"presses": True},
        {"presses": 10**30},
        {"press_id": 7},
        {"press_id": "x" * 81},
        {"sent": "yesterday"},
        {"sent": "2026-11-21T17:59:04"},
        {"sent": ["2026"]},
    ],
)
def test_s15_a_press_with_a_flaw_is_still_a_press(extra: dict[str, object]) -> None:
    said = read("press", {"press": "help"} | extra)
    assert isinstance(said, Press)
    assert len(said.flaws) == 1


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (f"{BASE}/badge-1/press", b"{"),
        (f"{BASE}/badge-1/press", b"\xff\xfe"),
        (f"{BASE}/badge-1/press", b"[]"),
        (f"{BASE}/badge-1/press", b'{"press": "fire"}'),
        (f"{BASE}/badge-1/press", b'{"press": ["help"]}'),
        (f"{BASE}/badge-1/press", b'{"press": "help"' + b" " * 5000 + b"}"),
        (f"{BASE}/badge-1/press", b"[" * 4000),
        (f"{BASE}/badge-1/state", b'{"tampered": 1}'),
        (f"{BASE}/badge-1/other", b'{"press": "help"}'),
        (f"{BASE}/-/press", b'{"press": "help"}'),
        (f"{BASE}/" + "b" * 65 + "/press", b'{"press": "help"}'),
    ],
)
def test_what_is_neither_press_nor_check_in_is_malformed(topic: str, payload: bytes) -> None:
    assert isinstance(read_message(BASE, topic, payload), Malformed)


def test_an_empty_message_only_clears_what_was_retained() -> None:
    assert read_message(BASE, f"{BASE}/badge-1/press", b"") is None


@given(st.binary(max_size=200), st.sampled_from(["press", "state", "", "a/b"]), st.text(max_size=70))
def test_any_bytes_on_any_topic_are_read_without_an_error(payload: bytes, part: str, button: str) -> None:
    read_message(BASE, f"{BASE}/{button}/{part}", payload)


@given(
    st.dictionaries(
        st.sampled_from(["press", "presses", "press_id", "sent", "battery", "tampered"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=3),
            max_leaves=5,
        ),
    )
)
def test_any_json_object_is_read_without_an_error(body: dict[str, object]) -> None:
    read("press", body)
    read("state", body)
