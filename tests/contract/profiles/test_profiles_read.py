"""Every profile against its simulator: who it is, what it reads, and that presses as short as 40 ms are seen where they
can be.
"""

import asyncio
from pathlib import Path

from profile_bench import DEADLINE_S, PROFILES, Bench, Watch, bench, make_board, profiles_with, settings

from secd.drivers.modbus_io.fit import Use, fit
from secd.model.errors import LinkLost, Refused
from secd.model.facts import InputState, LinkChanged, OutputRead, PointChanged
from simulators.profile_board.board import ProfileBoard

EVERY = profiles_with(lambda _: True)
OURS = profiles_with(lambda profile: profile.native is None)


@EVERY
async def test_everything_is_read_and_told_before_the_link_is_up_and_before_any_write(
    name: str, tmp_path: Path
) -> None:
    async with bench(name, tmp_path) as one:
        facts = [observation.fact for observation in one.watch.observations]
        first = facts[: facts.index(LinkChanged(up=True))]
        inputs = one.profile.inputs.count if one.profile.inputs else 0
        seen = {fact.point for fact in first if isinstance(fact, PointChanged) and fact.point.startswith("input/")}
        assert seen == {f"input/{number}" for number in range(1, inputs + 1)}
        assert all(fact.initial for fact in first if isinstance(fact, PointChanged | OutputRead))
        if one.profile.outputs and one.profile.outputs.read_back:
            assert len({fact.output for fact in first if isinstance(fact, OutputRead)}) == one.profile.outputs.count


@OURS
async def test_s04_starting_and_stopping_write_no_output(name: str, tmp_path: Path) -> None:
    board = make_board(name)
    if board.electronics.relays:
        board.electronics.relays[0].hold(energised=True)
    async with bench(name, tmp_path, board=board) as one:
        await one.asked(10)
        assert not any(relay.switches > 1 for relay in board.electronics.relays)
        if board.electronics.relays:
            assert board.electronics.relays[0].coil


@EVERY
async def test_a_board_with_another_unit_id_is_no_answer(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path, up=False, unit=9, timeout="100ms") as one:
        one.watch.start()
        error = await one.watch.ended()
        assert isinstance(error, LinkLost)
        assert "unit 9" in str(error)


@EVERY
async def test_another_board_at_the_address_is_refused_in_words(name: str, tmp_path: Path) -> None:
    other = "blind-board" if name != "blind-board" else "waveshare-relay-8di8ro"
    async with make_board(other) as board:
        watch = Watch(settings(name, f"tcp://127.0.0.1:{board.port}", tmp_path))
        watch.start()
        error = await watch.ended()
        assert isinstance(error, Refused)
        assert "this is not a" in str(error)
        assert not getattr(board, "writes", [])


@profiles_with(lambda profile: profile.identity and profile.native is None)
async def test_a_board_that_says_who_it_is_is_known_by_it(name: str, tmp_path: Path) -> None:
    identity = PROFILES[name].identity
    assert identity is not None
    other = PROFILES[name].model_copy(update={"identity": identity.model_copy(update={"is_": [0] * len(identity.is_)})})
    async with ProfileBoard(other) as board:
        watch = Watch(settings(name, f"tcp://127.0.0.1:{board.port}", tmp_path))
        watch.start()
        error = await watch.ended()
        assert isinstance(error, Refused)
        assert "0x0000" in str(error)
        assert board.writes == []


@profiles_with(lambda profile: profile.inputs)
async def test_a_contact_that_closes_is_told(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        last = one.profile.inputs.count
        assert one.watch.points(last)[0].state is InputState.NORMAL
        one.close(last)
        await one.watch.until(lambda: one.watch.points(last)[-1].state is InputState.ACTIVE)
        assert one.watch.points(1)[-1].state is InputState.NORMAL


@profiles_with(lambda profile: profile.inputs and profile.inputs.latch)
async def test_s06_a_press_of_40_ms_between_two_polls_is_seen(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path, poll="500ms") as one:
        await one.asked(2)
        if not one.native:
            await one.board.until(lambda: all(one.board.electronics.runs) or not _runs(name))
        one.press(2, 40)
        await one.watch.until(lambda: one.watch.presses(2) == 1)
        assert one.watch.presses(1) == 0


@profiles_with(lambda profile: profile.inputs and not profile.inputs.latch)
def test_s11_a_board_that_does_not_latch_is_said_to_miss_short_presses(name: str) -> None:
    codes = {one.code: one.severity for one in fit(PROFILES[name], Use(panic_inputs=(1,)))}
    assert codes["input_not_latched"] == "error"


@profiles_with(lambda profile: profile.inputs and profile.inputs.latch and profile.inputs.latch.kind == "counter")
async def test_s11_three_presses_between_two_polls_are_three(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path, poll="500ms") as one:
        await one.asked(2)
        if not one.native:
            await one.board.until(lambda: all(one.board.electronics.runs) or not _runs(name))
        one.press(1, 20, times=3)
        await one.watch.until(lambda: one.watch.presses(1) == 3)


@profiles_with(lambda p: p.native is None and p.inputs and p.inputs.latch and p.inputs.latch.kind == "counter")
async def test_a_counter_that_wraps_counts_on(name: str, tmp_path: Path) -> None:
    board = make_board(name)
    latch = PROFILES[name].inputs.latch
    board.electronics.counted[0] = (1 << 16 * latch.words) - 2
    async with bench(name, tmp_path, board=board, poll="500ms") as one:
        await one.asked(2)
        await board.until(lambda: all(board.electronics.runs) or not _runs(name))
        board.electronics.counted[0] = (1 << 16 * latch.words) - 2
        board.press(1, 10)
        await one.watch.until(lambda: one.watch.presses(1) >= 1)
        before = one.watch.presses(1)
        board.electronics.counted[0] = 1
        await one.watch.until(lambda: one.watch.presses(1) == before + 2)
        assert one.watch.told("restarted") == []


@profiles_with(lambda profile: profile.inputs and profile.inputs.supervised)
async def test_s11_a_cut_and_a_shorted_line_are_told_apart(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        one.board.cut_wire(1)
        one.board.short_wire(2)
        await one.watch.until(lambda: one.watch.points(1)[-1].state is InputState.CUT)
        await one.watch.until(lambda: one.watch.points(2)[-1].state is InputState.SHORT)
        one.board.mend_wire(1)
        await one.watch.until(lambda: one.watch.points(1)[-1].state is InputState.NORMAL)


@profiles_with(lambda profile: profile.inputs and profile.inputs.form == "word")
async def test_a_measured_value_between_two_bands_is_unknown_and_never_normal(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        bands = one.profile.inputs.bands
        one.board.measure(1, bands.normal.to + 1)
        await one.watch.until(lambda: one.watch.points(1)[-1].state is InputState.UNKNOWN)
        one.board.measure(1, bands.normal.to)
        await one.watch.until(lambda: one.watch.points(1)[-1].state is InputState.NORMAL)


@profiles_with(lambda profile: profile.inputs)
async def test_a_board_that_reboots_again_and_again_is_read_anew_each_time(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        for number in range(1, 4):
            await one.asked(4)
            if not one.native:
                await one.board.until(lambda: one.profile.boot is None or not _flagged(one))
            one.reboot()
            await one.watch.ended()
            await one.watch.up()
            initial = [fact for fact in one.watch.points(1) if fact.initial]
            assert len(initial) >= number + 1
        if one.profile.boot is not None:
            assert len(one.watch.told("restarted")) >= 3


@profiles_with(lambda p: p.native is None and p.inputs and p.inputs.latch and p.inputs.latch.run)
async def test_counters_that_a_reboot_stopped_are_started_again(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        await one.board.until(lambda: all(one.board.electronics.runs))
        one.reboot()
        await one.watch.ended()
        await one.watch.up()
        async with asyncio.timeout(DEADLINE_S):
            await one.board.until(lambda: all(one.board.electronics.runs))


@profiles_with(lambda p: p.inputs and p.inputs.latch and p.inputs.latch.kind == "edge")
async def test_a_latched_edge_is_told_once_cleared_and_told_again(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        one.press(1, 5)
        await one.watch.until(lambda: one.watch.presses(1) == 1)
        async with asyncio.timeout(DEADLINE_S):
            await one.board.until(lambda: one.board.electronics.cleared[0] == 1)
        one.press(1, 5)
        await one.watch.until(lambda: one.watch.presses(1) == 2)


@EVERY
async def test_nothing_is_told_twice_while_nothing_changes(name: str, tmp_path: Path) -> None:
    async with bench(name, tmp_path) as one:
        await one.asked(12)
        told = len(one.watch.observations)
        await one.asked(12)
        assert one.watch.observations[told:] == []


def _flagged(one: Bench) -> bool:
    return bool(one.profile.boot and one.profile.boot.shows == "flag" and one.board.electronics.boot_flag)


def _runs(name: str) -> bool:
    latch = PROFILES[name].inputs.latch if PROFILES[name].inputs else None
    return latch is not None and latch.run is not None
