"""What stations may ask, and everything they may not."""

import json
from datetime import timedelta
from typing import Any

import pytest
from delivery_builders import START
from hypothesis import given
from hypothesis import strategies as st

from secd.delivery.mqtt.commands import CommandDesk
from secd.delivery.mqtt.topics import Topics
from secd.model.entry import Answer
from secd.model.facts import CommandGiven
from secd.runtime.clock import ManualClock
from secd.runtime.mqtt import Received

TOPICS = Topics(instance="county-a", site="courthouse")


class Judge:
    """Takes commands as the engine would, and answers what it was told to."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.given: list[tuple[CommandGiven, str]] = []
        self.answer = answer or Answer(done=True)

    async def submit(self, command: CommandGiven, author: str) -> Answer:
        self.given.append((command, author))
        return self.answer


def desk(judge: Judge, clock: ManualClock | None = None) -> CommandDesk:
    return CommandDesk(topics=TOPICS, stations=["sheriff"], submit=judge.submit, clock=clock or ManualClock(START))


def command(verb: str, station: str = "sheriff", *, retained: bool = False, **body: Any) -> Received:
    head = {"cmd_id": "c1", "issued": START.isoformat(), "expires": (START + timedelta(seconds=10)).isoformat()}
    payload = json.dumps(head | body).encode()
    return Received(topic=f"secd/1/county-a/cmd/{station}/{verb}", payload=payload, retained=retained)


ACK = {"alarm_id": "A1", "rev": 2, "operator": "jones", "note": "on it"}


async def test_an_acknowledgement_is_put_to_the_judge_in_the_stations_name() -> None:
    judge = Judge()
    reply = await desk(judge).handle(command("ack", **ACK))
    assert judge.given == [
        (
            CommandGiven(
                verb="alarm.acknowledge",
                target="A1",
                reason="on it",
                args={"rev": "2", "station": "sheriff", "operator": "jones"},
            ),
            "station:sheriff",
        )
    ]
    assert reply is not None
    assert (reply.station, reply.body["accepted"], reply.body["cmd_id"]) == ("sheriff", True, "c1")


async def test_a_receipt_names_every_alarm_it_shows() -> None:
    judge = Judge()
    reply = await desk(judge).handle(command("receipt", alarms=[{"id": "A1", "rev": 1}, {"id": "A2", "rev": 4}]))
    assert [(given.verb, given.target, given.args["rev"]) for given, _ in judge.given] == [
        ("alarm.receive", "A1", "1"),
        ("alarm.receive", "A2", "4"),
    ]
    assert reply is not None
    assert [one["accepted"] for one in reply.body["alarms"]] == [True, True]


async def test_a_stale_revision_is_told_to_the_station() -> None:
    reply = await desk(Judge(Answer(done=False, code="stale_rev", detail="it escalated"))).handle(command("ack", **ACK))
    assert reply is not None
    assert (reply.body["accepted"], reply.body["code"]) == (False, "stale_rev")


async def test_a_judge_too_busy_for_one_receipt_is_not_asked_for_the_rest() -> None:
    judge = Judge(Answer(done=False, code="busy"))
    alarms = [{"id": f"A{number}", "rev": 1} for number in range(50)]
    reply = await desk(judge).handle(command("receipt", alarms=alarms))
    assert len(judge.given) == 1
    assert reply is not None
    assert len(reply.body["alarms"]) == 50


async def test_a_repeated_command_gets_the_first_answer_and_is_not_carried_out_again() -> None:
    judge = Judge()
    one = desk(judge)
    first = await one.handle(command("ack", **ACK))
    judge.answer = Answer(done=False, code="stale_rev")
    second = await one.handle(command("ack", **ACK))
    assert first == second
    assert len(judge.given) == 1


@pytest.mark.parametrize(
    ("received", "code"),
    [
        (command("ack", retained=True, **ACK), "retained"),
        (command("ack", alarm_id="A1"), "malformed"),
        (command("ack", alarm_id="A1", rev=0), "malformed"),
        (command("ack", alarm_id="A1", rev="2"), "malformed"),
        (command("ack", **ACK, cmd_id=""), "malformed"),
        (command("ack", **(ACK | {"note": "n" * 501})), "malformed"),
        (command("ack", **ACK, issued="2026-11-21T17:59:04"), "malformed"),
        (command("ack", **ACK, expires=(START + timedelta(seconds=40)).isoformat()), "lifetime"),
        (
            command("ack", **ACK, issued=(START - timedelta(seconds=20)).isoformat(), expires=START.isoformat()),
            "expired",
        ),
        (
            command(
                "ack",
                **ACK,
                issued=(START + timedelta(seconds=20)).isoformat(),
                expires=(START + timedelta(seconds=30)).isoformat(),
            ),
            "not_yet",
        ),
        (command("receipt", alarms=[{"id": "A", "rev": 1}] * 51), "malformed"),
        (Received(topic="secd/1/county-a/cmd/sheriff/ack", payload=b"[" * 10_000), "malformed"),
        (Received(topic="secd/1/county-a/cmd/sheriff/ack", payload=b"\xff"), "malformed"),
        (Received(topic="secd/1/county-a/cmd/sheriff/ack", payload=b" " * 20_000), "too_long"),
    ],
)
async def test_what_is_refused_never_reaches_the_judge(received: Received, code: str) -> None:
    judge = Judge()
    reply = await desk(judge).handle(received)
    assert reply is not None
    assert (reply.body["accepted"], reply.body["code"]) == (False, code)
    assert judge.given == []


@pytest.mark.parametrize("station", ["stranger", "", "+", "sheriff "])
async def test_a_station_that_is_not_configured_is_not_answered(station: str) -> None:
    judge = Judge()
    assert await desk(judge).handle(command("ack", station, **ACK)) is None
    assert judge.given == []


async def test_no_verb_of_a_station_opens_a_door() -> None:
    judge = Judge()
    for verb in ("release", "unlock", "set_level", "ack/x"):
        assert await desk(judge).handle(command(verb, **ACK)) is None
    assert judge.given == []


async def test_a_command_expires_while_it_waits() -> None:
    judge, clock = Judge(), ManualClock(START)
    one = desk(judge, clock)
    await clock.advance(11)
    reply = await one.handle(command("ack", **ACK))
    assert reply is not None
    assert reply.body["code"] == "expired"


@given(st.binary(max_size=300))
async def test_any_bytes_are_answered_with_a_refusal(payload: bytes) -> None:
    judge = Judge()
    reply = await desk(judge).handle(Received(topic="secd/1/county-a/cmd/sheriff/ack", payload=payload))
    assert reply is not None
    assert not reply.body["accepted"]


async def test_a_seal_that_is_broken_refuses_before_anything_is_read() -> None:
    class Nobody:
        def broken(self, station: str, received: Received) -> str:
            return "bad_signature"

    judge = Judge()
    sealed = CommandDesk(
        topics=TOPICS, stations=["sheriff"], submit=judge.submit, clock=ManualClock(START), seal=Nobody()
    )
    reply = await sealed.handle(command("ack", **ACK))
    assert reply is not None
    assert reply.body["code"] == "bad_signature"
    assert judge.given == []
