"""What an administrator writes about one ONVIF camera.

In: a `devices` row with `driver: onvif_camera`. Refuses addresses with a path, a user or a password in them, and a pinned
certificate without https.
"""

from typing import Annotated, Any, Literal

from annotated_types import Ge, Le
from pydantic import AfterValidator

from secd.config.types import DeviceSettings, Flag, ScalarError, Seconds, SecretRef, Settings, Text, Whole
from secd.drivers.onvif_camera.announced import parse_origin

Port = Annotated[Whole, Ge(1), Le(65535)]


def _an_origin(text: str) -> str:
    try:
        parse_origin(text)
    except ValueError as error:
        raise ScalarError("an address is http://HOST[:PORT] or https://HOST[:PORT], nothing after it") from error
    return text


def _a_fingerprint(text: str) -> str:
    digits = text.replace(":", "").lower()
    if len(digits) != 64 or not set(digits) <= set("0123456789abcdef"):
        raise ScalarError("a fingerprint is the certificate's SHA-256: 64 hexadecimal digits, colons as you like")
    return digits


class CameraLogin(Settings):
    """The account secd uses at the camera. Give it the rights of a viewer of events and pictures, no more."""

    username: Text
    password: SecretRef


class OnvifCameraSettings(DeviceSettings):
    """One camera."""

    driver: Literal["onvif_camera"]
    address: Annotated[Text, AfterValidator(_an_origin)]
    """Where it is: http(s)://HOST[:PORT]. Nothing is ever sent anywhere else."""
    login: CameraLogin
    ca: SecretRef | None = None
    """PEM certificates to trust instead of the system's, for https."""
    fingerprint: Annotated[str, AfterValidator(_a_fingerprint)] | None = None
    """SHA-256 of the camera's own certificate: exactly that one is accepted, whoever signed it, for https."""
    pull_timeout: Annotated[Seconds, Ge(1.0), Le(60.0)] = 20.0
    """How long the camera holds a request for events open."""
    answer_timeout: Annotated[Seconds, Ge(0.5), Le(60.0)] = 10.0
    """How long any other answer, or a picture, may take in all."""
    behind_nat: Flag = False
    """The camera names addresses of its own network for its services; send to `address` instead of refusing them."""
    also_ports: tuple[Port, ...] = ()
    """Further ports at which this camera may serve; services it announces elsewhere are asked for at `address`."""

    def model_post_init(self, context: Any, /) -> None:
        """Refuse pins that would not be looked at, and two that contradict."""
        pins = [name for name in ("ca", "fingerprint") if getattr(self, name) is not None]
        if pins and not self.address.startswith("https://"):
            raise ValueError(f"{pins[0]} needs an https address")
        if len(pins) > 1:
            raise ValueError("write ca or fingerprint, not both")
