"""How much a camera may say: counted while it arrives, before anything builds a tree of it.

In: the bytes of a reply, chunk by chunk, packed or not. Out: the same bytes, or PeerViolation at the first excess: too many
bytes (unpacked), too deep, too many elements and attributes, a DOCTYPE, no XML, no SOAP envelope.
"""

import zlib
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

from secd.model.errors import PeerViolation


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlBounds:
    """The largest reply that is read."""

    bytes_max: int = 524_288
    depth_max: int = 40
    nodes_max: int = 10_000


XML: Final = XmlBounds()
PICTURE_BYTES_MAX: Final = 8 * 1024 * 1024


class Collected:
    """Bytes up to a maximum."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bytes = bytearray()

    @property
    def room(self) -> int:
        """How many more fit."""
        return self._bytes_max - len(self._bytes)

    def add(self, chunk: bytes) -> None:
        """Keep `chunk`. Raises PeerViolation when it is too much."""
        if len(chunk) > self.room:
            raise PeerViolation(f"the camera sent more than {self._bytes_max} bytes")
        self._bytes += chunk

    def whole(self) -> bytes:
        """Everything."""
        return bytes(self._bytes)


class CollectedXml(Collected):
    """Bytes of a SOAP envelope, checked by an event parser as they come."""

    def __init__(self, bounds: XmlBounds = XML) -> None:
        super().__init__(bounds.bytes_max)
        self.answer = ""
        """The local name of the first element in the body: the reply's, or Fault."""
        self._bounds = bounds
        self._in_body = False
        self._depth = 0
        self._nodes = 0
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def add(self, chunk: bytes) -> None:
        """Keep and check `chunk`. Raises PeerViolation."""
        super().add(chunk)
        self._parse(chunk, last=False)

    def whole(self) -> bytes:
        """The whole envelope. Raises PeerViolation where it is none."""
        self._parse(b"", last=True)
        return super().whole()

    def _parse(self, chunk: bytes, *, last: bool) -> None:
        try:
            self._parser.Parse(chunk, last)
        except (expat.ExpatError, LookupError, ValueError) as error:  # LookupError: an encoding nobody knows
            raise PeerViolation(f"the camera sent no well-formed XML: {error}") from error

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if self._depth == 1:
            self._in_body = local == "Body"
        elif self._depth == 2 and self._in_body:
            self.answer = self.answer or local
        if not self._nodes and local != "Envelope":
            raise PeerViolation(f"the camera answered with <{name[:40]}>, not with a SOAP envelope")
        self._depth += 1
        self._nodes += 1 + len(attributes)
        if self._depth > self._bounds.depth_max:
            raise PeerViolation(f"the camera sent XML nested deeper than {self._bounds.depth_max}")
        if self._nodes > self._bounds.nodes_max:
            raise PeerViolation(f"the camera sent more than {self._bounds.nodes_max} elements and attributes")

    def _end(self, _name: str) -> None:
        self._depth -= 1

    def _doctype(self, *_: object) -> None:
        raise PeerViolation("the camera sent a DOCTYPE, which SOAP forbids")


class Unpacked:
    """What a Content-Encoding hides, unpacked no further than there is room for."""

    def __init__(self, encoding: str) -> None:
        self._packed = encoding.strip().lower()
        if self._packed not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise PeerViolation(f"the camera packed its answer as {self._packed[:40]!r}, which was not asked for")
        self._unpacker = zlib.decompressobj(47)  # 32 + 15: a gzip or a zlib header, whichever comes

    def feed(self, chunk: bytes, into: Collected) -> None:
        """Put what `chunk` holds into `into`. Raises PeerViolation."""
        if self._packed in {"", "identity"}:
            into.add(chunk)
            return
        try:
            into.add(self._unpacker.decompress(chunk, into.room + 1))
        except zlib.error as error:
            raise PeerViolation(f"the camera's answer cannot be unpacked: {error}") from error
