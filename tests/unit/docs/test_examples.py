"""The Python examples of the README and the pages run as they stand there."""

from __future__ import annotations

import asyncio
import lzma
import os
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

import rump
from tests.live import live_kernel

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("README.md", "docs/sdk.md")
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An image ``disk.img`` in the working directory, a kernel at RUMP_SERVER that has it mounted at /mnt."""
    packed = resources.files("rumpclients").joinpath("data/demo.ext4.xz").read_bytes()
    image = tmp_path / "disk.img"
    image.write_bytes(lzma.decompress(packed))
    monkeypatch.chdir(tmp_path)
    with live_kernel("--placement", "server") as kernel:
        monkeypatch.setenv("RUMP_SERVER", kernel.url)
        with rump.connect(kernel.url) as k:
            k.pub.etfs_register("/dev/disk0", str(image), type="blk")
            k.sys.mkdir("/mnt", 0o755)
            k.pub.module_init("ext2fs")
            k.sys.mount("ext2fs", "/mnt", device="/dev/disk0", readonly=True)
        yield
        rump.set_default(None)


@pytest.mark.parametrize("page", PAGES)
def test_examples_run(page: str, surroundings: None) -> None:
    text = (ROOT / page).read_text()
    blocks = BLOCK.findall(text)
    assert blocks
    names: dict[str, Any] = {"os": os, "rump": rump, "asyncio": asyncio}
    for block in blocks:
        line = text[: text.index(block)].count("\n")
        code = block.replace("unix:///run/kernel.sock", os.environ["RUMP_SERVER"])
        exec(compile("\n" * line + code, page, "exec"), names)


@pytest.mark.parametrize(
    "page", sorted(str(path.relative_to(ROOT)) for path in [ROOT / "README.md", *(ROOT / "docs").glob("**/*.md")])
)
def test_links_lead_somewhere(page: str) -> None:
    where = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text()):
        assert (where / target).exists(), target
