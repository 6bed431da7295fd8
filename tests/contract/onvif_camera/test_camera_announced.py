"""A camera cannot send secd to another host: not by its services, its pull points, its pictures, nor any spelling."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secd.drivers.onvif_camera.announced import Home, Origin, parse_origin
from secd.model.errors import PeerViolation
from simulators.onvif_camera import OnvifCamera

ORIGIN = Origin(scheme="http", host="10.0.0.7", port=8080)
HOME = Home(origin=ORIGIN, resolved=frozenset({"10.0.0.7"}), also_ports=frozenset({9000}))


@pytest.mark.parametrize("what", ["services", "pull_point"])
async def test_a_service_announced_at_another_host_is_refused_and_never_contacted(camera, connect, what):
    async with OnvifCamera() as other:
        camera.announce(**{what: f"http://localhost:{other.port}"})
        async with connect(camera.address) as link:
            error = await link.ended()
        assert isinstance(error, PeerViolation)
        assert "localhost" in str(error)
        assert not other.calls


async def test_a_picture_announced_at_another_host_is_refused_and_never_fetched(camera, link):
    async with OnvifCamera() as other:
        camera.announce(snapshot=f"http://localhost:{other.port}")
        outcome = await link.picture()
        assert not outcome.done
        assert "localhost" in outcome.detail
        assert not other.calls


async def test_a_service_announced_at_another_port_is_asked_for_at_the_inventorys(camera, connect):
    async with OnvifCamera() as other:
        camera.announce(services=other.address, pull_point=other.address, snapshot=other.address)
        async with connect(camera.address) as link:
            await link.up()
            assert (await link.picture()).done
        assert not other.calls


async def test_a_camera_behind_address_translation_is_asked_at_the_inventorys_host(camera, connect):
    inside = "http://192.168.1.64:80"
    camera.announce(services=inside, pull_point=inside, snapshot=inside)
    async with connect(camera.address, behind_nat="true") as link:
        await link.up()
        camera.motion(on=True)
        await link.saw("motion", active=True)
        assert (await link.picture()).done


@pytest.mark.parametrize(
    ("announced", "asked"),
    [
        ("http://10.0.0.7:8080/onvif/media?x=1", "http://10.0.0.7:8080/onvif/media?x=1"),
        ("http://10.0.0.7/onvif", "http://10.0.0.7:8080/onvif"),
        ("https://10.0.0.7/onvif", "http://10.0.0.7:8080/onvif"),
        ("http://10.0.0.7:9000/events", "http://10.0.0.7:9000/events"),
        ("http://user:word@10.0.0.7:8080/a#b", "http://10.0.0.7:8080/a"),
        ("http://10.0.0.7:8080", "http://10.0.0.7:8080/"),
    ],
)
def test_an_announced_address_keeps_its_path_and_nothing_else(announced, asked):
    assert HOME.place(announced) == asked


@pytest.mark.parametrize(
    "announced",
    [
        "http://10.0.0.8/", "http://10.0.0.7.example.org/", "http://10.0.0.7@evil.example/", "http://evil.example\\@10.0.0.7/",
        "http://127.0.0.1/", "http://[::1]/", "http://0x0a000007/", "http://010.0.0.7/", "http://10.0.0.7:99999/",
        "ftp://10.0.0.7/", "file:///etc/passwd", "//10.0.0.7/x", "/only/a/path", "", "http://", "http://10.0.0.7/a b",
        "http://10.0.0.7/\r\nX: y", "http://10.0.0.7/\u00e9", "http://10.0.0.7/" + "a" * 2000, None, 7, b"http://10.0.0.7/",
    ],
)  # fmt: skip
def test_an_address_elsewhere_or_none_at_all_is_refused(announced):
    with pytest.raises(PeerViolation):
        HOME.place(announced)


@given(st.one_of(st.text(max_size=200), st.from_regex(r"https?://[\x20-\x7e]{0,40}", fullmatch=True)))
def test_whatever_is_announced_the_request_goes_to_the_inventorys_host(announced):
    for behind_nat in (False, True):
        home = Home(origin=ORIGIN, also_ports=frozenset({9000}), behind_nat=behind_nat)
        try:
            parts = urlsplit(home.place(announced))
        except PeerViolation:
            continue
        assert (parts.scheme, parts.hostname) == ("http", "10.0.0.7")
        assert parts.port in {8080, 9000}
        assert parts.username is None
        assert parts.path.startswith("/")


@pytest.mark.parametrize(
    "text",
    ["10.0.0.7", "http://", "http://10.0.0.7/onvif", "http://u@10.0.0.7", "http://10.0.0.7?x", "http://10.0.0.7#", "rtsp://10.0.0.7",
     "http://10.0.0.7:0", "http://10.0.0.7:70000", "http://a b", "http://[::zz]", "http://under!score"],
)  # fmt: skip
def test_an_inventory_address_is_scheme_host_and_port_only(text, settings):
    with pytest.raises(ValueError, match=r"."):
        parse_origin(text)
    with pytest.raises(ValueError, match="http://HOST"):
        settings(text)


def test_an_inventory_address_may_be_a_name_or_version_six():
    assert parse_origin("https://Camera-1.county.example") == Origin(
        scheme="https", host="camera-1.county.example", port=443
    )
    assert parse_origin("http://[fd00::7]:8080").at("/x") == "http://[fd00::7]:8080/x"


def test_a_pin_without_https_and_two_pins_are_refused(settings):
    with pytest.raises(ValueError, match="needs an https address"):
        settings("http://10.0.0.7", fingerprint="ab" * 32)
    with pytest.raises(ValueError, match="not both"):
        settings("https://10.0.0.7", fingerprint="ab" * 32, ca={"file": "ca.pem"})
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        settings("https://10.0.0.7", fingerprint="abcd")
