"""How long hostile input is tried: RUMP_FUZZ=100 tries a hundred times as much as `make test` does."""

from __future__ import annotations

import os


def rounds(usual: int) -> int:
    return usual * int(os.environ.get("RUMP_FUZZ", "1"))
