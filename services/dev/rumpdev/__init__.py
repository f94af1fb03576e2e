"""The device faction."""
