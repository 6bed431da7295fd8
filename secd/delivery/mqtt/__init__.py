"""The log to monitoring stations over MQTT 5. docs/station.md is what a station may rely on."""

from secd.delivery.mqtt.courier import DeliveryStatus, MqttDelivery
from secd.delivery.mqtt.settings import SECTIONS, MqttSettings

__all__ = ["SECTIONS", "DeliveryStatus", "MqttDelivery", "MqttSettings"]
