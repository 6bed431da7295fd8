"""Answers no camera should give: what a broken, taken-over or imitated one sends instead of a reply.

In: a request. Out: the bad answer. Nothing here outlives the simulator: the endless ones stop when it closes or the client
goes away.
"""

import asyncio
import os
import zlib
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from aiohttp import web

from simulators.onvif_camera.soap import NAMESPACES

DEPTH: Final = 200_000
WIDE: Final = 300_000
BOMB_BYTES: Final = 256 * 1024 * 1024
CHUNK: Final = 65_536
_OPEN: Final = f'<?xml version="1.0"?><s:Envelope xmlns:s="{NAMESPACES["s"]}"><s:Body>'.encode()
_CLOSE: Final = b"</s:Body></s:Envelope>"


class Hostility(StrEnum):
    """What is sent instead of the answer."""

    HTML = "html"
    ENDLESS = "endless"
    DEEP = "deep"
    WIDE = "wide"
    ENTITY_BOMB = "entity_bomb"
    EXTERNAL_ENTITY = "external_entity"
    GARBAGE = "garbage"
    SLOW_DRIP = "slow_drip"
    GZIP_BOMB = "gzip_bomb"
    DROP = "drop"
    CUT_SHORT = "cut_short"
    REDIRECT = "redirect"
    SILENCE = "silence"
    ODD_FAULT = "odd_fault"
    WRONG_REPLY = "wrong_reply"


class Misbehaviour:
    """How to answer, for one operation ("" for all). `elsewhere` is where a redirect points."""

    def __init__(self, closing: asyncio.Event) -> None:
        self._closing = closing
        self.how: Hostility | None = None
        self.given = b""
        """Send these bytes as the envelope, whatever `how` says."""
        self.operation = ""
        self.elsewhere = "http://127.0.0.2:9/"

    def touches(self, operation: str) -> bool:
        """Whether this operation is answered badly."""
        return bool(self.how or self.given) and self.operation in {"", operation}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The bad answer itself."""
        xml = "application/soap+xml"
        if self.given:
            return web.Response(body=self.given, content_type=xml)
        match self.how:
            case Hostility.HTML:
                return web.Response(text="<html><body><h1>Log in</h1></body></html>", content_type="text/html")
            case Hostility.ENTITY_BOMB:
                return web.Response(body=_entity_bomb(), content_type=xml)
            case Hostility.EXTERNAL_ENTITY:
                return web.Response(body=_external_entity(self.elsewhere), content_type=xml)
            case Hostility.GARBAGE:
                return web.Response(body=os.urandom(4096), content_type=xml)
            case Hostility.DEEP:
                return web.Response(body=_OPEN + b"<a>" * DEPTH + b"</a>" * DEPTH + _CLOSE, content_type=xml)
            case Hostility.WIDE:
                return web.Response(body=_OPEN + b"<a/>" * WIDE + _CLOSE, content_type=xml)
            case Hostility.REDIRECT:
                return web.Response(status=307, headers={"Location": self.elsewhere})
            case Hostility.ODD_FAULT:
                return web.Response(body=_odd_fault(), content_type=xml, status=500)
            case Hostility.WRONG_REPLY:
                return web.Response(body=_OPEN + b"<x:Else xmlns:x='urn:x'>1</x:Else>" + _CLOSE, content_type=xml)
            case Hostility.GZIP_BOMB:
                return await self._stream(request, _gzip_bomb(), encoding="gzip")
            case Hostility.ENDLESS:
                return await self._stream(request, _endless())
            case Hostility.SLOW_DRIP:
                return await self._stream(request, _drops(), gap_s=0.1)
            case Hostility.CUT_SHORT:
                return await self._cut_short(request)
            case Hostility.SILENCE:
                await self._closing.wait()
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _stream(
        self, request: web.Request, chunks: Iterator[bytes], *, encoding: str = "", gap_s: float = 0.0
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/soap+xml"})
        if encoding:
            response.headers["Content-Encoding"] = encoding
        await response.prepare(request)
        for chunk in chunks:
            if self._closing.is_set():
                break
            await response.write(chunk)
            if gap_s:
                await asyncio.sleep(gap_s)
        return response

    async def _cut_short(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/soap+xml", "Content-Length": "5000"})
        await response.prepare(request)
        await response.write(_OPEN)
        if request.transport is not None:
            request.transport.close()
        return response


def _endless() -> Iterator[bytes]:
    yield _OPEN
    while True:
        yield b" " * CHUNK


def _drops() -> Iterator[bytes]:
    yield _OPEN
    while True:
        yield b" "


def _gzip_bomb() -> Iterator[bytes]:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    yield packer.compress(_OPEN)
    for _ in range(BOMB_BYTES // CHUNK):
        yield packer.compress(b" " * CHUNK)
    yield packer.compress(_CLOSE) + packer.flush()


def _entity_bomb() -> bytes:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY l0 "lol">{levels}]><s>&l9;</s>'.encode()


def _external_entity(elsewhere: str) -> bytes:
    return f'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY e SYSTEM "{elsewhere}">]><s>&e;</s>'.encode()


def _odd_fault() -> bytes:
    return (
        _OPEN
        + b"<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>odd:Thing</s:Value></s:Subcode></s:Code></s:Fault>"
        + _CLOSE
    )
