"""What the driver does with boards that break the rules: garbage, halves, other units, other makes, silence."""

import asyncio
import logging
from collections.abc import Callable

import pytest
from modbus_peers import (
    DEADLINE_S,
    Answer,
    HandFedBoard,
    Watch,
    cabled,
    card,
    exception,
    garbage,
    registers,
    settings,
    silence,
    watched,
)

from secd.model.errors import LinkLost, PeerViolation, Refused, SecdError
from secd.wire import door_controller as door
from secd.wire.registers import BoardInput
from simulators.door_controller.controller import DoorController
from simulators.faults import Cut, FaultyLink
from simulators.panic_panel.panel import PanicPanel
from simulators.spoils import Spoil, modbus_frames

GOOD = door.encode_status(door.DoorStatus(header=door.door_header(7)))


def altered(change: Callable[[bytes], bytes]) -> Answer:
    """The good answer, spoiled."""
    return lambda frame: change(registers(GOOD)(frame))


async def first_end(*answers: Answer, **written: object) -> BaseException:
    async with HandFedBoard(*answers) as peer:
        watch = Watch(settings(peer.port, timeout="100ms", **written))
        watch.start()
        try:
            return await watch.ended()
        finally:
            await watch.stop()


@pytest.mark.parametrize(
    ("answer", "kind", "wrong"),
    [
        (garbage, PeerViolation, "not Modbus"),
        (silence, LinkLost, "no answer from unit 1"),
        (altered(lambda frame: frame[: len(frame) // 2]), LinkLost, "no answer"),
        (altered(lambda frame: frame[:6] + b"\x09" + frame[7:]), PeerViolation, "unit 9 answered a request to unit 1"),
        (altered(lambda frame: b"\x30\x00" + frame[2:]), PeerViolation, "a request that was never sent"),
        (altered(lambda frame: frame[:7] + b"\x03" + frame[8:]), PeerViolation, "function 4 with function 3"),
        (altered(lambda frame: frame[:8] + b"\x02" + frame[9:]), PeerViolation, "byte count is wrong"),
        (altered(lambda frame: frame[:4] + b"\x00\x05" + frame[6:11]), PeerViolation, "it sent 5 bytes where 99"),
        (altered(lambda frame: frame[:4] + b"\xff\xff" + frame[6:]), PeerViolation, "it sent 65535 bytes where 99"),
        (altered(lambda frame: b"SSH-2.0-OpenSSH_9.9\r\n"), PeerViolation, "not Modbus"),
        (registers([0x1234, *GOOD[1:]]), Refused, r"this is an unknown product \(0x1234\), not a secd door controller"),
        (registers([GOOD[0], 0x0300, *GOOD[2:]]), Refused, "its register map is version 3.0"),
        (registers([0] * 48), Refused, "unknown product"),
        (registers([*GOOD[:17], 0x0004, *GOOD[18:]]), PeerViolation, "input 3: its latched bit does not agree"),
        (exception(1), Refused, r"it answers Modbus exception 1 \(illegal function\)"),
        (exception(2), Refused, "this is not a secd-door-controller"),
        (exception(4), LinkLost, r"it answers Modbus exception 4 \(server device failure\)"),
        (exception(11), LinkLost, "gateway target device failed to respond"),
        (exception(99), LinkLost, "not in the standard"),
    ],
)
async def test_a_first_answer_that_is_wrong_ends_the_run_and_says_why(
    answer: Answer, kind: type[SecdError], wrong: str
) -> None:
    error = await first_end(answer)
    assert type(error) is kind
    with pytest.raises(kind, match=wrong):
        raise error


async def test_nobody_listening_is_a_lost_link() -> None:
    async with HandFedBoard(silence) as peer:
        port = peer.port
    watch = Watch(settings(port))
    watch.start()
    assert isinstance(await watch.ended(), LinkLost)


async def test_a_request_to_the_wrong_unit_is_never_answered() -> None:
    async with DoorController(unit=2) as board:
        watch = Watch(settings(board.port, timeout="100ms"))
        watch.start()
        assert isinstance(await watch.ended(), LinkLost)
        assert watch.observations == []
        async with watched(settings(board.port, unit="2")) as right:
            assert right.observations


async def test_a_panic_panel_in_the_place_of_a_door_controller_is_refused_by_name() -> None:
    async with PanicPanel() as panel:
        watch = Watch(settings(panel.port))
        watch.start()
        error = await watch.ended()
    assert isinstance(error, Refused)
    assert str(error) == "this is secd panic panel, not a secd door controller"


async def test_a_door_controller_in_the_place_of_a_panic_panel_is_refused() -> None:
    async with DoorController() as board:
        watch = Watch(settings(board.port, profile="secd-panic-panel"))
        watch.start()
        assert isinstance(await watch.ended(), Refused)


async def test_two_missed_polls_are_not_an_outage() -> None:
    async with cabled(timeout="100ms") as (board, cable, watch):
        cable.spoil(Spoil.LOST, messages=2)
        asked = board.state()["requests"]
        async with asyncio.timeout(DEADLINE_S):
            await board.until(lambda: board.state()["requests"] > asked + 4)
        board.present_card(1, card(1))
        await watch.until(watch.reads)
        assert watch.reads()[0].after_gap is False


async def test_three_missed_polls_in_a_row_are() -> None:
    async with cabled(timeout="100ms") as (_, cable, watch):
        await cable.cut(Cut.SILENT)
        error = await watch.ended()
        assert isinstance(error, LinkLost)
        assert str(error).startswith("3 polls in a row failed: no answer from unit 1")


async def test_a_busy_board_is_a_missed_poll() -> None:
    busy = registers(GOOD)
    async with HandFedBoard(busy, exception(6), exception(6), busy, exception(6)) as peer:
        async with watched(settings(peer.port, timeout="100ms")) as watch:
            error = await watch.ended()
            assert "server device busy" in str(error)
        assert len(peer.requests) == 7


async def test_a_quiet_board_is_asked_one_thing_a_poll() -> None:
    quiet = door.encode_status(door.DoorStatus(header=door.door_header(7)))
    async with HandFedBoard(registers(quiet)) as peer:
        async with watched(settings(peer.port)):
            await peer.asked(10)
        assert {request[7:] for request in peer.requests} == {bytes((4, 0, 0, 0, door.STATUS_WORDS))}


async def test_a_closed_connection_is_an_outage_at_once() -> None:
    async with cabled() as (_, cable, watch):
        cable.reset()
        error = await watch.ended()
        assert isinstance(error, LinkLost)
        assert str(error) == "it closed the connection"


@pytest.mark.parametrize("spoil", [Spoil.TWICE, Spoil.SPLIT])
async def test_doubled_and_split_answers_do_no_harm(spoil: Spoil) -> None:
    async with cabled() as (board, cable, watch):
        cable.spoil(spoil, messages=5)
        board.present_card(1, card(1))
        await watch.until(watch.reads)
        board.present_card(1, card(2))
        await watch.until(lambda: len(watch.reads()) == 2)
        assert watch.sequences() == [1, 2]


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (Spoil.GARBAGE_BEFORE, PeerViolation),
        (Spoil.OTHER_UNIT, PeerViolation),
        (Spoil.OTHER_TRANSACTION, PeerViolation),
        (Spoil.HALF, LinkLost),
        (Spoil.FLOOD, SecdError),
    ],
)
async def test_a_spoiled_answer_in_the_middle_drops_the_link_and_a_new_run_goes_on(
    spoil: Spoil, kind: type[SecdError]
) -> None:
    async with DoorController() as board, FaultyLink(board.port, framing=modbus_frames) as cable:
        watch = Watch(settings(cable.port, timeout="100ms"))
        watch.start()
        await watch.up()
        cable.spoil(spoil, messages=3)
        assert isinstance(await watch.ended(), kind)
        await cable.restore()
        board.present_card(1, card(1))
        watch.start()
        await watch.until(watch.reads)
        assert watch.sequences() == [1]
        await watch.stop()


async def test_a_late_answer_is_not_taken_for_the_next_one() -> None:
    late: list[bytes] = []

    def held_back(frame: bytes) -> bytes:
        late.append(registers([*GOOD[:45], 0xF, 0, 0])(frame))
        return b""

    def both(frame: bytes) -> bytes:
        return late.pop() + registers(GOOD)(frame)

    good = registers(GOOD)
    async with (
        HandFedBoard(good, good, held_back, both, good) as peer,
        watched(settings(peer.port, timeout="100ms")) as watch,
    ):
        told = len(watch.observations)
        await peer.asked(8)
        assert watch.observations[told:] == []


async def test_a_stop_that_meets_an_answer_still_stops() -> None:
    async with HandFedBoard(registers(GOOD)) as peer:
        for _ in range(20):
            watch = Watch(settings(peer.port))
            watch.start()
            await watch.up()
            await peer.asked(len(peer.requests) + 1)
            async with asyncio.timeout(DEADLINE_S):
                await watch.stop()


async def test_counters_that_fall_without_a_restart_are_a_violation_and_forgotten() -> None:
    high = door.encode_status(
        door.DoorStatus(header=door.door_header(7), inputs=(BoardInput(activations=5), *(BoardInput(),) * 7))
    )
    async with HandFedBoard(registers(high), registers(GOOD)) as peer:
        watch = Watch(settings(peer.port))
        watch.start()
        error = await watch.ended()
        assert isinstance(error, PeerViolation)
        assert str(error) == "the counter of input 1 fell without a restart"
        watch.observations.clear()
        watch.start()
        await watch.up()
        await watch.stop()


async def test_no_log_line_holds_a_card_number_even_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with DoorController() as board, watched(settings(board.port)) as watch:
            board.present_card(1, card(0x2F623AE))
            await watch.until(watch.reads)
    text = caplog.text.lower().replace(" 0x", "").replace("\\x", "")
    assert "2f623ae" not in text
    assert "23ae" not in text
    assert str(0x2F623AE) not in text
