"""The packet filter in a router between a private network and a public one; its calls; the tool."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import rump
from rumpclients import _npf_conf, npfctl
from rumpnet.core.route import ANY
from rumpwire import const
from rumpwire.errno import Errno
from rumpwire.values import NpfConfig, SockaddrIn
from tests.unit.net.kit import fails
from tests.unit.net.lab import Lab, Machine, Wire
from tests.unit.net.npf_packets import ip

RULES = """
map eth1 dynamic 10.0.0.0/24 -> inet4(eth1)
map eth1 dynamic proto udp 10.0.0.2 port 53 <- inet4(eth1) port 5353
group "public" on eth1 {
  pass stateful out final all
  pass stateful in final proto udp to inet4(eth1) port 5353
  pass stateful in final proto udp to 10.0.0.2 port 53
  block return in all
}
group default { pass all }
"""


class Site:
    """A client at 10.0.0.2, a router that translates to 192.0.2.1, and a server at 192.0.2.9."""

    def __init__(self, rules: str = RULES) -> None:
        self.lab = Lab()
        self.inner, self.outer = Wire(), Wire()
        self.client, self.router, self.server = (self.lab.machine() for _ in range(3))
        self.client.plug(self.inner, "10.0.0.2/24")
        self.router.plug(self.inner, "10.0.0.1/24")
        self.router.plug(self.outer, "192.0.2.1/24")
        self.server.plug(self.outer, "192.0.2.9/24")
        eth0 = self.client.net.interfaces.get("eth0")
        self.client.net.routes.add(ANY, 0, eth0, gateway=ip("10.0.0.1"))
        self.router.inet.ip.forwarding.value = 1
        self.router("npf_load", _npf_conf.parse(rules))
        self.router("npf_switch", True)

    def udp(self, machine: Machine, port: int = 0) -> int:
        s: int = machine("socket", const.AF_INET, const.SOCK_DGRAM, 0)
        if port:
            machine("bind", s, SockaddrIn(ANY, port))
        machine("fcntl", s, const.F_SETFL, const.O_NONBLOCK, None)
        return s


@pytest.fixture
def site() -> Site:
    return Site()


def test_datagrams_go_out_under_the_router_s_name_and_come_back(site: Site) -> None:
    server, client = site.udp(site.server, 53), site.udp(site.client, 4000)
    site.client("sendto", client, b"query", 0, SockaddrIn(ip("192.0.2.9"), 53))
    got = site.server("recvfrom", server, 100, None)
    assert (got.data, got.from_addr.sin_addr) == (b"query", ip("192.0.2.1"))
    site.server("sendto", server, b"answer", 0, got.from_addr)
    back = site.client("recvfrom", client, 100, None)
    assert (back.data, back.from_addr) == (b"answer", SockaddrIn(ip("192.0.2.9"), 53))
    assert all(ip("10.0.0.2") not in frame for frame in site.outer.frames), "the private address stays private"


def test_a_port_leads_inside(site: Site) -> None:
    service, stranger = site.udp(site.client, 53), site.udp(site.server, 9)
    site.server("sendto", stranger, b"query", 0, SockaddrIn(ip("192.0.2.1"), 5353))
    got = site.client("recvfrom", service, 100, None)
    assert (got.data, got.from_addr) == (b"query", SockaddrIn(ip("192.0.2.9"), 9))
    site.client("sendto", service, b"answer", 0, got.from_addr)
    back = site.server("recvfrom", stranger, 100, None)
    assert (back.data, back.from_addr) == (b"answer", SockaddrIn(ip("192.0.2.1"), 5353))


def test_large_datagrams_are_put_together_before_they_are_translated(site: Site) -> None:
    server, client = site.udp(site.server, 53), site.udp(site.client, 4000)
    data = bytes(range(256)) * 30
    site.client("sendto", client, data, 0, SockaddrIn(ip("192.0.2.9"), 53))
    got = site.server("recvfrom", server, 10_000, None)
    assert got.data == data
    assert got.from_addr.sin_addr == ip("192.0.2.1")


def test_errors_find_the_client(site: Site) -> None:
    client = site.udp(site.client, 4000)
    site.client("connect", client, SockaddrIn(ip("192.0.2.9"), 7))
    site.client("write", client, b"nobody is there")
    assert fails(site.client, "read", client, 10) == "ECONNREFUSED"


def test_strangers_stay_out_and_are_told(site: Site) -> None:
    stranger = site.udp(site.server, 9)
    site.server("connect", stranger, SockaddrIn(ip("192.0.2.1"), 1))
    site.server("write", stranger, b"knock")
    assert fails(site.server, "read", stranger, 10) == "EACCES"
    counters = {c.name: c.value for c in site.router("npf_stats")}
    assert counters["blocked: ruleset"] == 1


def test_inactive_it_costs_nothing_and_does_nothing(site: Site) -> None:
    site.router("npf_switch", False)
    assert not site.router.inet.ip.hooks
    assert not site.router("npf_connections")
    server, client = site.udp(site.server, 53), site.udp(site.client, 4000)
    site.client("sendto", client, b"query", 0, SockaddrIn(ip("192.0.2.9"), 53))
    assert site.server("recvfrom", server, 100, None).from_addr.sin_addr == ip("10.0.0.2")


def test_the_calls_are_root_s(site: Site) -> None:
    for name, args in (
        ("npf_load", (NpfConfig(),)), ("npf_config_get", ()), ("npf_switch", (True,)), ("npf_flush", ()),
        ("npf_connections", ()), ("npf_stats", ()), ("npf_table", ("t", "list", None)),
        ("npf_rule_add", ("g", None)), ("npf_rule_remove", ("g", 1)),
    ):  # fmt: skip
        with pytest.raises(Exception, match=r"network\.firewall\.fw") as error:
            site.router.user(name, *args)
        assert getattr(error.value, "errno", 0) == Errno.EPERM


def test_the_module_stays_while_it_is_active(site: Site) -> None:
    assert fails(site.router, "module_unload", "npf") == "EBUSY"
    site.router("npf_switch", False)
    site.router("module_unload", "npf")
    assert fails(site.router, "npf_stats") == "ENOSYS"


@pytest.fixture
def k(monkeypatch: pytest.MonkeyPatch) -> Iterator[rump.Kernel]:
    with rump.Kernel(factions=("net",)) as kernel:
        monkeypatch.setattr(npfctl, "connect", lambda prog: contextlib.nullcontext(kernel))
        yield kernel


def test_the_tool(k: rump.Kernel, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    conf = tmp_path / "npf.conf"
    conf.write_text('table <t> type lpm\ngroup "g" on lo0 {\n ruleset "dyn"\n block in proto udp from <t>\n}\n')
    for words in (
        ["reload", str(conf)],
        ["start"],
        ["table", "t", "add", "127.0.0.0/8"],
        ["rule", "dyn", "add", "pass", "all"],
    ):
        assert npfctl.main(words) == 0, words
    capsys.readouterr()
    assert npfctl.main(["table", "t", "list"]) == 0
    assert capsys.readouterr().out == "127.0.0.0/8\n"
    assert npfctl.main(["rule", "dyn", "list"]) == 0
    ident = capsys.readouterr().out.split("# id ")[1].strip()
    assert npfctl.main(["rule", "dyn", "rem-id", ident]) == 0
    assert npfctl.main(["rule", "dyn", "rem-id", ident]) == 1
    assert npfctl.main(["show"]) == 0
    shown = capsys.readouterr().out
    assert "# filtering: active" in shown
    assert "block in proto udp from <t>" in shown
    client = k.sys.socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
    k.sys.sendto(client, b"x", 0, ("127.0.0.1", 7777))
    assert npfctl.main(["--json", "stats"]) == 0
    assert '"blocked: ruleset": 1' in capsys.readouterr().out
    assert npfctl.main(["stop"]) == 0
    assert npfctl.main(["flush"]) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("group g {\n pass\n}", ""),
        ("table t type lpm", "expected a table's name"),
        ("pass all", "a statement begins with"),
        ('group "g" {\n pass al\n}', "not expected here"),
        ('group "g" {\n pass proto tcp flags X/S\n}', "flags of TCP"),
        ('group "g" {\n pass to 10.0.0.300\n}', "not an address"),
        ('group "g" {\n pass to $x\n}', "not set before"),
        ("map e dynamic 10.0.0.0/8 10.0.0.1", "expected ->"),
        ('group "g" {\n pass to any port nosuchservice\n}', "the name of a service"),
        ('group "g" {', "expected"),
    ],
)
def test_errors_of_configurations_say_where(
    text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf = tmp_path / "npf.conf"
    conf.write_text(text)
    assert npfctl.main(["validate", str(conf)]) == bool(said)
    err = capsys.readouterr().err
    assert said in err
    if said:
        assert f"{conf}:" in err
