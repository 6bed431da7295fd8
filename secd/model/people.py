"""Who may carry a card: holders and their credentials, as the judge needs them. Names and numbers stay elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from secd.model.names import GroupId, HolderId


class Standing(StrEnum):
    """Whether a credential is good, and if not, why."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    LOST = "lost"
    STOLEN = "stolen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One card of one holder. `key` is the HMAC-SHA-256 hex of its number; validity in UTC, half-open [from, until)."""

    key: str
    format: str
    holder: HolderId
    standing: Standing = Standing.ACTIVE
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One person. `extended`: doors give them the longer release."""

    id: HolderId
    groups: frozenset[GroupId]
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    extended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedCard:
    """What the bits of one read may mean: (format, key) in the configured order, and the last four digits to show.

    `sealed` is the raw read under encryption where no configured format fits (S21); b"" otherwise.
    """

    keys: tuple[tuple[str, str], ...]
    masked: str
    sealed: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The register as one immutable lookup; replaced whole when it changes."""

    holders: Mapping[HolderId, Holder] = field(default_factory=dict)
    credentials: Mapping[tuple[str, str], Credential] = field(default_factory=dict)
    """Keyed by (format, key)."""
