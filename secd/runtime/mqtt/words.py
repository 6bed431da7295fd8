"""What is said about a connection and a message: plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from secd.model.secret import Secret

NO_SUBSCRIBERS = 0x10
"""PUBACK: taken, and nobody subscribes. Optional for brokers; a retained message that is kept gets it too."""
FAILURE = 0x80
"""Reasons from here on say no (MQTT 5.0, 2.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where a broker listens."""

    host: str
    port: int
    tls: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """`mqtt://host[:port]` or `mqtts://host[:port]`; ValueError says what is wrong with it."""
        parts = urlsplit(text)
        if parts.scheme not in {"mqtt", "mqtts"} or not parts.hostname or parts.path or parts.query or parts.fragment:
            raise ValueError("a broker is mqtt://host:port or mqtts://host:port")
        if parts.username is not None:
            raise ValueError("a broker's address holds no login; write it under login:")
        tls = parts.scheme == "mqtts"
        return cls(host=parts.hostname, port=parts.port or (8883 if tls else 1883), tls=tls)

    def __str__(self) -> str:
        return f"mqtt{'s' if self.tls else ''}://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Will:
    """What the broker publishes, retained, when we are gone for `delay_s` without a goodbye."""

    topic: str
    payload: bytes
    delay_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """How to connect. `session_expiry_s` 0 starts clean; otherwise the broker keeps the session, and queues, that long.

    `client_id` must be unique at the broker: two clients with one id throw each other off. `ca_path` pins the CA.
    """

    address: BrokerAddress
    client_id: str
    username: str = ""
    password: Secret | None = None
    will: Will | None = None
    session_expiry_s: int = 0
    keepalive_s: int = 10
    ca_path: str | None = None
    connect_s_max: float = 5.0
    answer_s_max: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Puback:
    """The broker's word on one message. It took it; that somebody read it is another matter."""

    code: int
    text: str = ""

    @property
    def denied(self) -> bool:
        """The broker did not take it (0x87: an access list forbids the topic)."""
        return self.code >= FAILURE

    @property
    def unheard(self) -> bool:
        """The broker took it and says that nobody subscribes."""
        return self.code == NO_SUBSCRIBERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message. `retained`: the broker kept it from before we subscribed. `duplicate`: it may have come before."""

    topic: str
    payload: bytes
    retained: bool = False
    duplicate: bool = False
    expiry_s: int | None = None
    correlation: bytes | None = None
    mid: int = 0
    qos: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """MQTT 5 properties of a message."""

    content_type: str | None = None
    expiry_s: int | None = None
    correlation: bytes | None = None
    user: Mapping[str, str] = field(default_factory=dict)
