from typing import Any

import aiohttp

class ZeepAsyncClient:
    settings: Any
    wsse: Any

class ONVIFService:
    transport: Any
    zeep_client: ZeepAsyncClient
    zeep_client_authless: ZeepAsyncClient
    ws_client: Any
    ws_client_authless: Any
    _session: aiohttp.ClientSession
    _connector: aiohttp.TCPConnector
    def __init__(
        self,
        xaddr: str,
        user: str | None,
        passwd: str | None,
        url: str,
        encrypt: bool = ...,
        no_cache: bool = ...,
        dt_diff: Any = ...,
        binding_name: str = ...,
        binding_key: str = ...,
        read_timeout: int | None = ...,
        write_timeout: int | None = ...,
    ) -> None: ...
    async def setup(self) -> None: ...
    async def close(self) -> None: ...

class ONVIFCamera:
    xaddrs: dict[str, str]
    def __init__(
        self,
        host: str,
        port: int,
        user: str | None,
        passwd: str | None,
        *,
        no_cache: bool = ...,
        adjust_time: bool = ...,
    ) -> None: ...
    async def update_xaddrs(self) -> None: ...
    async def create_devicemgmt_service(self) -> Any: ...
    async def create_media_service(self) -> Any: ...
    async def create_events_service(self) -> Any: ...
    async def create_pullpoint_manager(self, interval: Any, subscription_lost_callback: Any) -> Any: ...
    async def get_snapshot(self, profile_token: str) -> bytes | None: ...
    async def close(self) -> None: ...
