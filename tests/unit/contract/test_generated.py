"""What is generated is current, keeps released promises, and passes the lint."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BUF = ROOT / "sdk/typescript/node_modules/.bin/buf"


def test_generated_files_are_current() -> None:
    command = [sys.executable, "tools/codegen", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_contract_passes_the_lint() -> None:
    if not BUF.exists():
        assert os.environ.get("CI") != "true", "buf is not installed: npm ci in sdk/typescript"
        pytest.skip("buf is not installed: npm ci in sdk/typescript")
    done = subprocess.run([BUF, "lint"], cwd=ROOT / "proto", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_lock_files_name_no_registry() -> None:
    text = (ROOT / "sdk/typescript/package-lock.json").read_text()
    assert '"resolved"' not in text
    assert "://" not in (ROOT / "requirements.lock").read_text()
