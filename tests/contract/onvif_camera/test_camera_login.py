"""The camera knows us by a password, in its own time; and we know the camera by its certificate."""

import asyncio
import hashlib
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from secd.drivers.onvif_camera.digest import Challenge, authorization, choose_challenge
from secd.model.errors import LinkLost, PeerViolation, Refused
from secd.model.secret import Secret
from simulators.onvif_camera import OnvifCamera


async def test_a_wrong_password_is_refused_after_one_try(camera, connect):
    async with connect(camera.address, password="wrong") as link:
        error = await link.ended()
    assert isinstance(error, Refused)
    assert camera.calls["GetDeviceInformation"] == 1
    assert "wrong" not in str(error)


async def test_a_password_changed_while_the_link_is_up_is_refused(camera, link):
    camera.set_password(password="another")
    assert isinstance(await link.ended(), Refused)


@pytest.mark.parametrize("jump_s", [3600, -3600])
async def test_after_the_cameras_clock_jumped_an_hour_requests_are_signed_anew_once(camera, link, jump_s):
    camera.jump_clock(seconds=jump_s)
    asked = camera.calls["PullMessages"]
    async with asyncio.timeout(20):
        await camera.called("PullMessages", asked + 4)
    assert list(camera.refusals) == ["Sender not authorized"]
    camera.motion(on=True)
    await link.saw("motion", active=True)


async def test_a_camera_that_wants_http_digest_for_everything_gets_it(connect):
    async with OnvifCamera(http_digest_only=True) as camera, connect(camera.address) as link:
        await link.up()
        camera.motion(on=True)
        await link.saw("motion", active=True)
        assert list(camera.refusals) == ["HTTP digest"]


@pytest.mark.parametrize("algorithms", [("MD5",), ("SHA-256",), ("MD5", "SHA-256")])
async def test_pictures_are_fetched_with_every_digest_algorithm(connect, algorithms):
    async with OnvifCamera(algorithms=algorithms) as camera, connect(camera.address) as link:
        await link.up()
        assert (await link.picture()).done


async def test_a_stale_nonce_is_replaced_without_asking_twice(camera, link):
    assert (await link.picture()).done
    asked = camera.calls["GET"]
    camera.expire_nonces()
    assert (await link.picture()).done
    assert camera.calls["GET"] == asked + 2


async def test_a_camera_that_is_not_there_is_a_lost_link(connect):
    async with OnvifCamera() as camera:
        address = camera.address
    async with connect(address) as link:
        assert isinstance(await link.ended(), LinkLost)


async def test_a_pinned_certificate_is_accepted_and_any_other_is_not(connect, tmp_path):
    context, pem = _certificate(tmp_path)
    pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    async with OnvifCamera(tls=context) as camera:
        async with connect(camera.address, fingerprint=pin) as link:
            await link.up()
        async with connect(camera.address, fingerprint="00" * 32) as link:
            pinned_otherwise = await link.ended()
        async with connect(camera.address) as link:
            unknown = await link.ended()
    assert isinstance(pinned_otherwise, PeerViolation)
    assert isinstance(unknown, PeerViolation)
    assert camera.calls["GetSystemDateAndTime"] == 1


async def test_a_certificate_of_the_named_authority_is_accepted(connect, tmp_path):
    context, pem = _certificate(tmp_path)
    async with (
        OnvifCamera(tls=context) as camera,
        connect(camera.address, ca={"environment": "CA"}, password=pem) as link,
    ):
        assert isinstance(await link.ended(), Refused)  # the handshake held; only the password, here the PEM, is wrong


def test_digest_answers_match_rfc_7616_section_3_9_1():
    header = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    responses = {
        "MD5": "8ca523f5e9506fed4657c9700eebdbec",
        "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    }
    for algorithm, response in responses.items():
        challenge = choose_challenge([header.format(algorithm)])
        assert challenge is not None
        answer = authorization(
            challenge, method="GET", uri="/dir/index.html", username="Mufasa", password=Secret("Circle of Life"), count=1,
            cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        )  # fmt: skip
        assert f'response="{response}"' in answer
        assert "nc=00000001" in answer


def test_the_strongest_challenge_is_answered_and_basic_never():
    md5, sha = (
        'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"',
        'Digest realm="r", nonce="m", algorithm=SHA-256',
    )
    for headers in ([md5, sha], [sha, md5], [f"{md5}, {sha}"], ['Basic realm="r"', md5, sha]):
        chosen = choose_challenge(headers)
        assert chosen is not None
        assert chosen.algorithm == "SHA-256"
    assert choose_challenge(['Basic realm="r"']) is None
    assert choose_challenge(['Digest realm="r"', 'Digest nonce="n", algorithm=MD5', "Digest", ""]) is None
    assert choose_challenge(['Digest realm="r", nonce="n", algorithm=SHA-1']) is None
    assert choose_challenge(['Digest realm="r", nonce="n", qop="auth-int"']) is None
    assert choose_challenge(['Digest realm="r", nonce="n\r\nX: y"']) is None


def test_a_challenge_without_qop_is_answered_as_rfc_2069_wants():
    challenge = Challenge(realm="r", nonce="n", opaque="", algorithm="MD5", qop="", stale=False)
    answer = authorization(challenge, method="GET", uri="/", username="u", password=Secret("p"), count=1)
    secret, request = hashlib.md5(b"u:r:p").hexdigest(), hashlib.md5(b"GET:/").hexdigest()  # noqa: S324
    assert f'response="{hashlib.md5(f"{secret}:n:{request}".encode()).hexdigest()}"' in answer  # noqa: S324
    assert "cnonce" not in answer


def _certificate(directory):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    now = datetime.now(UTC)
    import ipaddress

    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    held = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    file = directory / "camera.pem"
    file.write_text(held + pem)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context, pem
