"""Fifty ends of random components, the gateway among them, under a load that checks its results: tests/soak."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.__main__ import soak
from tests.tools import need

FAULTS = 50


@pytest.mark.timeout(400)
def test_fifty_faults(tmp_path: Path) -> None:
    need("mkfs.ext4")
    report = soak(FAULTS, 1, tmp_path, stopped=0.02, pause_s=0.05)
    assert report.findings == [], str(report)
    assert sum(len(times) for times in report.served.values()) >= FAULTS * 0.8
    assert {name.split()[0] for name in report.served} == {"gateway", "kern", "vfs", "net", "dev"}
