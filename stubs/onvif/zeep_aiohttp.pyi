import aiohttp

class AIOHTTPTransport:
    def __init__(self, session: aiohttp.ClientSession, verify_ssl: bool = ..., cache: None = ...) -> None: ...
