"""The Inbox blocks nobody, keeps the order, and loses no press whatever comes."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from observations import BOARD, CAMERA, PANEL, START, WIRING, a_press, a_read, an_input, an_intake, an_observation

from secd.events.inbox import Inbox
from secd.model.facts import (
    CameraSaw,
    CommandGiven,
    InputState,
    LinkChanged,
    PanicPressed,
    PointChanged,
    PressKind,
    Trouble,
)
from secd.model.names import DeviceId
from secd.model.observation import Observation
from secd.runtime.clock import ManualClock, Quiescence

ACTIVE, NORMAL = InputState.ACTIVE, InputState.NORMAL


def an_inbox(*, urgent_max: int = 4, ordinary_max: int = 8, quiescence: Quiescence | None = None) -> Inbox:
    return Inbox(
        clock=ManualClock(START), wiring=WIRING, urgent_max=urgent_max, ordinary_max=ordinary_max, quiescence=quiescence
    )


def drained(inbox: Inbox) -> list[Observation]:
    taken = []
    while (observation := inbox.take()) is not None:
        taken.append(observation)
    return taken


def fill(inbox: Inbox) -> None:
    """Both lanes full of what may not merge."""
    for at in range(100):
        inbox.report(an_observation(DeviceId("secd"), CommandGiven(verb="v", target=str(at), reason="r")))


def test_in_quiet_times_everything_comes_out_in_the_order_it_went_in() -> None:
    inbox = an_inbox()
    came = [an_input("input/1", ACTIVE), an_input("input/2", ACTIVE), an_input("input/1", NORMAL)]
    for observation in came:
        inbox.report(observation)
    assert drained(inbox) == came


def test_presses_go_before_commands_and_commands_before_doors() -> None:
    inbox = an_inbox()
    door = an_input("input/1", ACTIVE)
    command = an_observation(DeviceId("secd"), CommandGiven(verb="lock", target="east", reason="r"))
    press = an_input("input/1", ACTIVE, device=PANEL)
    for observation in (door, command, press):
        inbox.report(observation)
    assert drained(inbox) == [press, command, door]


def test_s11_a_press_is_kept_when_both_lanes_are_full() -> None:
    inbox = an_inbox()
    fill(inbox)
    inbox.report(an_input("input/1", ACTIVE, 1, device=PANEL))
    inbox.report(a_press(press=PressKind.LOCKDOWN))
    facts = [observation.fact for observation in drained(inbox)]
    assert isinstance(facts[0], PointChanged)
    assert isinstance(facts[1], PanicPressed)


@pytest.mark.parametrize("presses", [3, 8])
def test_s11_three_presses_and_eight_stay_different_when_they_coalesce(presses: int) -> None:
    inbox = an_inbox()
    for at in range(presses):
        inbox.report(a_press(at_s=at))
    [taken] = drained(inbox)
    assert isinstance(taken.fact, PanicPressed)
    assert taken.fact.presses == presses
    assert taken.seen.utc == START


def test_s11_coalesced_presses_keep_the_highest_kind_and_the_first_moment() -> None:
    inbox = an_inbox()
    for at, kind in enumerate((PressKind.HELP, PressKind.LOCKDOWN, PressKind.HELP)):
        inbox.report(a_press(press=kind, at_s=at))
    [taken] = drained(inbox)
    assert taken.fact == PanicPressed(point="badge-1", press=PressKind.LOCKDOWN, presses=3)
    assert taken.seen.utc == START


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["down", "up", "pulse"]), st.booleans()), max_size=30))
def test_s11_no_wired_press_is_lost_however_presses_and_takes_fall(steps: list[tuple[str, bool]]) -> None:
    inbox, intake = an_inbox(), an_intake()
    fill(inbox)
    made, seen, is_down = 0, 0, False

    def take_presses() -> int:
        taken = inbox.take() if inbox._latches else None
        events = intake.accept(taken) if taken is not None else ()
        return sum(event.fact.activations for event in events if isinstance(event.fact, PointChanged))

    for what, takes in steps:
        if what == "pulse" and not is_down:
            made += 1
            inbox.report(an_input("input/1", NORMAL, 1, device=PANEL))
        elif what != "pulse" and is_down != (what == "down"):
            is_down = what == "down"
            made += is_down
            inbox.report(an_input("input/1", ACTIVE if is_down else NORMAL, int(is_down), device=PANEL))
        if takes:
            seen += take_presses()
    assert seen + take_presses() == made


def test_s15_a_queued_press_is_kept_and_merges_with_a_live_one_into_a_live_one() -> None:
    inbox = an_inbox()
    inbox.report(a_press(queued=True, age_s=90))
    inbox.report(a_press())
    [taken] = drained(inbox)
    assert taken.fact == PanicPressed(point="badge-1", press=PressKind.HELP, presses=2, queued=False)
    assert taken.age_s == 90


def test_s15_a_retained_press_never_hides_a_real_one() -> None:
    inbox = an_inbox()
    inbox.report(a_press(retained=True))
    inbox.report(a_press())
    assert [isinstance(o.fact, PanicPressed) and o.fact.retained for o in drained(inbox)] == [True, False]


def test_under_pressure_levels_of_one_point_merge_without_losing_an_edge() -> None:
    inbox = an_inbox(ordinary_max=8)
    for at in range(4):
        inbox.report(an_input(f"input/{at + 10}", ACTIVE))
    for state in (ACTIVE, NORMAL, ACTIVE, NORMAL, NORMAL):
        inbox.report(an_input("input/2", state))
    taken = drained(inbox)
    assert len(taken) == 5
    assert taken[-1].fact == PointChanged(point="input/2", state=NORMAL, activations=2)


def test_card_reads_are_never_merged() -> None:
    inbox = an_inbox(ordinary_max=8)
    for sequence in range(1, 9):
        inbox.report(a_read(sequence))
    assert len(drained(inbox)) == 8


def test_a_refused_read_is_not_skipped_by_a_newer_one_and_comes_again() -> None:
    inbox = an_inbox(urgent_max=1, ordinary_max=4)
    for sequence in range(1, 7):
        inbox.report(a_read(sequence))
    assert inbox.take() is not None
    inbox.report(a_read(6))
    inbox.report(a_read(5))
    inbox.take()
    inbox.report(a_read(6))
    left = [observation.cursor.sequence for observation in drained(inbox) if observation.cursor is not None]
    assert left == [3, 4, 5, 6]


def test_when_full_the_last_level_of_a_camera_still_counts() -> None:
    inbox = an_inbox(urgent_max=1, ordinary_max=2)
    inbox.report(an_observation(CAMERA, CameraSaw(what="motion", active=True)))
    inbox.report(an_input("input/1", ACTIVE))
    inbox.report(an_observation(CAMERA, CameraSaw(what="motion", active=False)))
    assert drained(inbox)[0].fact == CameraSaw(what="motion", active=False)


def test_a_link_that_came_and_went_under_pressure_is_told_as_both() -> None:
    inbox = an_inbox(ordinary_max=4)
    inbox.report(an_input("input/1", ACTIVE))
    inbox.report(an_input("input/3", ACTIVE))
    inbox.report(an_observation(BOARD, LinkChanged(up=False)))
    inbox.report(an_observation(BOARD, LinkChanged(up=True)))
    assert [o.fact.up for o in drained(inbox) if isinstance(o.fact, LinkChanged)] == [False, True]


def test_what_was_shed_is_told_once_per_episode_with_its_count() -> None:
    inbox = an_inbox(urgent_max=4, ordinary_max=8)
    fill(inbox)
    told = drained(inbox)[-1]
    assert told.kind == "events.shed"
    assert isinstance(told.fact, Trouble)
    assert "88 observations" in told.fact.what
    assert inbox.take() is None
    assert inbox.shed_count == 88


async def test_arrival_waits_for_the_first_press() -> None:
    inbox = an_inbox()
    asyncio.get_running_loop().call_soon(inbox.report, a_press())
    async with asyncio.timeout(10):
        await inbox.arrival()
    assert inbox.take() is not None


async def test_quiescence_counts_what_waits() -> None:
    quiescence = Quiescence()
    inbox = an_inbox(quiescence=quiescence)
    for observation in (a_press(), a_press(), a_read(1)):
        inbox.report(observation)
    drained(inbox)
    async with asyncio.timeout(10):
        await quiescence.idle()
