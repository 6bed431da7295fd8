"""Whether a card opens a door: each rule is one bit, and an answer is a few ANDs.

In: the card's keys, the door, the moment and the threat levels that cover the door. Out: an `Outcome`: granted by which
rule, or denied for which reason. A denial wins over every rule; what nothing permits is denied. The rule named is the
first by name, so that the order of files says nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from secd.model.names import GroupId, HolderId, RuleId
from secd.model.people import Credential, Holder, People, Standing
from secd.policies.access.calendar import DAYS_KEPT_MAX, MINUTES, Calendar, Condition, flip_minutes

_BAD_STANDING = {
    Standing.SUSPENDED: "credential_suspended",
    Standing.LOST: "credential_lost",
    Standing.STOLEN: "credential_stolen",
}

_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


class Outcome(NamedTuple):
    """`reason` is "" when granted. `formats`: those in which somebody carries such a card."""

    holder: HolderId | None
    reason: str
    rule: RuleId | None
    formats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRule:
    """A rule or a denial with its areas spread out."""

    id: RuleId
    who: frozenset[GroupId]
    areas: frozenset[str]
    when: Condition
    forbids: bool = False


@dataclass(slots=True)
class _Remembered:
    """What is worked out once per generation: masks of holders, rows of dates, the mask of this minute."""

    holders: dict[HolderId, int] = field(default_factory=dict)
    rows: dict[int, list[int]] = field(default_factory=dict)
    minute: datetime = _NEVER
    minute_over: datetime = _NEVER
    minute_mask: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTables:
    """Rules as bits: `groups` and `doors` say which rules name a group or lead into a door's area."""

    rules: tuple[RuleId, ...]
    groups: Mapping[GroupId, int]
    doors: Mapping[str, int]
    forbidding: int
    timed: Mapping[Condition, int]
    calendar: Calendar
    people: People
    _remembered: _Remembered = field(default_factory=_Remembered, compare=False)

    def with_people(self, people: People) -> "AccessTables":
        """The same rules for another register; nothing remembered of the old one."""
        return replace(self, people=people, _remembered=_Remembered())

    def decide(
        self,
        door: str,
        keys: Sequence[tuple[str, str]],
        at: datetime,
        admits: Sequence[frozenset[GroupId]] = (),
        *,
        store_failed: bool = False,
    ) -> Outcome:
        """May whoever carries this card enter by this door now? `admits`: one set for each level over the door."""
        found = self.identify(keys)
        if isinstance(found, Outcome):
            return found
        credential, holder, formats = found
        reason = unfit(credential, holder, at)
        if reason:
            return Outcome(holder.id, reason, None, formats)
        reason, rule = self.permits(door, holder, at, admits)
        if not reason and store_failed:
            reason, rule = "store_unavailable", None
        return Outcome(holder.id, reason, rule, formats)

    def identify(self, keys: Sequence[tuple[str, str]]) -> tuple[Credential, Holder, tuple[str, ...]] | Outcome:
        """Whose card it is, or why that cannot be said."""
        if not keys:
            return Outcome(None, "unknown_format", None)
        credentials = self.people.credentials
        found = [credential for key in keys if (credential := credentials.get(key)) is not None]
        if not found:
            return Outcome(None, "unknown_credential", None)
        first = found[0]
        formats = (first.format,) if len(found) == 1 else tuple(credential.format for credential in found)
        if len(found) > 1 and any(credential.holder != first.holder for credential in found):
            return Outcome(None, "ambiguous_card", None, formats)
        holder = self.people.holders.get(first.holder)
        if holder is None:
            return Outcome(None, "unknown_credential", None, formats)
        return first, holder, formats

    def permits(
        self, door: str, holder: Holder, at: datetime, admits: Sequence[frozenset[GroupId]] = ()
    ) -> tuple[str, RuleId | None]:
        """The reason against ("" if none) and the rule that spoke."""
        mask = self._remembered.holders.get(holder.id)
        if mask is None:
            mask = self._mask_of(holder)
        named = mask & self.doors.get(door, 0)
        permitting = named & ~self.forbidding
        if not permitting:
            return "no_rule", None
        now = named & self.mask_at(at)
        forbidding = now & self.forbidding
        if forbidding:
            return "denied_by_rule", self.rules[(forbidding & -forbidding).bit_length() - 1]
        for admitted in admits:
            if holder.groups.isdisjoint(admitted):
                return "threat_level", None
        granting = now & permitting
        if not granting:
            return "not_permitted_at_this_time", self.rules[(permitting & -permitting).bit_length() - 1]
        return "", self.rules[(granting & -granting).bit_length() - 1]

    def mask_at(self, at: datetime) -> int:
        """The rules whose time it is."""
        remembered = self._remembered
        if remembered.minute <= at < remembered.minute_over:
            return remembered.minute_mask
        ordinal, of_day = self.calendar.local(at)
        row = remembered.rows.get(ordinal)
        if row is None:
            row = self._row(ordinal)
        remembered.minute = at.replace(second=0, microsecond=0)
        remembered.minute_over = remembered.minute + _MINUTE
        remembered.minute_mask = row[of_day]
        return row[of_day]

    def _mask_of(self, holder: Holder) -> int:
        mask = 0
        for group in holder.groups:
            mask |= self.groups.get(group, 0)
        self._remembered.holders[holder.id] = mask
        return mask

    def _row(self, ordinal: int) -> list[int]:
        flips = dict.fromkeys((0, MINUTES), 0)
        for condition, mask in self.timed.items():
            for minute in flip_minutes(self.calendar.minutes_of(condition, ordinal)):
                flips[minute] = flips.get(minute, 0) ^ mask
        row: list[int] = []
        mask, edges = 0, sorted(flips)
        for start, end in pairwise(edges):
            mask ^= flips[start]
            row += [mask] * (end - start)
        if len(self._remembered.rows) >= DAYS_KEPT_MAX:
            self._remembered.rows.clear()
        self._remembered.rows[ordinal] = row
        return row


def unfit(credential: Credential, holder: Holder, at: datetime) -> str:
    """Why a credential or its holder is not good at this moment; "" if both are."""
    if credential.standing is not Standing.ACTIVE:
        return _BAD_STANDING[credential.standing]
    if credential.valid_from is not None and at < credential.valid_from:
        return "not_yet_valid"
    if holder.valid_from is not None and at < holder.valid_from:
        return "not_yet_valid"
    if credential.valid_until is not None and at >= credential.valid_until:
        return "expired"
    if holder.valid_until is not None and at >= holder.valid_until:
        return "holder_expired"
    return ""


def build_access(
    rules: Sequence[AccessRule], doors: Mapping[str, str], calendar: Calendar, people: People
) -> AccessTables:
    """`doors`: the area each leads into."""
    ordered = sorted(rules, key=lambda rule: (rule.id, rule.forbids))
    groups: dict[GroupId, int] = {}
    areas: dict[str, int] = {}
    timed: dict[Condition, int] = {}
    forbidding = 0
    for index, rule in enumerate(ordered):
        bit = 1 << index
        for group in rule.who:
            groups[group] = groups.get(group, 0) | bit
        for area in rule.areas:
            areas[area] = areas.get(area, 0) | bit
        timed[rule.when] = timed.get(rule.when, 0) | bit
        forbidding |= bit if rule.forbids else 0
    return AccessTables(
        rules=tuple(rule.id for rule in ordered),
        groups=groups,
        doors={door: areas.get(area, 0) for door, area in doors.items()},
        forbidding=forbidding,
        timed=timed,
        calendar=calendar,
        people=people,
    )
