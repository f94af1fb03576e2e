"""Our TCP against a Linux whose netem spoils what it sends and what it receives.

Not every kernel has netem, so that Linux is a program (user mode Linux), on a tap device that a bridge in a network
namespace joins with ours.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import rump
from tests.integration.test_tcp_linux import DATA, http, serving
from tests.linux_kernel import run_in_linux
from tests.netns import Netns, netns
from tests.tools import need

OURS, THEIRS = "10.83.0.1", "10.83.0.2"
LINKS = (
    "netem limit 10000 delay 2ms loss 1% reorder 5%",
    "netem limit 10000 delay 2ms 1ms loss 1% duplicate 0.5%",  # delays that vary: most of it is out of order
)
HEAD = """
ip link set lo up
ip address add {theirs}/24 dev vec0
ip link set vec0 up gso_max_segs 1
ip link set ifb0 up
tc qdisc add dev vec0 ingress
tc filter add dev vec0 parent ffff: matchall action mirred egress redirect dev ifb0
"""
EACH = """
for device in vec0 ifb0; do tc qdisc add dev $device root {netem}; done
curl -sSf -o got http://{ours}:{port}/
echo digest $(sha256sum got)
echo digest $(curl -sSf -H Expect: -T got http://{ours}:{port}/)
for device in vec0 ifb0; do tc -s qdisc show dev $device root; tc qdisc del dev $device root; done
"""


@pytest.fixture
def wire() -> Iterator[tuple[rump.Kernel, Netns]]:
    with netns() as ns, rump.Kernel(factions=("net",)) as k:
        bridge = subprocess.run(
            ns.command("ip", "link", "add", "br0", "type", "bridge"), check=False, capture_output=True
        )
        if bridge.returncode:
            pytest.skip("the kernel of this machine has no bridges")
        for device, flags in (("tap0", ["vnet_hdr"]), ("tap1", [])):
            ns.ip("tuntap", "add", "dev", device, "mode", "tap", *flags)
            ns.ip("link", "set", device, "master", "br0", "up")
        ns.ip("link", "set", "tap1", "gso_max_size", "2000")  # netem is to lose frames, not segments of 64 KiB
        ns.ip("link", "set", "br0", "up")
        k.pub.netconfig_ifcreate("virt0")
        k.pub.netconfig_ifsetlinkstr("virt0", f"{ns.path}:tap0")
        k.pub.netconfig_ifup("virt0")
        k.pub.netconfig_ipv4_ifaddr_cidr("virt0", OURS, 24)
        yield k, ns


def test_every_byte_is_right(wire: tuple[rump.Kernel, Netns], tmp_path: Path) -> None:
    for program in ("curl", "tc"):
        need(program)
    k, ns = wire
    with serving(k, http) as port:
        jobs = [EACH.format(netem=netem, ours=OURS, port=port) for netem in LINKS]
        script = HEAD.format(theirs=THEIRS) + "".join(jobs)
        tap = ["vec0:transport=tap,ifname=tap1,depth=128,gro=1"]
        said = run_in_linux(tmp_path, "netem", script, prefix=ns.command(), devices=tap)
    digests = re.findall(r"^digest ([0-9a-f]{64})", said, re.MULTILINE)
    assert digests == [hashlib.sha256(DATA).hexdigest()] * 2 * len(LINKS), said
    dropped = [int(number) for number in re.findall(r"^qdisc netem .*\n.*\(dropped (\d+),", said, re.MULTILINE)]
    assert len(dropped) == 2 * len(LINKS), said
    assert min(dropped) > 5, said
    counters = {row.name: row.value for row in k.pub.net_counters()}
    assert counters["out-of-order segments"] > 100
    assert counters["data packets retransmitted"] > 10
