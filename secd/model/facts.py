"""What an observation, an event or a finding states. One frozen class per shape; several event kinds may share one.

Every class here is plain data that survives JSON: strings, numbers, booleans, tuples, enums, aware datetimes.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from secd.model.names import AlarmId, Digest, EventId, GroupId, HolderId, OrderId, RuleId
from secd.model.secret import CardBits


class InputState(StrEnum):
    """A supervised input. Unknown is a state: silence is never normal."""

    NORMAL = "normal"
    ACTIVE = "active"
    CUT = "cut"
    SHORT = "short"
    UNKNOWN = "unknown"


class PressKind(StrEnum):
    """What a panic press asks for, in rising order."""

    HELP = "help"
    LOCKDOWN = "lockdown"


# --- what devices say ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRead:
    """A reader saw a card. Raw bits never leave intake: what is stored is `CardPresented`."""

    reader: int
    bits: CardBits


@dataclass(frozen=True, slots=True, kw_only=True)
class PointChanged:
    """An input point: its level now, and the active edges latched since the last report of it.

    `initial`: the first reading after the link came (back), so a change may have happened while nobody looked.
    `activations` counts closings the board latched; a press shorter than the poll has state NORMAL and activations >= 1.
    """

    point: str
    state: InputState
    activations: int = 0
    initial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRead:
    """A relay as the board reports it; `energised` is the coil, before polarity. `pulsing`: by our pulse order."""

    output: int
    energised: bool
    pulsing: bool = False
    initial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PanicPressed:
    """A wireless button pressed. `queued`: it waited in a broker or radio; `retained` must never happen (S15)."""

    point: str
    press: PressKind
    presses: int = 1
    queued: bool = False
    retained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonState:
    """A wireless button's check-in: battery and tamper. It proves the radio, not the button (S15)."""

    point: str
    battery_percent: int | None = None
    tampered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSaw:
    """A camera's own analytics: `what` is motion, tamper or digital_input; `token` is the camera's name for the source."""

    what: str
    active: bool
    token: str = ""
    initial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChanged:
    """A supervised link came up or went down. `reason` is one line for a person; `outage_s` is set on return."""

    up: bool
    reason: str = ""
    outage_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTold:
    """Something about the device itself: it rebooted, lost reads, refused us, or its clock is off."""

    what: str
    detail: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEnded:
    """An order's outcome, coming back in as an event. `result` is done, failed, expired or abandoned."""

    order: OrderId
    act: str
    result: str
    detail: str = ""
    sha256: str = ""
    path: str = ""
    size_bytes: int = 0


# --- what people and secd itself put in ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandGiven:
    """An operator's command, authenticated and authorised before it came here. `until` ends an override (S19).

    `args` holds the verb's own words, e.g. {"level": "lockdown"}.
    """

    verb: str
    target: str
    reason: str
    until: datetime | None = None
    args: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerElapsed:
    """A due time in the judge's state has come. `key` names it, e.g. door/east-entrance/held_open."""

    key: str
    due_mono_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyActivated:
    """A configuration generation became the running one; `removed_doors` and so on are listed in `changes`."""

    digest: Digest
    previous: Digest | None = None
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """secd's own condition: store, broker, clock, configuration, station. `what` is one line for a person."""

    what: str
    where: str = ""
    remedy: str = ""


# --- what intake makes of a card -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CardPresented:
    """A card as the log keeps it (S21): keyed hashes of what the bits may mean, never the number.

    `keys` holds (format, HMAC-SHA-256 hex) for each configured format whose parity fits, in the configured order;
    none means unknown format or bad parity. `sealed` is the encrypted raw read, kept apart for 30 days, or "".
    """

    door: str
    reader: str
    bit_count: int
    keys: tuple[tuple[str, str], ...]
    masked: str


# --- what the judge finds --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessDecided:
    """granted or denied: by which rule, for whom, and why not. `reason` is a code of policies' table; "" when granted."""

    door: str
    holder: HolderId | None
    reason: str
    rule: RuleId | None
    policy: Digest
    masked: str = ""
    formats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What became of a release: taken, assumed, shared with another grant, not_taken, or not_known without a contact.

    `out`: by the reader on the inside, so whoever passed left.
    """

    door: str
    how: str
    holder: HolderId | None = None
    grant: EventId | None = None
    out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorFinding:
    """The door machine noticed: forced, held, warned, secured, rex stuck, released outside secd.

    `suppressed`: why it is on record and no alarm, by design (S16); "" for what is one.
    """

    door: str
    why: str = ""
    since: datetime | None = None
    suppressed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChanged:
    """A door's mode and which layer of S2 now decides it. `until`: when an override ends."""

    door: str
    mode: str
    layer: str
    why: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChanged:
    """A threat level was set or ended in an area; `admit` are the groups still released (S3)."""

    area: str
    level: str
    active: bool
    admit: tuple[GroupId, ...] = ()
    doors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FireEnded:
    """An operator restored a fire zone after its panel had reset (S16). `doors` follow their modes again."""

    zone: str
    doors: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mustered:
    """Who was inside when the fire alarm came, as far as known: those whose latest known passage led into these areas.

    Nobody is known to be outside because they are not on it.
    """

    zone: str
    areas: tuple[str, ...] = ()
    inside: tuple[HolderId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LossFound:
    """Devices that went away together, the cause that they share, and what cannot be seen or commanded without them."""

    cause: str
    devices: tuple[str, ...]
    panic_points: tuple[str, ...] = ()
    doors: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideMoved:
    """An override was set or ended (S19). `what`: unlock, lock, hold, shunt, reader_disabled, out_of_service.

    `by` set it, with `second` where that takes two; `ended` says why it ended: expired, ended, replaced or removed.
    """

    what: str
    target: str
    until: datetime
    by: str
    reason: str
    second: str = ""
    work_order: str = ""
    ended: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """A shift was handed over: everything that stood, a line each, and to whom."""

    to: str
    standing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmMoved:
    """One transition of one alarm; the whole object after it rides along in the entry."""

    alarm: AlarmId
    rev: int
    transition: str
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommissionTold:
    """One step of trying a door or panic point by hand, or the whole of it (`step` is ""): who tried, and what was seen.

    `how`: inputs, person, or "" where nothing was. `said`: what went wrong, why it was skipped. `wiring`: a digest of how
    the thing was wired then: what was wired anew is tried anew.
    """

    target: str
    step: str
    technician: str
    wiring: str
    how: str = ""
    said: str = ""
    skipped: tuple[str, ...] = ()


Fact: TypeAlias = (
    CardRead
    | PointChanged
    | OutputRead
    | PanicPressed
    | ButtonState
    | CameraSaw
    | LinkChanged
    | DeviceTold
    | OrderEnded
    | CommandGiven
    | TimerElapsed
    | PolicyActivated
    | Trouble
    | CardPresented
    | AccessDecided
    | Passage
    | DoorFinding
    | ModeChanged
    | LevelChanged
    | LossFound
    | OverrideMoved
    | HandedOver
    | FireEnded
    | Mustered
    | AlarmMoved
    | CommissionTold
)
FACTS: dict[str, type] = {fact.__name__: fact for fact in Fact.__args__}
