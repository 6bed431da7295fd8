"""Carries out orders by wiring and polarity, and keeps doors at their desired state."""
