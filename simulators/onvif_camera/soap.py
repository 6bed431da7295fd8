"""SOAP 1.2 as the camera speaks it: requests read, replies and faults written.

In: bodies of at most `REQUEST_BYTES_MAX`. Out: UTF-8 envelopes. Refuses anything with a DOCTYPE.
(SOAP 1.2 part 1, W3C 2007; faults as in ONVIF Core Specification, clause "Error handling".)
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

REQUEST_BYTES_MAX: Final = 262_144
NAMESPACES: Final = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "tt": "http://www.onvif.org/ver10/schema",
    "ter": "http://www.onvif.org/ver10/error",
    "tns1": "http://www.onvif.org/ver10/topics",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wstop": "http://docs.oasis-open.org/wsn/t-1",
    "wsrfr": "http://docs.oasis-open.org/wsrf/r-2",
    "wsse": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
    "wsu": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
    "sim": "urn:secd:simulated-camera",
}
_DECLARED: Final = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
_DURATION: Final = re.compile(r"P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7}(?:\.\d{1,6})?)S)?)?")


class SoapFault(Exception):
    """A request answered with a fault: who is to blame, the subcodes from the outside in, the reason, the HTTP status."""

    def __init__(self, reason: str, *subcodes: str, code: str = "Sender", status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.subcodes = subcodes
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: `operation` is the local name of the body's first element, `element` that element."""

    operation: str
    namespace: str
    element: etree._Element
    header: etree._Element | None
    message_id: str

    def text(self, path: str) -> str | None:
        """The text at `path` below the operation, with this module's prefixes."""
        found = self.element.findtext(path, namespaces=NAMESPACES)
        return None if found is None else found.strip()


def read_call(body: bytes) -> Call:
    """The operation asked for. Raises SoapFault where the bytes are no SOAP 1.2 request."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        envelope = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise SoapFault("the request is not well-formed XML", "ter:WellFormed") from error
    if envelope.getroottree().docinfo.doctype:  # type: ignore[union-attr]
        raise SoapFault("a DOCTYPE is not allowed", "ter:WellFormed")
    content = envelope.find("s:Body/*", namespaces=NAMESPACES)
    if envelope.tag != f"{{{NAMESPACES['s']}}}Envelope" or content is None:
        raise SoapFault("the request is not a SOAP 1.2 envelope with a body", code="VersionMismatch")
    name = etree.QName(content)
    header = envelope.find("s:Header", namespaces=NAMESPACES)
    message_id = "" if header is None else header.findtext("wsa:MessageID", "", namespaces=NAMESPACES)
    return Call(
        operation=name.localname,
        namespace=name.namespace or "",
        element=content,
        header=header,
        message_id=message_id.strip(),
    )


def write_reply(content: str, call: Call | None = None) -> bytes:
    """An envelope around `content`; a reply to an addressed call says to which message it belongs."""
    header = ""
    if call is not None and call.message_id:
        action = f"{call.namespace}/{call.operation}Response"
        header = (
            f"<s:Header><wsa:Action>{escape(action)}</wsa:Action>"
            f"<wsa:RelatesTo>{escape(call.message_id)}</wsa:RelatesTo></s:Header>"
        )
    return f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope {_DECLARED}>{header}<s:Body>{content}</s:Body></s:Envelope>'.encode()


def write_fault(fault: SoapFault) -> bytes:
    """A SOAP 1.2 fault."""
    nested = ""
    for subcode in reversed(fault.subcodes):
        nested = f"<s:Subcode><s:Value>{subcode}</s:Value>{nested}</s:Subcode>"
    return write_reply(
        f"<s:Fault><s:Code><s:Value>s:{fault.code}</s:Value>{nested}</s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{escape(fault.reason)}</s:Text></s:Reason></s:Fault>'
    )


def parse_duration_s(text: str) -> float:
    """An xsd:duration of days and less in seconds. Raises SoapFault."""
    match = _DURATION.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        raise SoapFault(f"{text!r} is not a duration", "ter:InvalidArgVal")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()


def parse_termination_s(text: str, now: datetime) -> float:
    """An absolute or relative termination time in seconds from `now`. Raises SoapFault."""
    if text.startswith("P"):
        return parse_duration_s(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SoapFault(f"{text!r} is neither a duration nor a dateTime", "ter:InvalidArgVal") from error
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()


def date_time(moment: datetime) -> str:
    """An xsd:dateTime in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
