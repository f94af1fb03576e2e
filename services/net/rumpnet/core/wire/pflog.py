"""The header in front of logged packets (npflog(4), LINKTYPE_PFLOG). Numbers are big-endian."""

from __future__ import annotations

import struct

HEADER = struct.Struct("!BBBB16s16sIIIiIiB3x")
HEADER_LEN = HEADER.size
REAL_LEN = HEADER_LEN - 3
"""What the header says of its length: without what pads it."""
PASS, BLOCK = 0, 1
IN, OUT = 1, 2
NO_RULE = 0xFFFFFFFF


def emit(family: int, ifname: str, rule: int, *, out: bool, passes: bool) -> bytes:
    """Users and processes are not known, reasons are always that a rule matched."""
    action, direction = PASS if passes else BLOCK, OUT if out else IN
    name = ifname.encode()[:15]
    return HEADER.pack(REAL_LEN, family, action, 0, name, b"", rule, NO_RULE, NO_RULE, -1, NO_RULE, -1, direction)
