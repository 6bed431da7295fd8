"""Carries out one act on a board: one write, then a read-back that proves it.

In: a connection whose turn the caller holds, and the act. Out: "" when it is done and seen, else one line on why not.
Refuses what the board does not have. Never retries: whether a door is asked again is decided elsewhere.
"""

from typing import assert_never

from secd.drivers.modbus_io.connection import Connection, Declined, NoAnswer
from secd.drivers.modbus_io.profiles import Profile
from secd.model.order import DeviceAct, FetchPicture, PulseOutput, SetOutput, SetSignal
from secd.wire.door_controller import (
    PULSE_DEENERGISE,
    PULSE_ENERGISE,
    PULSE_TENTHS_MAX,
    RELAY_COIL,
    RELAY_WORD,
    SIGNAL,
    SIGNAL_WORD,
    Signal,
    decode_relays,
    decode_signals,
    encode_signal_command,
    encode_tenths,
)

GRANTED, GRANTED_TENTHS = Signal(green=True), 30
DENIED, DENIED_TENTHS = Signal(red=True, buzzer=True), 10


async def carry_out(connection: Connection, profile: Profile, act: DeviceAct) -> str:
    """ "" when the board did `act` and shows it; otherwise why it cannot be called done."""
    try:
        match act:
            case PulseOutput():
                return await _pulse(connection, profile, act)
            case SetOutput():
                return await _hold(connection, profile, act)
            case SetSignal():
                return await _signal(connection, profile, act)
            case FetchPicture():
                return "a door controller takes no pictures"
            case _:
                assert_never(act)
    except NoAnswer as silence:
        return f"{silence}; it may have been carried out"
    except Declined as answer:
        return f"the board declined: {answer}"


async def _pulse(connection: Connection, profile: Profile, act: PulseOutput) -> str:
    if missing := _no_output(profile, act.output):
        return missing
    try:
        tenths = encode_tenths(act.duration_s, PULSE_TENTHS_MAX)
    except ValueError as error:
        return f"the board cannot time that pulse: {error}"
    register = PULSE_ENERGISE if act.energise else PULSE_DEENERGISE
    await connection.write_register(register + act.output - 1, tenths)
    return await _see_relay(connection, act.output, energised=act.energise, pulsing=True)


async def _hold(connection: Connection, profile: Profile, act: SetOutput) -> str:
    if missing := _no_output(profile, act.output):
        return missing
    await connection.write_coil(RELAY_COIL + act.output - 1, act.energised)
    return await _see_relay(connection, act.output, energised=act.energised, pulsing=False)


async def _signal(connection: Connection, profile: Profile, act: SetSignal) -> str:
    if not 1 <= act.reader <= profile.readers:
        return f"there is no reader {act.reader}; a {profile.name} has {profile.readers}"
    signal, tenths = (GRANTED, GRANTED_TENTHS) if act.granted else (DENIED, DENIED_TENTHS)
    await connection.write_register(SIGNAL + act.reader - 1, encode_signal_command(signal, tenths))
    (word,) = await connection.read_input(SIGNAL_WORD, 1)
    shown = decode_signals(word)[act.reader - 1]
    return "" if shown == signal else f"reader {act.reader} does not show it"


async def _see_relay(connection: Connection, output: int, *, energised: bool, pulsing: bool) -> str:
    (word,) = await connection.read_input(RELAY_WORD, 1)
    relay = decode_relays(word)[output - 1]
    if relay.energised is energised and relay.pulsing is pulsing:
        return ""
    return f"output {output} is {'energised' if relay.energised else 'de-energised'} after the board took the order"


def _no_output(profile: Profile, output: int) -> str:
    return (
        "" if 1 <= output <= profile.relays else f"there is no output {output}; a {profile.name} has {profile.relays}"
    )
