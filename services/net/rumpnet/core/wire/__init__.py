"""Packets as bytes: one protocol per file, each with the offsets of its header, a checked view, and a value.

`Malformed` is the one thing that parsing raises.
"""

from __future__ import annotations


class Malformed(Exception):  # noqa: N818  a finding about a packet, not an accident
    """These bytes are no packet of the protocol."""


class BadChecksum(Malformed):
    """A packet whose checksum is wrong."""
