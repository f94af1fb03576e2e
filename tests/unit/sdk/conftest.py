"""A kernel without factions to talk to: processes, pipes and clocks are enough for a transport."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import live_kernel


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with live_kernel("--factions", "", "--placement", "server") as kernel:
        yield kernel.url
