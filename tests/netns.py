"""Private network namespaces of the host, for tests against its kernel."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.tools import need

_made = iter(range(10**6))


def ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout


class Netns:
    """A namespace with its loopback up."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = f"/var/run/netns/{name}"

    def ip(self, *arguments: str) -> str:
        return ip("-n", self.name, *arguments)

    def command(self, *arguments: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *arguments]

    def run(self, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), check=False, capture_output=True, text=True, timeout=60, **options
        )  # type: ignore[call-overload,no-any-return]


def cable(k: Any, ns: Netns, ours: str, theirs: str) -> None:
    """virt0 of a kernel of ours and tap0 of a namespace at the ends of a cable, with addresses of one /24."""
    ns.ip("tuntap", "add", "dev", "tap0", "mode", "tap", "vnet_hdr")
    k.pub.netconfig_ifcreate("virt0")
    k.pub.netconfig_ifsetlinkstr("virt0", f"{ns.path}:tap0")
    k.pub.netconfig_ifup("virt0")
    k.pub.netconfig_ipv4_ifaddr_cidr("virt0", ours, 24)
    ns.ip("address", "add", f"{theirs}/24", "dev", "tap0")
    ns.ip("link", "set", "tap0", "up")


@contextmanager
def netns() -> Iterator[Netns]:
    """Without the privilege the test is skipped; where CI=true it fails."""
    need("ip")
    space = Netns(f"rt{os.getpid() % 100000}-{next(_made)}")
    made = subprocess.run(["ip", "netns", "add", space.name], check=False, capture_output=True, text=True)
    if made.returncode or not os.path.exists("/dev/net/tun"):
        reason = f"network namespaces and /dev/net/tun are not to be had: {made.stderr.strip()}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        space.ip("link", "set", "lo", "up")
        yield space
    finally:
        subprocess.run(["ip", "netns", "del", space.name], check=False, capture_output=True)
