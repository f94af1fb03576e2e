"""Sysctl nodes as Python values, and wheels on their way to a kernel."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import rump
from rumpwire import const, values
from rumpwire.errno import Errno, KernelError
from tests.unit.sdk.fakes import FakeConnection, fake

TREE: dict[str, Any] = {
    "kern": {"ostype": "Rump", "hostname": "a", "module": {"autoload": True}},
    "hw": {"big": 1 << 40, "raw": b"\1"},
}
TYPES = {str: (3, values.SysctlValueText), bool: (6, values.SysctlValueBoolean), int: (4, values.SysctlValueQuad)}


class Tree:
    """A kernel that has a sysctl tree only, with numbers by position."""

    def __init__(self) -> None:
        self.set: list[Any] = []

    def __call__(self, name: list[int], path: str, newv: Any, node: Any) -> Any:
        at: Any = TREE
        if name and name[-1] == const.CTL_QUERY:
            for number in name[:-1]:
                at = list(at.values())[number - 1]
            if not isinstance(at, dict):
                return KernelError(Errno.ENOTDIR, "a leaf")
            return values.SysctlResult(None, [self.node(i + 1, key, at[key]) for i, key in enumerate(at)])
        for part in path.split(".") if path else []:
            if part not in at:
                return KernelError(Errno.ENOENT, f"no node {path}")
            at = at[part]
        for number in name:
            at = list(at.values())[number - 1]
        if isinstance(at, dict):
            return values.SysctlResult(None, [])
        self.set.append(newv)
        return values.SysctlResult(self.value(at))

    def node(self, number: int, name: str, value: Any) -> rump.SysctlNode:
        kind = 1 if isinstance(value, dict) else TYPES.get(type(value), (5, None))[0]
        return rump.SysctlNode(number, name, kind)

    def value(self, value: Any) -> Any:
        return TYPES.get(type(value), (5, values.SysctlValueRaw))[1](value)


def tree() -> tuple[rump.Client, Tree, FakeConnection]:
    answers = Tree()
    k, c = fake({"sysctl": answers})
    return k, answers, c


def test_values() -> None:
    k, _, _ = tree()
    assert k.sysctl("kern.ostype") == "Rump"
    assert k.sysctl("kern.module.autoload") is True
    assert k.sysctl("hw.big") == 1 << 40
    with pytest.raises(FileNotFoundError):
        k.sysctl("kern.none")
    with pytest.raises(IsADirectoryError):
        k.sysctl("kern")


def test_setting_gives_the_old_value_and_takes_the_type_of_the_node() -> None:
    k, answers, _ = tree()
    assert k.sysctl("kern.hostname", "b") == "a"
    assert answers.set[-1] == values.SysctlValueText("b")
    k.sysctl("hw.big", "17")
    assert answers.set[-1] == values.SysctlValueQuad(17)
    k.sysctl("kern.module.autoload", 0)
    assert answers.set[-1] == values.SysctlValueBoolean(False)
    with pytest.raises(OSError, match="does not take"):
        k.sysctl("hw.big", "many")
    with pytest.raises(OSError, match="does not take"):
        k.sysctl("kern.hostname", 5)
    with pytest.raises(OSError, match="does not take"):
        k.sysctl("hw.raw", 5)
    with pytest.raises(FileNotFoundError):
        k.sysctl("hw.none", 1)


def test_the_tree() -> None:
    k, _, _ = tree()
    everything = {
        "kern.ostype": "Rump", "kern.hostname": "a", "kern.module.autoload": True, "hw.big": 1 << 40, "hw.raw": b"\1",
    }  # fmt: skip
    assert k.sysctl_tree() == everything
    assert k.sysctl_tree("kern.module") == {"kern.module.autoload": True}
    assert k.sysctl_tree("hw.big") == {"hw.big": 1 << 40}
    with pytest.raises(FileNotFoundError):
        k.sysctl_tree("none")


def test_a_tree_without_end_is_cut() -> None:
    node = values.SysctlResult(None, [rump.SysctlNode(1, "a", const.CTLTYPE_NODE)])
    assert fake({"sysctl": node})[0].sysctl_tree() == {}


# -- wheels


def test_an_upload_is_signed_with_a_key_or_by_the_file_beside_the_wheel(tmp_path: Path) -> None:
    wheel, key = tmp_path / "x.whl", tmp_path / "key"
    wheel.write_bytes(b"a wheel")
    public = rump.generate_key(key)
    assert (tmp_path / "key.pub").read_text() == f"{public}\n"
    assert key.stat().st_mode & 0o777 == 0o600
    k, c = fake()
    k.modules.upload(wheel)
    digest = hashlib.sha256(b"a wheel").digest()
    assert c.last[1] == (str(wheel), b"a wheel", digest, b"", b"")
    k.modules.upload(wheel, key=key)
    by_key = c.last[1]
    assert by_key[2:4] == (digest, bytes.fromhex(public))
    assert rump.sign_wheel(wheel, key) == f"{wheel}.sig"
    assert json.loads((tmp_path / "x.whl.sig").read_text())["public_key"] == public
    k.modules.upload(wheel)
    assert c.last[1] == by_key


def test_what_is_no_wheel_key_or_signature(tmp_path: Path) -> None:
    wheel, key = tmp_path / "x.whl", tmp_path / "key"
    k, c = fake()
    with pytest.raises(FileNotFoundError):
        k.modules.upload(wheel)
    wheel.write_bytes(b"a wheel")
    with pytest.raises(FileNotFoundError):
        k.modules.upload(wheel, key=key)
    key.write_bytes(b"no key")
    with pytest.raises(rump.RumpError) as caught:
        k.modules.upload(wheel, key=key)
    assert caught.value.name == "EINVAL"
    (tmp_path / "x.whl.sig").write_text("[]")
    with pytest.raises(rump.RumpError) as caught:
        k.modules.upload(wheel)
    assert caught.value.name == "EBADMSG"
    rump.generate_key(tmp_path / "other")
    with pytest.raises(FileExistsError):
        rump.generate_key(tmp_path / "other")
    assert not c.asked
