"""Sysctl nodes that a program makes and removes, over all placements."""

from __future__ import annotations

from typing import Any

from rumpwire import const
from rumpwire.values import SysctlNode, SysctlValueInteger
from tests.conformance.test_descriptors import code


def test_a_sysctl_node_of_a_program(k: Any) -> None:
    def node(name: str, kind: int) -> SysctlNode:
        return SysctlNode(const.CTL_CREATE, name, kind, const.CTLFLAG_READWRITE, 0, "")

    k.sys.sysctl([const.CTL_CREATE], node=node("local", const.CTLTYPE_NODE))
    k.sys.sysctl([const.CTL_CREATE], "local", SysctlValueInteger(5), node("level", const.CTLTYPE_INT))
    assert k.sysctl("local.level", 6) == 5
    assert k.sysctl("local.level") == 6
    for path, name in (("local", "level"), ("", "local")):
        k.sys.sysctl([const.CTL_DESTROY], path, None, node(name, 0))
    assert code(k.sysctl, "local.level") == "ENOENT"
