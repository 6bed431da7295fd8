"""The family of ONVIF cameras: their own analytics and inputs as events, and pictures on order."""

from secd.drivers.onvif_camera.announced import parse_origin
from secd.drivers.onvif_camera.driver import build
from secd.drivers.onvif_camera.settings import OnvifCameraSettings
from secd.drivers.protocol import Family


def _place(settings: OnvifCameraSettings) -> str:
    origin = parse_origin(settings.address)
    return f"{origin.host}:{origin.port}"


FAMILY = Family(
    name="onvif_camera",
    settings=OnvifCameraSettings,
    build=build,
    place=_place,
    points=lambda _settings: frozenset({""}),
)
