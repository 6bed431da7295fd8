"""Every profile against its simulator: releases of the right length and direction, holds, silence, lateness, cards told once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from profile_bench import DEADLINE_S, PROFILES, Watch, bench, make_board, profiles_with, settings

from secd.config.modbus.format import PerOutput, Profile, PulseCoil
from secd.model.errors import LinkLost, PeerViolation
from secd.model.facts import CardRead, OutputRead
from secd.model.observation import DeviceCursor
from secd.model.order import FetchPicture, PulseOutput, SetOutput, SetSignal
from secd.model.secret import CardBits
from simulators.faults import Cut
from simulators.profile_board.board import ProfileBoard
from simulators.profile_board.electronics import VendorTool
from simulators.profile_board.rtu import RtuBus
from simulators.profile_board.tables import Quirks


def _outputs(profile: Profile) -> Any:
    return profile.outputs


def _one_card(profile: Profile) -> bool:
    return profile.cards is not None and profile.cards.handshake != "fifo"


def _card(number: int, name: str) -> CardBits:
    cards = PROFILES[name].cards
    return CardBits(bit_count=(cards.fixed_bits if cards else None) or 26, value=number)


@profiles_with(_outputs)
@pytest.mark.parametrize("energise", [True, False])
async def test_a_release_goes_the_right_way_and_ends_on_time(name: str, energise: bool, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        relay = one.relay(2)
        relay.hold(energised=not energise)
        outcome = await one.watch.perform(PulseOutput(output=2, duration_s=0.3, energise=energise))
        assert outcome.done, outcome.detail
        assert relay.coil is energise
        await one.relay_is(2, energised=not energise)
        assert not one.relay(1).coil
        if one.profile.outputs.read_back is not None:
            await one.watch.until(lambda: one.watch.outputs(2)[-1] == OutputRead(output=2, energised=not energise))
            assert OutputRead(output=2, energised=energise, pulsing=True) in one.watch.outputs(2)


@profiles_with(lambda p: p.native is None and p.outputs and p.outputs.pulse)
async def test_s04_a_release_that_the_board_times_ends_although_the_daemon_is_gone(name: str, tmp_path: Path) -> None:
    at = 0.0
    async with bench(name, tmp_path, board=make_board(name, monotonic=lambda: at)) as one:
        outcome = await one.watch.perform(PulseOutput(output=1, duration_s=5.0))
        assert outcome.done, outcome.detail
        await one.watch.stop()
        at = 4.9
        assert one.relay(1).coil
        at = 5.1
        assert not one.relay(1).coil


@profiles_with(lambda p: p.outputs and p.outputs.pulse is None)
async def test_s04_a_release_that_secd_holds_is_let_go_when_it_stops(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        assert (await one.watch.perform(PulseOutput(output=1, duration_s=60.0))).done
        assert one.relay(1).coil
        await one.watch.stop()
        assert not one.relay(1).coil


@profiles_with(lambda p: p.outputs and p.outputs.pulse is None)
async def test_s04_a_release_that_secd_holds_is_let_go_when_the_link_returns(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        assert (await one.watch.perform(PulseOutput(output=1, duration_s=0.4))).done
        await one.cable.cut(Cut.REFUSED)
        assert isinstance(await one.watch.ended(), LinkLost)
        assert one.relay(1).coil
        await one.cable.restore()
        await one.watch.up()
        await one.relay_is(1, energised=False)


@profiles_with(_outputs)
async def test_a_hold_and_its_end_are_seen(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        last = one.profile.outputs.count
        for energised in (True, False):
            assert (await one.watch.perform(SetOutput(output=last, energised=energised))).done
            assert one.relay(last).coil is energised
            await one.watch.until(
                lambda energised=energised: [fact.energised for fact in one.watch.outputs(last)[-1:]] == [energised]
            )
        assert not one.relay(1).coil


@profiles_with(_outputs)
async def test_a_hold_ends_a_release(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        assert (await one.watch.perform(PulseOutput(output=1, duration_s=0.3))).done
        assert (await one.watch.perform(SetOutput(output=1, energised=True))).done
        told = len(one.watch.outputs(1))
        await one.asked(30)
        assert one.relay(1).coil
        assert all(fact.energised for fact in one.watch.outputs(1)[told:])


@profiles_with(lambda p: p.outputs and p.outputs.read_back and p.native is None)
async def test_s07_a_relay_that_another_hand_sets_is_told(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        one.board.stranger_sets_relay(1)
        await one.watch.until(lambda: one.watch.outputs(1)[-1] == OutputRead(output=1, energised=True))


@profiles_with(lambda p: p.outputs and p.outputs.read_back and p.native is None)
async def test_a_board_that_answers_and_does_nothing_is_found_out_by_reading_back(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path, board=make_board(name, quirks=Quirks(silent_writes=True))) as one:
        outcome = await one.watch.perform(SetOutput(output=1, energised=True))
        assert not outcome.done
        assert outcome.detail == "output 1 is de-energised after the board took the order"


@profiles_with(_outputs)
async def test_a_welded_relay_is_believed_as_the_board_believes_it(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        one.board.stick_relay(1, closed=True)
        for energised in (True, False):
            assert (await one.watch.perform(SetOutput(output=1, energised=energised))).done
        assert one.relay(1).contact, "only a bolt contact or the door itself tells"
        await one.watch.until(lambda: [fact.energised for fact in one.watch.outputs(1)[-1:]] == [False])


@profiles_with(_outputs)
async def test_s08_a_late_order_moves_nothing(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        outcome = await one.watch.perform(PulseOutput(output=1, duration_s=5.0), expires_in_s=-0.001)
        assert not outcome.done
        assert outcome.detail.startswith("late")
        assert one.relay(1).switches == 0


@profiles_with(_outputs)
async def test_an_order_whose_answer_is_lost_is_not_called_done_and_not_repeated(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path, poll="1s", timeout="300ms") as one:
        await one.cable.cut(Cut.SILENT)
        outcome = await one.watch.perform(SetOutput(output=1, energised=True))
        assert not outcome.done
        assert outcome.detail.endswith("it may have been carried out")
        await one.cable.restore()
        await one.asked(6)
        assert one.relay(1).switches <= 1


@profiles_with(lambda profile: profile.native is None)
async def test_s04_the_loss_and_the_return_of_the_link_write_no_output(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        if one.board.electronics.relays:
            assert (await one.watch.perform(SetOutput(output=1, energised=True))).done
        switches = [relay.switches for relay in one.board.electronics.relays]
        for _ in range(2):
            await one.asked(4)
            await one.cable.cut(Cut.REFUSED)
            assert isinstance(await one.watch.ended(), LinkLost)
            await one.cable.restore()
            await one.watch.up()
        await one.asked(6)
        assert [relay.switches for relay in one.board.electronics.relays] == switches


@profiles_with(lambda p: p.outputs)
async def test_what_a_board_does_not_have_is_refused_in_words(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        beyond = one.profile.outputs.count + 1
        for act, why in (
            (PulseOutput(output=beyond, duration_s=1.0), f"there is no output {beyond}"),
            (SetOutput(output=0, energised=True), "there is no output 0"),
            (SetSignal(reader=8, granted=True), "no reader 8"),
            (FetchPicture(), "takes no pictures"),
        ):
            outcome = await one.watch.perform(act)
            assert not outcome.done
            assert why in outcome.detail


@profiles_with(lambda p: p.outputs and p.outputs.pulse and not isinstance(p.outputs.pulse, PulseCoil))
async def test_a_pulse_longer_than_the_board_can_time_is_refused(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        pulse = one.profile.outputs.pulse
        outcome = await one.watch.perform(PulseOutput(output=1, duration_s=pulse.units_max * pulse.unit + 1))
        assert "cannot time" in outcome.detail
        assert not one.relay(1).coil


# --- watchdogs --------------------------------------------------------------------------------------------------------


@profiles_with(lambda p: p.native is None and p.outputs and p.outputs.watchdog)
async def test_s04_safe_states_are_set_and_taken_when_secd_falls_silent(name: str, tmp_path: Path) -> None:
    at = 0.0
    tool = VendorTool(watchdog_s=5.0, safe=False)
    board = make_board(name, monotonic=lambda: at, tool=tool)
    async with bench(name, tmp_path, board=board, watchdog="5s", safe_outputs="{2: energised}") as one:
        watchdog = one.profile.outputs.watchdog
        by_us = isinstance(watchdog.safe, PerOutput)
        async with asyncio.timeout(DEADLINE_S):
            await board.until(lambda: board.electronics.safe[1] is by_us)
            await board.until(lambda: watchdog.set_by == "vendor_tool" or board.electronics.watchdog_units > 0)
        assert (await one.watch.perform(SetOutput(output=1, energised=True))).done
        for later in (4.0, 8.0, 12.0):
            written = len(board.writes)
            await one.asked(3)
            async with asyncio.timeout(DEADLINE_S):
                await board.until(lambda written=written: watchdog.fed_by != "write" or len(board.writes) > written)
            assert one.relay(1).coil, "it was fed all the time"
            at = later
        await one.asked(3)
        await one.watch.stop()
        at = 30.0
        board.now()
        assert not one.relay(1).coil
        assert one.relay(2).coil is by_us
        assert board.electronics.tripped


@profiles_with(lambda p: p.native is None and p.outputs and p.outputs.watchdog and p.outputs.watchdog.clear)
async def test_s04_a_watchdog_that_went_off_is_told_once_cleared_and_releases_nothing(
    name: str, tmp_path: Path
) -> None:
    at = 0.0
    board = make_board(name, monotonic=lambda: at)
    async with bench(name, tmp_path, board=board, watchdog="10s") as one:
        async with asyncio.timeout(DEADLINE_S):
            await board.until(lambda: board.electronics.watchdog_units == 10)
        assert (await one.watch.perform(SetOutput(output=1, energised=True))).done
        await one.watch.stop()
        at = 30.0
        assert not one.relay(1).coil
        assert board.electronics.locked
        await one.watch.up()
        async with asyncio.timeout(DEADLINE_S):
            await board.until(lambda: not board.electronics.tripped)
        await one.asked(5)
        assert len(one.watch.told("watchdog_tripped")) == 1
        assert not one.relay(1).coil
        assert (await one.watch.perform(SetOutput(output=1, energised=True))).done


async def test_a_board_locked_by_its_watchdog_declines_orders_in_words(tmp_path: Path) -> None:
    async with bench("locking-board", tmp_path, poll="1s") as one:
        await one.asked(3)
        one.board.electronics.tripped = True
        outcome = await one.watch.perform(SetOutput(output=1, energised=True))
        assert outcome.detail == "the board declined: Modbus exception 4 (server device failure)"


# --- cards ------------------------------------------------------------------------------------------------------------


@profiles_with(lambda profile: profile.cards)
async def test_a_card_is_told_once_and_only_once(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        for number in (1001, 1001, 1002):
            told = len(one.watch.cards())
            one.present(_card(number, name))
            await one.watch.until(lambda told=told: len(one.watch.cards()) == told + 1)
            await one.asked(12)
            assert len(one.watch.cards()) == told + 1
        assert [one_card.fact.bits.value for one_card in one.watch.cards() if isinstance(one_card.fact, CardRead)] == [
            1001,
            1001,
            1002,
        ]
        assert not any(observation.after_gap for observation in one.watch.cards())
        sequences = [observation.cursor.sequence for observation in one.watch.cards() if observation.cursor]
        assert sequences == sorted(set(sequences))


@profiles_with(lambda profile: profile.cards)
async def test_s08_a_card_read_while_nobody_looked_is_told_after_the_gap_and_never_again(
    name: str, tmp_path: Path
) -> None:
    async with bench(name, tmp_path) as one:
        one.present(_card(1, name))
        await one.watch.until(lambda: len(one.watch.cards()) == 1)
        await one.asked(8)
        await one.watch.stop()
        one.present(_card(2, name))
        again = Watch(one.watch.settings)
        again.committed = one.watch.committed
        try:
            await again.up()
            await again.until(lambda: len(again.cards()) == 1)
            assert again.cards()[0].after_gap
            await one.asked(12)
            assert len(again.cards()) == 1
        finally:
            await again.stop()


@profiles_with(lambda p: p.cards and p.cards.handshake == "flag")
async def test_the_reader_is_not_freed_before_its_card_is_committed(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        one.watch.commits_at_once = False
        one.present(_card(7, name))
        await one.watch.until(lambda: len(one.watch.cards()) == 1)
        await one.asked(8)
        assert one.board.state()["reader"]["card_waits"]
        assert not one.board.present_card(_card(8, name))
        assert len(one.watch.cards()) == 1
        one.watch.committed = one.watch.cards()[0].cursor
        async with asyncio.timeout(DEADLINE_S):
            await one.board.until(lambda: not one.board.state()["reader"]["card_waits"])
        one.present(_card(9, name))
        await one.watch.until(lambda: len(one.watch.cards()) == 2)


@profiles_with(lambda p: p.cards and p.cards.handshake == "sequence")
async def test_cards_between_two_polls_are_counted_as_lost(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path, poll="500ms") as one:
        await one.asked(1)
        for number in range(5):
            one.present(_card(100 + number, name))
        await one.watch.until(lambda: len(one.watch.cards()) == 1)
        assert one.watch.cards()[0].fact == CardRead(reader=1, bits=_card(104, name))
        assert sum(told.count for told in one.watch.told("reads_lost")) == 4


@profiles_with(lambda p: p.cards and p.cards.handshake == "sequence")
async def test_s08_a_sequence_that_jumps_back_is_a_restart_and_its_card_is_late(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path, poll="200ms") as one:
        one.board.jump_sequence(40_000)
        one.present(_card(1, name))
        await one.watch.until(lambda: len(one.watch.cards()) == 1)
        told = len(one.watch.cards())
        boots = {observation.cursor.boot_id for observation in one.watch.cards() if observation.cursor}
        one.board.jump_sequence(4)
        one.present(_card(2, name))
        await one.watch.until(lambda: len(one.watch.cards()) == told + 1)
        last = one.watch.cards()[-1]
        assert last.after_gap
        assert one.watch.told("restarted")
        assert last.cursor is not None
        assert last.cursor.boot_id not in boots
        one.present(_card(3, name))
        await one.watch.until(lambda: len(one.watch.cards()) == told + 2)
        assert not one.watch.cards()[-1].after_gap


@profiles_with(lambda p: p.cards and p.cards.handshake == "sequence")
async def test_a_sequence_that_wraps_goes_on(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path, up=False) as one:
        one.board.jump_sequence(0xFFFE)
        one.watch.committed = DeviceCursor(boot_id=3, sequence=0x1FFFE)
        await one.watch.up()
        for number in range(3):
            told = len(one.watch.cards())
            one.present(_card(number + 1, name))
            await one.watch.until(lambda told=told: len(one.watch.cards()) == told + 1)
        cursors = [observation.cursor for observation in one.watch.cards()]
        assert cursors == [DeviceCursor(boot_id=3, sequence=0x1FFFF + at) for at in range(3)]
        assert one.watch.told("restarted") == []


@profiles_with(lambda p: p.cards and p.cards.bit_count)
async def test_reads_of_0_and_of_256_bits_are_taken_as_they_are(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        one.present(CardBits(bit_count=0, value=0))
        await one.asked(6)
        widest = CardBits(bit_count=256, value=(1 << 256) - 3)
        one.present(widest)
        await one.watch.until(lambda: CardRead(reader=1, bits=widest) in one.watch.facts(CardRead))
        if _one_card(one.profile):
            assert len(one.watch.cards()) == 1, "no bits are no card"


@profiles_with(lambda p: p.cards and p.cards.bit_count and p.native is None)
async def test_a_card_that_claims_what_it_cannot_have_is_a_violation(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        one.board.electronics.card = CardBits(bit_count=26, value=1 << 40)
        one.board.jump_sequence(1)
        error = await one.watch.ended()
        assert isinstance(error, PeerViolation)
        assert "26" in str(error)


@profiles_with(lambda profile: profile.signals)
async def test_a_decision_is_shown_and_ends(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        assert (await one.watch.perform(SetSignal(reader=1, granted=True))).done
        signals = one.profile.signals
        shown = one.board.state()["signals"]
        assert {write.place: write.value for write in signals.granted}.items() <= shown.items()
        assert (await one.watch.perform(SetSignal(reader=1, granted=False))).done
        assert {write.place: write.value for write in signals.denied}.items() <= one.board.state()["signals"].items()


# --- a serial line ----------------------------------------------------------------------------------------------------


@profiles_with(lambda profile: profile.native is None)
async def test_every_profile_is_spoken_over_a_serial_line_too(name: str, tmp_path: Path) -> None:
    async with RtuBus() as bus, ProfileBoard(PROFILES[name], bus=bus, unit=3) as board:
        watch = Watch(settings(name, f"serial://{bus.path}?baud=115200", tmp_path, unit=3))
        try:
            await watch.up()
            if PROFILES[name].outputs:
                assert (await watch.perform(SetOutput(output=1, energised=True))).done
                assert board.electronics.relay(1).coil
            if PROFILES[name].cards:
                board.present_card(_card(5, name))
                await watch.until(lambda: len(watch.cards()) == 1)
        finally:
            await watch.stop()
