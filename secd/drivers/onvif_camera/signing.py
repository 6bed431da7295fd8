"""Whose time a request is signed in: the camera's, not ours.

In: the camera's clock as GetSystemDateAndTime gave it. Out: WS-Security username tokens (digest, fresh nonce) whose time the
camera will believe. Our own wall clock may be wrong or step without harm: only its steady seconds are used.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from secd.model.secret import Secret
from secd.runtime.clock import Clock


class CameraTime:
    """The camera's clock as far as we know it; ours until it told us."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._learned: tuple[datetime, float] | None = None

    def learn(self, utc: datetime, *, at_mono_s: float) -> float:
        """The camera said `utc`, on average at `at_mono_s`. Returns by how much it differs from what we believed."""
        moved_s = (utc - self._at(at_mono_s)).total_seconds()
        self._learned = (utc, at_mono_s)
        return moved_s

    def now(self) -> datetime:
        """The camera's present time."""
        return self._at(self._clock.now().mono_s)

    def off_s(self) -> float:
        """How far the camera is ahead of our wall clock."""
        return (self.now() - self._clock.now().utc).total_seconds()

    def _at(self, mono_s: float) -> datetime:
        if self._learned is None:
            now = self._clock.now()
            return now.utc + timedelta(seconds=mono_s - now.mono_s)
        utc, learned_mono_s = self._learned
        return utc + timedelta(seconds=mono_s - learned_mono_s)


class TokenSignature:
    """Signs every request of the SOAP library anew (its `wsse` interface)."""

    def __init__(self, time: CameraTime, username: str, password: Secret) -> None:
        self._time = time
        self._username = username
        self._password = password

    def apply(self, envelope: Any, headers: Any) -> tuple[Any, Any]:
        """Put a username token into the envelope's header."""
        from zeep.wsse.username import UsernameToken

        token = UsernameToken(
            self._username,
            self._password.reveal(),
            use_digest=True,
            created=self._time.now().astimezone(UTC),
            zulu_timestamp=True,
        )
        return token.apply(envelope, headers)

    def verify(self, envelope: Any) -> None:
        """Replies carry no token."""
