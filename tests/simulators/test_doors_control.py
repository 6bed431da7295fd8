"""The door controller through the control interface, over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from simulators.control import Control, ControlError, call_control, serve_control
from simulators.door_controller.building import DoorWiring
from simulators.door_controller.controller import DoorController


@pytest.fixture
async def controller() -> AsyncIterator[DoorController]:
    doors = {
        "east": DoorWiring(reader=1, relay=1, contact_input=1, rex_input=2, bolt_input=3),
        "vault": DoorWiring(reader=2, relay=2, contact_input=4, rex_input=5, energise_to_unlock=False),
    }
    async with DoorController(name="board", doors=doors) as controller:
        yield controller


@pytest.fixture
async def port(controller: DoorController) -> AsyncIterator[int]:
    async with serve_control(Control([controller])) as port:
        yield port


async def call(port: int, action: str, **arguments: Any) -> Any:
    return (await asyncio.to_thread(call_control, f"/board/{action}", arguments, port=port))["result"]


async def state(port: int) -> dict[str, Any]:
    board: dict[str, Any] = (await asyncio.to_thread(call_control, "/state", port=port))["board"]
    return board


async def test_doors_have_names_locks_of_both_polarities_and_a_watched_bolt(port: int) -> None:
    seen = await state(port)
    assert seen["doors"] == {"east": {"open": False, "unlocked": False}, "vault": {"open": False, "unlocked": True}}
    assert seen["inputs"]["3"]["state"] == "active"
    await call(port, "stranger_sets_relay", relay=1)
    seen = await state(port)
    assert seen["doors"]["east"]["unlocked"]
    assert seen["inputs"]["3"]["state"] == "normal"


async def test_a_person_walks_through_only_when_unlocked(port: int) -> None:
    assert await call(port, "walk_through", door="east") is False
    assert await call(port, "walk_through", door="vault", open_s=60) is True
    assert (await state(port))["doors"]["vault"]["open"] is True


async def test_cards_are_given_as_bits(port: int, controller: DoorController) -> None:
    assert await call(port, "present_card", reader=2, bits="10011") == 1
    (read,) = controller.board.fifo.entries(controller.now())
    assert (read.reader, read.bits.bit_count, read.bits.value) == (2, 5, 0b10011)
    assert "10011" not in str(await state(port)), "card numbers are nobody's business but the reader's"


async def test_everything_that_can_go_wrong_can_be_made_to(port: int) -> None:
    boot_id = (await state(port))["boot_id"]
    await call(port, "tamper")
    await call(port, "mains")
    await call(port, "lock_supply")
    await call(port, "stick_relay", relay=2)
    await call(port, "short_wire", point=5)
    await call(port, "bounce", point=2, times=4, gap_ms=0)
    await call(port, "press_rex", door="east", ms=0)
    seen = await state(port)
    assert [flag for flag, on in seen["cabinet"].items() if on] == [
        "mains_failed",
        "lock_supply_failed",
        "enclosure_open",
    ]
    assert seen["relays"]["2"] == {"energised": False, "held": False, "pulsing": False, "stuck": True}
    assert seen["inputs"]["5"]["state"] == "short"
    assert seen["inputs"]["2"]["activations"] == 5
    await call(port, "free_relay", relay=2)
    await call(port, "mend_wire", point=5)
    await call(port, "battery", low=True)
    await call(port, "reboot", cause=3)
    seen = await state(port)
    assert seen["boot_id"] != boot_id
    assert seen["reset_cause"] == "brown_out"


@pytest.mark.parametrize(
    ("action", "arguments", "status"),
    [
        ("present_card", {"reader": 9, "bits": "1"}, 409),
        ("present_card", {"reader": 1, "bits": "12"}, 422),
        ("walk_through", {"door": "west"}, 409),
        ("press_rex", {"door": "east", "ms": -1}, 422),
        ("bounce", {"point": 1, "times": 101}, 422),
        ("cut_wire", {"point": 9}, 409),
        ("stick_relay", {"relay": 5}, 409),
        ("reboot", {"cause": 9}, 422),
    ],
)
async def test_what_the_board_does_not_have_is_refused(
    port: int, action: str, arguments: dict[str, Any], status: int
) -> None:
    with pytest.raises(ControlError) as refused:
        await call(port, action, **arguments)
    assert refused.value.status == status
