"""A camera as ONVIF clients meet it: device, media and event services, and pictures, over real HTTP."""

from simulators.onvif_camera.camera import OnvifCamera
from simulators.onvif_camera.hostile import Hostility

__all__ = ["Hostility", "OnvifCamera"]
