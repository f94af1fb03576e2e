"""Sysctl nodes that programs make, describe and remove."""

from __future__ import annotations

from typing import Any

import pytest

from rumpwire import const
from rumpwire.values import (
    SysctlNode,
    SysctlValue,
    SysctlValueBoolean,
    SysctlValueInteger,
    SysctlValueRaw,
    SysctlValueText,
)
from tests.unit.kern.kernel import Kern, fails

NODE, INT, STRING, BOOL, STRUCT = (
    const.CTLTYPE_NODE, const.CTLTYPE_INT, const.CTLTYPE_STRING, const.CTLTYPE_BOOL, const.CTLTYPE_STRUCT,
)  # fmt: skip
RW = const.CTLFLAG_READWRITE
CREATE, DESTROY, DESCRIBE, QUERY = const.CTL_CREATE, const.CTL_DESTROY, const.CTL_DESCRIBE, const.CTL_QUERY


def node(
    name: str, kind: int = INT, flags: int = RW, number: int = CREATE, size: int = 0, text: str = ""
) -> SysctlNode:
    return SysctlNode(number, name, kind, flags, size, text)


def change(k: Kern, special: int, path: str, what: SysctlNode, value: SysctlValue | None = None, pid: int = 1) -> Any:
    return k.call(pid, "sysctl", [special], path, value, what).nodes[0]


def read(k: Kern, path: str, value: SysctlValue | None = None, pid: int = 1) -> Any:
    return k.call(pid, "sysctl", [], path, value).oldv[0]


@pytest.fixture
def k() -> Kern:
    """With a node ``local`` that more can be put below."""
    k = Kern()
    change(k, CREATE, "", node("local", NODE))
    return k


def test_made_read_set_and_removed(k: Kern) -> None:
    made = change(k, CREATE, "local", node("answer", text="Of everything"), SysctlValueInteger(41))
    assert (made.number, made.size, made.description) == (1024, 4, "Of everything")
    assert read(k, "local.answer", SysctlValueInteger(42)) == 41
    top = next(n for n in k.call(1, "sysctl", [QUERY], "", None).nodes if n.name == "local")
    assert k.call(1, "sysctl", [top.number, 1024], "", None).oldv == (42,)
    assert fails(read, k, "local.answer", SysctlValueText("x")) == "EINVAL"
    change(k, DESTROY, "local", node("answer"))
    assert fails(read, k, "local.answer") == "ENOENT"
    change(k, DESTROY, "", node("local"))
    assert "local" not in {n.name for n in k.call(1, "sysctl", [QUERY], "", None).nodes}


def test_types(k: Kern) -> None:
    change(k, CREATE, "local", node("text", STRING, size=8), SysctlValueText("seven77"))
    change(k, CREATE, "local", node("flag", BOOL), SysctlValueBoolean(True))
    change(k, CREATE, "local", node("raw", STRUCT, size=4))
    change(k, CREATE, "local", node("fixed", flags=const.CTLFLAG_READONLY, number=7), SysctlValueInteger(3))
    assert [read(k, f"local.{name}") for name in ("text", "flag", "raw", "fixed")] == ["seven77", True, bytes(4), 3]
    assert fails(read, k, "local.text", SysctlValueText("12345678")) == "EINVAL"
    assert fails(read, k, "local.fixed", SysctlValueInteger(4)) == "EPERM"


@pytest.mark.parametrize(
    ("path", "what", "value", "errno"),
    [
        ("local", node("1st"), None, "EINVAL"),
        ("local", node(""), None, "EINVAL"),
        ("local", node("a.b"), None, "EINVAL"),
        ("local", node("x" * 32), None, "EINVAL"),
        ("local", node("x", kind=99), None, "EINVAL"),
        ("local", node("x", flags=const.CTLFLAG_PERMANENT), None, "EINVAL"),
        ("local", node("x", size=5), None, "EINVAL"),
        ("local", node("x", STRUCT), None, "EINVAL"),
        ("local", node("x", STRUCT, size=4), SysctlValueRaw(b"12345"), "EINVAL"),
        ("local", node("x", STRING, size=1 << 20), None, "EINVAL"),
        ("local", node("x", number=-9), None, "EINVAL"),
        ("local", node("x", NODE), SysctlValueInteger(1), "EINVAL"),
        ("local", node("x", text="x" * 2000), None, "EINVAL"),
        ("", node("local", NODE), None, "EEXIST"),
        ("", node("other", NODE, number=const.CTL_KERN), None, "EEXIST"),
        ("kern", node("x"), None, "EPERM"),
        ("kern.hostname", node("x"), None, "ENOTDIR"),
        ("nothing", node("x"), None, "ENOENT"),
    ],
)
def test_what_is_not_made(k: Kern, path: str, what: SysctlNode, value: SysctlValue | None, errno: str) -> None:
    assert fails(change, k, CREATE, path, what, value) == errno


def test_what_is_not_removed(k: Kern) -> None:
    change(k, CREATE, "local", node("one"))
    assert fails(change, k, DESTROY, "", node("local")) == "ENOTEMPTY"
    assert fails(change, k, DESTROY, "", node("kern")) == "EPERM"
    assert fails(change, k, DESTROY, "kern", node("hostname")) == "EPERM"
    assert fails(change, k, DESTROY, "local", node("two")) == "ENOENT"
    assert fails(change, k, DESTROY, "local", node("one", number=5)) == "EINVAL"
    change(k, DESTROY, "local", node("", number=1024))


def test_descriptions(k: Kern) -> None:
    change(k, CREATE, "local", node("one"))
    assert change(k, DESCRIBE, "local", node("one")).description == ""
    assert change(k, DESCRIBE, "local", node("one", text="The first")).description == "The first"
    assert [n.description for n in k.call(1, "sysctl", [DESCRIBE], "local", None).nodes] == ["The first"]
    assert fails(change, k, DESCRIBE, "local", node("one", text="Another")) == "EPERM"
    assert fails(change, k, DESCRIBE, "kern", node("hostname", text="Another")) == "EPERM"


def test_that_is_for_root(k: Kern) -> None:
    user = k.user()
    for special in (CREATE, DESTROY, DESCRIBE):
        assert fails(change, k, special, "local", node("x"), None, user) == "EPERM"
    change(k, CREATE, "local", node("mine", flags=RW | const.CTLFLAG_ANYWRITE), SysctlValueInteger(1))
    change(k, CREATE, "local", node("secret", flags=RW | const.CTLFLAG_PRIVATE), SysctlValueInteger(1))
    assert read(k, "local.mine", SysctlValueInteger(2), user) == 1
    assert fails(read, k, "local.secret", None, user) == "EPERM"
