"""Fixtures of the tests of delivery."""

from delivery_house import broker, house

__all__ = ["broker", "house"]
