"""What devices say becomes events that are stamped, placed, named, and taken once."""

import pytest
from observations import (
    BOARD,
    CAMERA,
    CARD,
    COURT,
    LOBBY,
    PANEL,
    RADIO,
    START,
    WIRING,
    a_press,
    a_read,
    an_input,
    an_intake,
    an_observation,
)

from secd.events.kinds import levels_between
from secd.model.event import KINDS
from secd.model.facts import (
    ButtonState,
    CameraSaw,
    CardPresented,
    CommandGiven,
    DeviceTold,
    Fact,
    InputState,
    LinkChanged,
    OrderEnded,
    OutputRead,
    PanicPressed,
    PointChanged,
    PolicyActivated,
    TimerElapsed,
    Trouble,
)
from secd.model.names import DeviceId, Digest, OrderId
from secd.model.observation import DeviceCursor, Observation
from secd.model.people import PresentedCard
from secd.runtime.clock import ManualClock
from secd.store.codec import decode_event, encode_event

NORMAL, ACTIVE, CUT, SHORT, UNKNOWN = InputState
SECD = DeviceId("secd")


def kinds(*observations: Observation, **options: object) -> list[str]:
    intake = an_intake(**options)  # type: ignore[arg-type]
    return [event.kind for observation in observations for event in intake.accept(observation)]


@pytest.mark.parametrize(
    ("point", "state", "kind"),
    [
        ("input/3", ACTIVE, "door.opened"),
        ("input/3", NORMAL, "door.closed"),
        ("input/1", ACTIVE, "door.closed"),
        ("input/1", NORMAL, "door.opened"),
        ("input/1", CUT, "door.contact_faulted"),
        ("input/3", UNKNOWN, "door.contact_faulted"),
        ("input/2", ACTIVE, "exit.requested"),
        ("input/2", NORMAL, "exit.ended"),
        ("input/2", SHORT, "exit.input_faulted"),
        ("input/4", ACTIVE, "door.bolt_withdrawn"),
        ("input/4", NORMAL, "door.bolt_thrown"),
        ("tamper", ACTIVE, "device.tampered"),
        ("tamper", CUT, "device.tampered"),
        ("tamper", NORMAL, "device.tamper_restored"),
        ("supply", ACTIVE, "power.failed"),
        ("supply", NORMAL, "power.restored"),
        ("supply", CUT, "power.input_faulted"),
    ],
)
def test_an_inputs_level_is_named_by_its_role_and_polarity(point: str, state: InputState, kind: str) -> None:
    [event] = an_intake().accept(an_input(point, state))
    assert (event.kind, event.subject, event.area, event.source) == (kind, "east", LOBBY, BOARD)


@pytest.mark.parametrize(
    ("device", "fact", "kind", "subject"),
    [
        (BOARD, OutputRead(output=1, energised=True), "door.lock_energised", "east"),
        (BOARD, OutputRead(output=1, energised=False), "door.lock_deenergised", "east"),
        (CAMERA, CameraSaw(what="motion", active=True), "camera.motion_started", "east-cam"),
        (CAMERA, CameraSaw(what="motion", active=False), "camera.motion_stopped", "east-cam"),
        (CAMERA, CameraSaw(what="tamper", active=True), "camera.tampered", "east-cam"),
        (CAMERA, CameraSaw(what="digital_input", active=False), "camera.input_restored", "east-cam"),
        (BOARD, LinkChanged(up=False), "device.went_offline", "board"),
        (CAMERA, LinkChanged(up=True), "device.came_back", "east-cam"),
        (BOARD, DeviceTold(what="restarted"), "device.restarted", "board"),
        (BOARD, DeviceTold(what="reads_lost", count=3), "device.reads_lost", "board"),
        (BOARD, DeviceTold(what="refused"), "device.refused", "board"),
        (BOARD, DeviceTold(what="watchdog_tripped"), "device.watchdog_tripped", "board"),
        (BOARD, DeviceTold(what="babbled"), "device.misbehaved", "board"),
        (BOARD, DeviceTold(what="clock_off"), "device.clock_off", "board"),
        (BOARD, DeviceTold(what="no_events"), "device.limited", "board"),
        (SECD, OrderEnded(order=OrderId("o"), act="ReleaseDoor", result="done"), "order.done", "o"),
        (SECD, OrderEnded(order=OrderId("o"), act="ReleaseDoor", result="abandoned"), "order.abandoned", "o"),
        (
            CAMERA,
            OrderEnded(order=OrderId("o"), act="TakeSnapshot", result="done"),
            "camera.snapshot_taken",
            "east-cam",
        ),
        (CAMERA, OrderEnded(order=OrderId("o"), act="TakeSnapshot", result="failed"), "order.failed", "east-cam"),
        (SECD, CommandGiven(verb="unlock", target="east", reason="r"), "operator.commanded", "east"),
        (SECD, TimerElapsed(key="door/east/held", due_mono_s=1), "timer.elapsed", "door/east/held"),
        (SECD, PolicyActivated(digest=Digest("d")), "policy.activated", "policy"),
        (RADIO, PanicPressed(point="badge-1", press=a_press().fact.press), "panic.pressed", "bailiff-1"),  # type: ignore[union-attr]
    ],
)
def test_every_fact_has_its_event(device: DeviceId, fact: Fact, kind: str, subject: str) -> None:
    [event] = an_intake().accept(an_observation(device, fact))
    assert (event.kind, event.subject, event.fact) == (kind, subject, fact)
    assert isinstance(event.fact, KINDS[kind].fact)


def test_what_names_its_event_outright_is_taken_at_its_word_and_no_further() -> None:
    lost = an_observation(SECD, Trouble(what="no broker", where="mqtt"), kind="broker.lost")
    refused = an_observation(SECD, CommandGiven(verb="v", target="t", reason="r"), kind="operator.refused", author="op")
    wrong = an_observation(SECD, Trouble(what="w"), kind="door.opened")
    unheard_of = an_observation(SECD, Trouble(what="w"), kind="door.exploded")
    nameless = an_observation(SECD, Trouble(what="w"))
    assert kinds(lost, refused, wrong, unheard_of, nameless) == ["broker.lost", "operator.refused"]
    assert an_intake().accept(refused)[0].author == "op"


@pytest.mark.parametrize(
    ("before", "now", "edges", "inverted", "levels"),
    [
        (NORMAL, ACTIVE, 1, False, (ACTIVE,)),
        (NORMAL, ACTIVE, 0, False, (ACTIVE,)),
        (ACTIVE, NORMAL, 0, False, (NORMAL,)),
        (NORMAL, NORMAL, 1, False, (ACTIVE, NORMAL)),
        (None, NORMAL, 1, False, (ACTIVE, NORMAL)),
        (ACTIVE, ACTIVE, 1, False, (NORMAL, ACTIVE)),
        (NORMAL, ACTIVE, 2, False, (ACTIVE, NORMAL, ACTIVE)),
        (ACTIVE, ACTIVE, 1, True, (NORMAL, ACTIVE)),
        (None, ACTIVE, 1, True, (NORMAL, ACTIVE)),
        (ACTIVE, NORMAL, 1, True, (NORMAL, ACTIVE, NORMAL)),
        (NORMAL, CUT, 1, False, (ACTIVE, CUT)),
        (ACTIVE, CUT, 1, True, (NORMAL, ACTIVE, CUT)),
    ],
)
def test_the_levels_between_two_reports(
    before: InputState | None, now: InputState, edges: int, inverted: bool, levels: tuple[InputState, ...]
) -> None:
    assert levels_between(before, now, edges, inverted=inverted) == levels


@pytest.mark.parametrize("edges", [3, 8])
def test_s11_a_press_shorter_than_the_poll_is_an_activation_with_its_count(edges: int) -> None:
    events = an_intake().accept(an_input("input/1", NORMAL, edges, device=PANEL))
    assert [event.kind for event in events] == ["panic.activated", "panic.restored"]
    assert events[0].fact == PointChanged(point="input/1", state=ACTIVE, activations=edges)


def test_s11_a_panic_point_found_active_is_an_activation() -> None:
    assert kinds(an_input("input/1", ACTIVE, device=PANEL, initial=True)) == ["panic.activated"]


def test_s11_a_press_of_a_normally_closed_button_counts_when_it_returns() -> None:
    pressed = [an_input("input/2", ACTIVE, device=PANEL, initial=True), an_input("input/2", ACTIVE, 3, device=PANEL)]
    assert kinds(*pressed) == ["panic.restored", "panic.activated", "panic.restored"]


@pytest.mark.parametrize(
    ("before", "state", "edges", "presses"),
    [
        (ACTIVE, ACTIVE, 3, 3),
        (ACTIVE, NORMAL, 2, 3),
        (NORMAL, ACTIVE, 3, 2),
        (ACTIVE, NORMAL, 0, 1),
        (NORMAL, NORMAL, 1, 1),
    ],
)
def test_s11_presses_of_a_normally_closed_button_are_counted(
    before: InputState, state: InputState, edges: int, presses: int
) -> None:
    intake = an_intake()
    intake.accept(an_input("input/2", before, device=PANEL))
    events = intake.accept(an_input("input/2", state, edges, device=PANEL))
    [told] = [event.fact for event in events if event.kind == "panic.activated"]
    assert isinstance(told, PointChanged)
    assert told.activations == presses


def test_an_input_still_active_when_the_link_is_back_is_no_new_activation() -> None:
    [event] = an_intake().accept(an_input("input/2", ACTIVE, initial=True))
    assert event.fact == PointChanged(point="input/2", state=ACTIVE, activations=0, initial=True)


def test_a_press_before_a_cut_wire_is_still_a_press() -> None:
    assert kinds(an_input("input/1", CUT, 1, device=PANEL)) == ["panic.activated", "panic.faulted"]


def test_a_door_opened_and_closed_while_the_link_was_away_is_both() -> None:
    closed = an_input("input/1", ACTIVE)
    back = an_input("input/1", ACTIVE, 1, initial=True)
    assert kinds(closed, back) == ["door.closed", "door.opened", "door.closed"]


def test_a_read_is_a_request_without_its_bits() -> None:
    [event] = an_intake().accept(a_read(1))
    assert event.kind == "access.requested"
    assert event.fact == CardPresented(door="east", reader="board/1", bit_count=26, keys=CARD.keys, masked=CARD.masked)
    assert decode_event(encode_event(event)) == event


def test_a_read_already_taken_is_not_taken_again_and_a_rebooted_board_begins_anew() -> None:
    intake = an_intake(cursors={BOARD: DeviceCursor(boot_id=1, sequence=5)})
    taken = [bool(intake.accept(read)) for read in (a_read(4), a_read(5), a_read(6), a_read(6), a_read(1, boot_id=2))]
    assert taken == [False, False, True, False, True]


@pytest.mark.parametrize(("age_s", "late"), [(0, False), (2.0, False), (2.1, True), (3600, True)])
def test_s08_a_read_older_than_two_seconds_is_late(age_s: float, late: bool) -> None:
    [event] = an_intake().accept(a_read(1, age_s=age_s))
    assert event.late is late
    assert (START - event.occurred).total_seconds() == age_s


async def test_s08_a_read_that_waited_too_long_for_the_engine_is_late_too() -> None:
    clock = ManualClock(START)
    await clock.advance(2.5)
    [event] = an_intake(clock).accept(a_read(1))
    assert event.late


def test_s08_the_first_read_after_a_gap_says_so() -> None:
    [event] = an_intake().accept(a_read(1, after_gap=True))
    assert event.after_gap


@pytest.mark.parametrize(
    "observation",
    [
        an_input("input/1", ACTIVE, 1, device=PANEL, age_s=3600, initial=True),
        a_press(queued=True, age_s=3600),
        an_input("tamper", ACTIVE, age_s=3600),
    ],
)
def test_s08_panic_and_tamper_never_age_out(observation: Observation) -> None:
    assert not any(event.late for event in an_intake().accept(observation))


def test_s15_a_queued_press_is_a_panic_that_happened_earlier() -> None:
    [event] = an_intake().accept(a_press(queued=True, age_s=600))
    assert (event.kind, event.subject, event.area) == ("panic.pressed", "bailiff-1", COURT)
    assert (START - event.occurred).total_seconds() == 600
    assert isinstance(event.fact, PanicPressed)
    assert event.fact.queued


def test_s15_a_retained_press_reaches_the_judge_marked() -> None:
    [event] = an_intake().accept(a_press(retained=True))
    assert isinstance(event.fact, PanicPressed)
    assert event.fact.retained


def test_s13_a_press_of_a_button_nobody_placed_is_a_panic_all_the_same() -> None:
    [event] = an_intake().accept(a_press(point="badge-9"))
    assert (event.kind, event.subject, event.area) == ("panic.pressed", "radio/badge-9", None)


def test_s15_a_check_in_is_the_radios_and_its_warnings_come_once() -> None:
    def told(battery: int, *, tampered: bool = False) -> Observation:
        return an_observation(RADIO, ButtonState(point="badge-1", battery_percent=battery, tampered=tampered))

    heard = kinds(told(80), told(15), told(14, tampered=True), told(22, tampered=True), told(60), told(15))
    assert heard == [
        "panic.checked_in",
        *("panic.checked_in", "panic.battery_low"),
        *("panic.checked_in", "panic.tampered"),
        "panic.checked_in",
        "panic.checked_in",
        *("panic.checked_in", "panic.battery_low"),
    ]  # fmt: skip


def test_a_point_nobody_placed_is_counted_and_its_reads_still_move_the_cursor_on() -> None:
    intake = an_intake()
    assert intake.accept(an_input("input/99", ACTIVE)) == ()
    [event] = intake.accept(a_read(1, reader=9))
    assert event.kind == "device.misbehaved"
    assert dict(intake.unplaced) == {(BOARD, "input/99"): 1, (BOARD, "reader/9"): 1}


def test_another_configuration_places_points_anew() -> None:
    intake = an_intake()
    intake.rewire(type(WIRING)(), lambda _bits: CARD)
    assert intake.accept(an_input("input/1", ACTIVE)) == ()


def test_s21_a_sealed_read_leaves_beside_the_event_not_in_it() -> None:
    kept: list[tuple[str, bytes]] = []
    unknown = PresentedCard(keys=(), masked="unknown, 26 bits", sealed=b"sealed bytes")
    intake = an_intake(present_card=lambda _bits: unknown, keep_sealed=lambda *pair: kept.append(pair))
    [event] = intake.accept(a_read(1))
    assert kept == [(event.id, b"sealed bytes")]
    assert b"sealed bytes" not in encode_event(event)


def test_an_absurd_age_from_a_device_is_late_and_does_no_harm() -> None:
    [event] = an_intake().accept(a_read(1, age_s=1e300))
    assert event.late
    assert event.occurred == START


def test_ids_sort_in_the_order_of_acceptance() -> None:
    intake = an_intake()
    ids = [event.id for at in range(50) for event in intake.accept(an_input("input/3", ACTIVE if at % 2 else NORMAL))]
    assert ids == sorted(ids)
    assert len(set(ids)) == 50
