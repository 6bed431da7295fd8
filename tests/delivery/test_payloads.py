"""The bytes a station sees."""

import json
from dataclasses import replace
from typing import Any

import pytest
from delivery_builders import ACTUAL_SITE, SITE, START, a_row, an_alarm, an_event, moved
from hypothesis import given
from hypothesis import strategies as st

from secd.delivery.mqtt.payloads import (
    PAYLOAD_BYTES_MAX,
    Voice,
    alarm_object,
    heartbeat_message,
    journal_message,
    status_message,
    summary_message,
)
from secd.delivery.mqtt.topics import Topics, station_of
from secd.model.alarm import AlarmMode
from secd.model.event import Stream
from secd.model.facts import AccessDecided, CardPresented, DoorFinding, InputState, PointChanged
from secd.model.names import Digest, HolderId, RuleId

VOICE = Voice(site=SITE, epoch="01JEPOCH")
ACTUAL = Voice(site=ACTUAL_SITE, epoch="01JEPOCH")

GOLDEN_ALARM_ROW = (
    b'{"specversion":"1.0","id":"E1.1","source":"/secd/county-a","type":"secd.alarm.raised.v1",'
    b'"subject":"courthouse/alarm/A1","time":"2026-11-21T17:59:04.123Z","datacontenttype":"application/json",'
    b'"epoch":"01JEPOCH","mode":"actual","sequence":"00000000000000004711","stream":"courthouse/alarm","replay":false,'
    b'"data":{"alarm_id":"A1","rev":1,"kind":"panic","rule":"courtroom-duress","silent":true,"priority":1,'
    b'"state":"active_unacked","condition":"active","acknowledgement":"unacked","closed":false,"latched":true,'
    b'"occurrences":1,"press":"help","site":"courthouse","area":"courtroom-a","point":"bench-a",'
    b'"point_label":"Bench, courtroom A","occurred":"2026-11-21T17:59:04.123Z","detected":"2026-11-21T17:59:04.163Z",'
    b'"last":"2026-11-21T17:59:04.123Z","cause":"E1","sop":"courtroom-duress","cameras":["courtroom-a-cam"],'
    b'"received_by":[],"acked_by":"","acked_at":null,"reason":"","transition":"raised","by":"","note":"",'
    b'"stored":"2026-11-21T17:59:04.213Z"}}'
)
GOLDEN_DOOR_ROW = (
    b'{"specversion":"1.0","id":"E9","source":"/secd/county-a","type":"secd.door.opened.v1",'
    b'"subject":"courthouse/east-entrance","time":"2026-11-21T17:59:04.123Z","datacontenttype":"application/json",'
    b'"epoch":"01JEPOCH","mode":"simulated","sequence":"00000000000000000012","stream":"courthouse/event","replay":false,'
    b'"data":{"subject":"east-entrance","area":"courtroom-a","source":"panic-panel",'
    b'"occurred":"2026-11-21T17:59:04.123Z","detected":"2026-11-21T17:59:04.163Z","stored":"2026-11-21T17:59:04.213Z",'
    b'"late":false,"cause":null,"author":"",'
    b'"fact":{"point":"input/3","state":"active","activations":0,"initial":false}}}'
)
GOLDEN_STATUS = (
    b'{"specversion":"1.0","id":"01JS.online","source":"/secd/county-a","type":"secd.status.v1",'
    b'"subject":"courthouse/status","time":"2026-11-21T17:59:04.123Z","datacontenttype":"application/json",'
    b'"epoch":"01JEPOCH","mode":"simulated",'
    b'"data":{"state":"online","boot":"01JB","session":"01JS","high":{"alarm":7,"event":0,"health":0}}}'
)


def data(message: bytes) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(message)["data"]
    return body


def test_an_alarm_row_is_these_bytes() -> None:
    alarm = an_alarm()
    assert journal_message(ACTUAL, a_row(4711, moved(alarm, "E1.1"), alarm)) == GOLDEN_ALARM_ROW


def test_a_door_row_is_these_bytes() -> None:
    event = an_event("E9", "door.opened", PointChanged(point="input/3", state=InputState.ACTIVE), "east-entrance")
    assert journal_message(VOICE, a_row(12, event)) == GOLDEN_DOOR_ROW


def test_a_status_is_these_bytes() -> None:
    assert status_message(VOICE, "01JS", START, state="online", boot="01JB", high={Stream.ALARM: 7}) == GOLDEN_STATUS


def test_a_heartbeat_carries_every_stream() -> None:
    body = data(heartbeat_message(VOICE, "h", START, boot="b", high={Stream.ALARM: 7, Stream.EVENT: 9}, sent={}))
    assert body["high"] == {"alarm": 7, "event": 9, "health": 0}
    assert body["sent"] == {"alarm": 0, "event": 0, "health": 0}


def test_an_alarm_object_carries_its_revision_and_no_sequence() -> None:
    message = json.loads(alarm_object(VOICE, an_alarm(rev=3)))
    assert (message["data"]["alarm_id"], message["data"]["rev"]) == ("A1", 3)
    assert "sequence" not in message
    assert message["id"] == "A1.3"


@pytest.mark.parametrize("mode", list(AlarmMode))
def test_a_simulated_site_never_says_actual(mode: AlarmMode) -> None:
    alarm = an_alarm(mode=mode)
    for message in (alarm_object(VOICE, alarm), journal_message(VOICE, a_row(1, moved(alarm, "E"), alarm))):
        assert b'"mode":"actual"' not in message


def test_a_drill_on_an_actual_site_says_drill() -> None:
    assert json.loads(alarm_object(ACTUAL, an_alarm(mode=AlarmMode.DRILL)))["mode"] == "drill"


def test_s21_keyed_hashes_never_leave_and_names_only_where_people_are_named() -> None:
    card = CardPresented(door="d", reader="r", bit_count=26, keys=(("H10301", "ab" * 32),), masked="••••1001")
    decided = AccessDecided(
        door="d", holder=HolderId("clerk-rivera"), reason="", rule=RuleId("r"), policy=Digest("0"), masked="••••1001"
    )
    named = replace(VOICE, name_people=True)
    for voice in (VOICE, named):
        assert b"abab" not in journal_message(voice, a_row(1, an_event("E", "access.requested", card)))
    granted = a_row(2, an_event("E", "access.granted", decided))
    assert b"rivera" not in journal_message(VOICE, granted)
    assert b"1001" not in journal_message(VOICE, granted)
    assert b"rivera" in journal_message(named, granted)


def test_a_message_too_long_is_cut_and_says_so() -> None:
    alarm = an_alarm(label="x" * 30_000, reason="y" * 30_000)
    message = alarm_object(VOICE, alarm)
    assert len(message) <= PAYLOAD_BYTES_MAX
    assert data(message)["truncated"] is True
    assert data(message)["alarm_id"] == "A1"


@given(st.text(max_size=400), st.integers(1, 3000), st.lists(st.text(max_size=3000), max_size=60))
def test_no_message_is_ever_longer_than_16_kib(text: str, times: int, cameras: list[str]) -> None:
    alarm = an_alarm(reason=text * times, cameras=tuple(cameras), received_by=tuple(cameras), point=text * times)
    finding = an_event("E", "door.forced_open", DoorFinding(door=text, why=text * times), text * times)
    for message in (alarm_object(VOICE, alarm), journal_message(VOICE, a_row(1, finding))):
        assert len(message) <= PAYLOAD_BYTES_MAX
        assert json.loads(message)["specversion"] == "1.0"


def test_a_summary_of_very_many_alarms_keeps_the_most_urgent_and_says_it_is_not_complete() -> None:
    alarms = [an_alarm(number, priority=1 if number == 999 else 3) for number in range(1000)]
    message = summary_message(VOICE, "s", START, alarms, as_of=7)
    body = data(message)
    assert len(message) <= PAYLOAD_BYTES_MAX
    assert body["open"][0] == {"alarm_id": "A999", "rev": 1}
    assert (body["open_count"], body["complete"], body["as_of"]) == (1000, False, {"alarm": 7})


def test_the_topic_tree_is_the_documented_one() -> None:
    topics = Topics(instance="county-a", site="courthouse")
    assert topics.status == "secd/1/county-a/status"
    assert topics.heartbeat == "secd/1/county-a/heartbeat"
    assert topics.alarm("A1") == "secd/1/county-a/alarm/courthouse/A1"
    assert topics.summary == "secd/1/county-a/summary/courthouse"
    assert topics.stream(Stream.HEALTH) == "secd/1/county-a/stream/courthouse/health"
    assert topics.reply("sheriff") == "secd/1/county-a/rsp/sheriff"
    assert topics.command("secd/1/county-a/cmd/sheriff/ack") == ("sheriff", "ack")
    assert topics.command("secd/1/county-a/cmd/sheriff/unlock") is None
    assert topics.alarm_id("secd/1/county-a/alarm/courthouse/A1") == "A1"
    assert station_of("secd/1/station/sheriff/status") == "sheriff"
    assert station_of("secd/1/station/a/b/status") is None
