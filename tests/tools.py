"""Programs of the host that tests use."""

from __future__ import annotations

import os
import shutil

import pytest

_SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def need(program: str) -> str:
    """The path of a program. Without it the test is skipped; where CI=true it fails, since all are installed there."""
    path = shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *_SBIN]))
    if path is not None:
        return path
    if os.environ.get("CI") == "true":
        pytest.fail(f"{program} is not installed")
    pytest.skip(f"{program} is not installed")
