"""A reader whose newest card stands in registers: told once and only once, whatever handshake it has.

In: scans, and how far reads are committed. Out: CardRead observations with a cursor; when the flag may be cleared.
Refuses (PeerViolation) a length that no card has. The reader tells no age: a read is as old as the time since the poll
before it, at most (S8).

sequence: the cursor's number goes on beyond 16 bits and agrees with the reader's in the lowest 16. A number that went
back is a restart of the reader: what it shows then may be old, so it releases nothing. flag: the cursor's number is
ours; the flag is cleared when the read is committed, and only then is the next card read.
"""

from collections.abc import Iterator

from secd.config.modbus.format import BITS_MAX, Cards, Limits, Profile
from secd.config.modbus.places import Place
from secd.drivers.modbus_io.line import Line
from secd.drivers.modbus_io.scan import Block, Run, Scan, plan, read
from secd.drivers.modbus_io.translate import Sight, lost_reads
from secd.model.errors import PeerViolation
from secd.model.facts import CardRead, DeviceTold
from secd.model.observation import DeviceCursor, Observation
from secd.model.secret import CardBits

RETELL_S = 10.0
"""A read behind a flag that nobody committed for so long is told again: intake drops what it knows."""
RISE_MAX = 4096
"""No outage brings more cards than this: a number that rose further began anew."""
_WRAP = 1 << 16


class CardRegister:
    """One reader with one card."""

    def __init__(self, profile: Profile, cards: Cards) -> None:
        self._cards = cards
        self._place = profile.place(cards.place)
        self._data = profile.place(cards.data)
        self._length_at = None if cards.bit_count is None else profile.place(cards.bit_count)
        self._card: tuple[Block, ...] = plan(self._card_runs(), profile.limits)
        self._cursor: DeviceCursor | None = None
        self._retell_s: float | None = None
        blocks = plan(self.runs, profile.limits)
        self._torn = len(blocks) > 1
        """Whether number and card come in several requests, so that another card may come between them."""

    @property
    def flag(self) -> Place | None:
        """What to clear once a read is committed; None for a reader that needs no clearing."""
        return self._place if self._cards.handshake == "flag" else None

    @property
    def runs(self) -> Iterator[Run]:
        """What a poll has to read."""
        yield Run(self._place)
        if self._cards.handshake == "sequence":
            yield from self._card_runs()

    async def tell(
        self, line: Line, scan: Scan, sight: Sight, resume: DeviceCursor | None, age_s: float
    ) -> list[Observation]:
        """The card that was not told yet, if there is one, and what went missing before it. The caller holds the turn.

        `age_s` is how old a card may be that was not there at the poll before.
        """
        if self._cursor is None or sight.initial:
            self._cursor = self._newest(resume)
        if self._cards.handshake == "flag":
            return await self._tell_flagged(line, scan, sight, age_s)
        return await self._tell_numbered(line, scan, sight, age_s)

    def to_clear(self, committed: DeviceCursor | None) -> bool:
        """Whether the card behind the flag is safe with us."""
        cursor = self._cursor
        return (
            self._retell_s is not None
            and committed is not None
            and cursor is not None
            and committed.boot_id == cursor.boot_id
            and committed.sequence >= cursor.sequence
        )

    def cleared(self) -> None:
        """The flag was cleared: what it shows next is another card."""
        self._retell_s = None

    def _newest(self, committed: DeviceCursor | None) -> DeviceCursor | None:
        known = [one for one in (committed, self._cursor) if one is not None]
        return max(known, key=lambda one: (one.boot_id, one.sequence), default=None)

    def _card_runs(self) -> Iterator[Run]:
        if self._length_at is not None:
            yield Run(self._length_at)
        yield Run(self._data, self._cards.words)

    def _bits(self, scan: Scan) -> CardBits:
        room = 16 * self._cards.words
        count = self._cards.fixed_bits if self._length_at is None else scan[self._length_at]
        if count is None or count > min(room, BITS_MAX):
            raise PeerViolation(f"it claims a card of {count} bits; it has room for {min(room, BITS_MAX)}")
        value = scan.number(self._data, self._cards.words, high_first=self._cards.order == "high_first")
        if value >> count:
            raise PeerViolation(f"its card has more bits than the {count} it claims")
        return CardBits(bit_count=count, value=value)

    async def _tell_flagged(self, line: Line, scan: Scan, sight: Sight, age_s: float) -> list[Observation]:
        now_s = sight.seen.mono_s
        if not scan[self._place]:
            self._retell_s = None
            return []
        if self._retell_s is not None and now_s < self._retell_s:
            return []
        again, self._retell_s = self._retell_s is not None, now_s + RETELL_S
        if self._cursor is None:
            self._cursor = DeviceCursor(boot_id=1, sequence=0)
        if not again:
            self._cursor = DeviceCursor(boot_id=self._cursor.boot_id, sequence=self._cursor.sequence + 1)
        bits = self._bits(await read(line, self._card))
        return [sight.tell(CardRead(reader=1, bits=bits), age_s=RETELL_S if again else age_s, cursor=self._cursor)]

    async def _tell_numbered(self, line: Line, scan: Scan, sight: Sight, age_s: float) -> list[Observation]:
        shown = scan[self._place]
        known = self._cursor
        if known is None:  # never read before: whatever it shows, nobody asked for it
            self._cursor = DeviceCursor(boot_id=1, sequence=shown)
            return []
        rise = (shown - known.sequence) % _WRAP
        if rise == 0:
            return []
        if self._torn:
            scan = await read(line, (*self._card, *plan([Run(self._place)], Limits())))
            if scan[self._place] != shown:
                return []  # another card came meanwhile: the next poll reads it whole
        bits = self._bits(scan)
        told: list[Observation] = []
        back = rise > RISE_MAX
        if back:
            self._cursor = DeviceCursor(boot_id=known.boot_id + 1, sequence=shown)
            told.append(sight.tell(DeviceTold(what="restarted", detail="its number of reads began anew")))
        else:
            self._cursor = DeviceCursor(boot_id=known.boot_id, sequence=known.sequence + rise)
            if rise > 1:
                told.append(sight.tell(lost_reads(rise - 1)))
        if bits.bit_count:
            late = Sight(device=sight.device, seen=sight.seen, initial=sight.initial or back)
            told.append(late.tell(CardRead(reader=1, bits=bits), age_s=age_s, cursor=self._cursor))
        return told
