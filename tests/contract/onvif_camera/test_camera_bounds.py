"""A reply is counted while it comes: bytes unpacked, depth, nodes; and what is no envelope is no reply."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secd.drivers.onvif_camera.bounds import Collected, CollectedXml, Unpacked, XmlBounds
from secd.model.errors import PeerViolation

BOUNDS = XmlBounds(bytes_max=1000, depth_max=4, nodes_max=10)


def collect(*chunks: bytes, bounds: XmlBounds = BOUNDS) -> bytes:
    into = CollectedXml(bounds)
    for chunk in chunks:
        into.add(chunk)
    return into.whole()


def test_an_envelope_within_bounds_passes_unchanged_however_it_is_cut():
    envelope = b'<?xml version="1.0"?><s:Envelope xmlns:s="x"><s:Body><a b="c"/></s:Body></s:Envelope>'
    for cut in range(len(envelope)):
        assert collect(envelope[:cut], envelope[cut:]) == envelope


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"<Envelope>" + b"<a>" * 4, "deeper than 4"),
        (b"<Envelope>" + b"<a/>" * 10, "more than 10 elements"),
        (b"<Envelope " + b" ".join(b'a%d="1"' % n for n in range(10)) + b"/>", "more than 10 elements"),
        (b"<Envelope>" + b" " * 1000, "more than 1000 bytes"),
        (b"<!DOCTYPE Envelope><Envelope/>", "DOCTYPE"),
        (b'<!DOCTYPE e [<!ENTITY a "b">]><Envelope>&a;</Envelope>', "DOCTYPE"),
        (b"<html></html>", "not with a SOAP envelope"),
        (b"<Envelope>&undefined;</Envelope>", "no well-formed XML"),
        (b"<Envelope>", "no well-formed XML"),
        (b"", "no well-formed XML"),
        (b"\xff\xfe\x00", "no well-formed XML"),
        (b'<?xml version="1.0" encoding="no-such"?><Envelope/>', "no well-formed XML"),
    ],
)
def test_the_first_excess_is_refused_and_named(reply, said):
    with pytest.raises(PeerViolation, match=said):
        collect(reply)


@given(st.binary(max_size=400))
def test_any_bytes_are_an_envelope_or_a_violation(reply):
    try:
        assert collect(reply) == reply
    except PeerViolation:
        return


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)]
)
def test_packed_answers_are_unpacked_to_the_bound_and_no_further(encoding, pack):
    into = Collected(1000)
    Unpacked(encoding).feed(pack(b"x" * 1000), into)
    assert into.whole() == b"x" * 1000
    with pytest.raises(PeerViolation, match="more than 1000 bytes"):
        Unpacked(encoding).feed(pack(b"x" * 50_000_000), Collected(1000))


def test_a_packing_nobody_asked_for_and_a_broken_one_are_refused():
    with pytest.raises(PeerViolation, match="'br'"):
        Unpacked("br")
    with pytest.raises(PeerViolation, match="cannot be unpacked"):
        Unpacked("gzip").feed(b"not packed", Collected(1000))
