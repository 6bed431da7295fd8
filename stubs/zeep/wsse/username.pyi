from datetime import datetime
from typing import Any

class UsernameToken:
    def __init__(
        self,
        username: str,
        password: str | None = ...,
        *,
        use_digest: bool = ...,
        created: datetime | None = ...,
        zulu_timestamp: bool | None = ...,
    ) -> None: ...
    def apply(self, envelope: Any, headers: Any) -> tuple[Any, Any]: ...
