"""Wireless panic buttons behind a radio gateway that publishes over MQTT."""

from simulators.wireless_buttons.gateway import WirelessButtons

__all__ = ["WirelessButtons"]
