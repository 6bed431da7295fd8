"""Doors in the trade's words: mode (our intent), physical state (the contact), lock state (the bolt) are three facts."""

from enum import StrEnum


class DoorMode(StrEnum):
    """Our intent for a door."""

    LOCKED = "locked"
    UNLOCKED = "unlocked"


class Layer(StrEnum):
    """Who decides a door's mode, highest first (S2). Fire and egress are hardware; secd follows them."""

    FIRE = "fire"
    LOCKDOWN = "lockdown"
    OVERRIDE = "override"
    THREAT_LEVEL = "threat_level"
    SCHEDULE = "schedule"
    LOCKED = "locked"


class PhysicalState(StrEnum):
    """The contact."""

    OPEN = "open"
    CLOSED = "closed"
    FAULT = "fault"
    UNKNOWN = "unknown"


class LockState(StrEnum):
    """The bolt, where it is monitored; otherwise what the relay says."""

    LOCKED = "locked"
    UNLOCKED = "unlocked"
    UNKNOWN = "unknown"


class Achieved(StrEnum):
    """Whether a door is where its desired state wants it."""

    ACHIEVED = "achieved"
    PENDING = "pending"
    FAILED = "failed"


class Role(StrEnum):
    """What a device's point is for."""

    CONTACT = "contact"
    REX = "rex"
    BOLT = "bolt"
    LOCK = "lock"
    READER = "reader"
    PANIC = "panic"
    FIRE = "fire"
    TAMPER = "tamper"
    READER_TAMPER = "reader_tamper"
    POWER = "power"
    CAMERA = "camera"
    DEVICE = "device"
    DEAD_MAN = "dead_man"
