"""Fifty faults under a checked load; `make soak` does thousands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.__main__ import soak
from tests.tools import need


@pytest.mark.timeout(300)
def test_nothing_is_wrong_doubled_or_lost(tmp_path: Path) -> None:
    need("mkfs.ext4")
    need("e2fsck")
    report = soak(50, 20, tmp_path)
    print(report)
    assert not report.findings, report
    assert sum(map(len, report.served.values())) >= 50
