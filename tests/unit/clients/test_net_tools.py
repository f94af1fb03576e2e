"""rump.ifconfig, route, arp, ndp, netstat, sockstat and netconfig on a kernel in this process."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterator

import pytest

import rump
from rumpclients import _net, arp, ifconfig, netconfig, netstat, route

Shell = Callable[[str], str]
TOOLS = {
    "ifconfig": ifconfig.main, "route": route.main, "arp": arp.main, "ndp": arp.main6, "netstat": netstat.main,
    "sockstat": netstat.sockstat, "netconfig": netconfig.main,
}  # fmt: skip


@pytest.fixture
def k(monkeypatch: pytest.MonkeyPatch) -> Iterator[rump.Kernel]:
    with rump.Kernel(factions=("net",)) as kernel:
        for tool in (ifconfig, route, arp, netstat, netconfig):
            monkeypatch.setattr(tool, "connect", lambda prog: contextlib.nullcontext(kernel))
        yield kernel


@pytest.fixture
def sh(k: rump.Kernel, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Runs a command; its output, or what it said when it failed behind ``!``."""

    def command(line: str) -> str:
        name, *words = line.split()
        status = TOOLS[name](words)
        said = capsys.readouterr()
        return f"!{status} {said.err}" if status else said.out

    return command


# -- ifconfig


def test_an_interface_from_creation_to_destruction(sh: Shell) -> None:
    assert sh("ifconfig -l") == "lo0\n"
    assert not sh("ifconfig vether0 create")
    assert not sh("ifconfig vether0 10.0.0.1/24 up")
    shown = sh("ifconfig vether0").splitlines()
    assert shown[0] == "vether0: flags=0x8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> mtu 1500"
    assert "\tinet 10.0.0.1/24 broadcast 10.0.0.255 flags 0x0" in shown
    assert not sh("ifconfig vether0 inet 10.1.0.1 netmask 255.255.0.0 broadcast 10.1.255.255 alias")
    assert not sh("ifconfig vether0 mtu 1400 metric 3 down")
    shown = sh("ifconfig vether0").splitlines()
    assert shown[0].endswith("mtu 1400")
    assert "UP" not in shown[0]
    assert "\tinet 10.1.0.1/16 broadcast 10.1.255.255 flags 0x0" in shown
    assert not sh("ifconfig vether0 10.1.0.1 -alias")
    assert not sh("ifconfig vether0 10.0.0.9/24"), "without alias it takes the place of the first"
    assert "10.0.0.1/" not in sh("ifconfig vether0")
    assert not sh("ifconfig vether0 down")
    assert sh("ifconfig -u -l") == "lo0\n"
    assert sh("ifconfig -d -l") == "vether0\n"
    assert not sh("ifconfig vether0 destroy")
    assert sh("ifconfig vether0") == "!1 rump.ifconfig: interface vether0 does not exist\n"


def test_ipv6_addresses(sh: Shell) -> None:
    sh("ifconfig vether0 create up")
    assert not sh("ifconfig vether0 inet6 2001:db8::1/64 nodad vltime 7200 pltime 3600")
    assert "\tinet6 2001:db8::1/64 flags 0x0 pltime 3600 vltime 7200" in sh("ifconfig -L vether0")
    assert "inet6 fe80::" in sh("ifconfig vether0")
    assert not sh("ifconfig vether0 inet6 2001:db8:1::/64 eui64")
    assert "inet6 2001:db8:1:0:b0a0:" in sh("ifconfig vether0") or "inet6 2001:db8:1::b0a0:" in sh("ifconfig vether0")
    assert not sh("ifconfig vether0 inet6 2001:db8::1 delete")
    assert "2001:db8::1/64" not in sh("ifconfig vether0")


def test_link_addresses(sh: Shell) -> None:
    sh("ifconfig vether0 create")
    assert not sh("ifconfig vether0 link 02:00:00:00:00:01 active")
    assert "address: 02:00:00:00:00:01" in sh("ifconfig vether0")
    assert sh("ifconfig vether0 link 02:00:00:00:00:01 -alias").startswith("!1")


def test_kinds(sh: Shell) -> None:
    sh("ifconfig vether0 create up")
    sh("ifconfig vether1 create up")
    assert not sh("ifconfig vlan5 create vlan 5 vlanif vether0")
    assert "vlan: 5 parent: vether0" in sh("ifconfig vlan5")
    assert not sh("ifconfig gif0 create tunnel 10.0.0.1 10.0.0.2")
    assert "tunnel: 10.0.0.1 --> 10.0.0.2" in sh("ifconfig gif0")
    assert not sh("ifconfig gif0 deletetunnel")
    assert "tunnel" not in sh("ifconfig gif0")
    assert not sh("ifconfig lagg0 create laggproto failover laggport vether1")
    assert "laggport: vether1" in sh("ifconfig lagg0")
    assert not sh("ifconfig lagg0 -laggport vether1")
    assert not sh("ifconfig bridge0 create addm vether1 up")
    assert "member: vether1" in sh("ifconfig bridge0")
    assert not sh("ifconfig bridge0 deletem vether1")
    assert "member" not in sh("ifconfig bridge0")
    assert "vlan" in sh("ifconfig -C").split()


def test_counters_and_json(sh: Shell) -> None:
    (row,) = json.loads(sh("ifconfig -v --json lo0"))
    assert row["addresses"][0]["address"] == "127.0.0.1"
    assert row["counters"]["ipackets"] >= 0
    assert "input: " in sh("ifconfig -v lo0")


@pytest.mark.parametrize(
    "line",
    ["ifconfig lo0 mtu", "ifconfig lo0 mtu x", "ifconfig lo0 -nosuch", "ifconfig lo0 prefixlen 8",
     "ifconfig lo0 10.0.0.1/x", "ifconfig lo0 inet6 ::2/64 vltime soon"],
)  # fmt: skip
def test_wrong_words(sh: Shell, line: str) -> None:
    assert sh(line).startswith("!2 ")


# -- route


@pytest.fixture
def wired(sh: Shell) -> Shell:
    sh("ifconfig vether0 create 10.0.0.1/24 up")
    sh("ifconfig vether0 inet6 2001:db8::1/64 nodad")
    return sh


def test_routes_come_and_go(wired: Shell) -> None:
    assert wired("route add default 10.0.0.254") == "add net default: gateway 10.0.0.254\n"
    assert wired("route add -net 10.9.0.0/16 10.0.0.253") == "add net 10.9.0.0/16: gateway 10.0.0.253\n"
    assert wired("route add -net 10.8 -netmask 255.255.0.0 10.0.0.253").startswith("add net 10.8.0.0/16")
    assert wired("route add -inet6 default 2001:db8::fe") == "add net default: gateway 2001:db8::fe\n"
    assert wired("route -q add -host 10.7.0.1 127.0.0.1 -blackhole") == ""
    assert wired("route add default 10.0.0.254").startswith("!1 ")
    shown = wired("route show")
    assert "default            10.0.0.254         UGS" in shown
    assert "Internet6:" in shown
    got = wired("route get 10.9.1.1")
    assert "destination: 10.9.0.0/16" in got
    assert "gateway: 10.0.0.253" in got
    assert "interface: vether0" in got
    assert wired("route change -net 10.9.0.0/16 10.0.0.252").startswith("change net")
    assert "gateway: 10.0.0.252" in wired("route get 10.9.1.1")
    assert wired("route delete -net 10.9.0.0/16") == "delete net 10.9.0.0/16\n"
    assert wired("route delete -net 10.9.0.0/16").startswith("!1 ")
    assert "10.0.0.254" in wired("route flush")
    assert "UGS" not in wired("route show")
    rows = json.loads(wired("route --json show -inet"))["inet"]
    assert {"destination", "gateway", "flags", "interface"} <= set(rows[0])


@pytest.mark.parametrize("line", ["route add", "route add default 10.0.0.2 -mtu", "route add default 1.2.3.4 -nosuch"])
def test_wrong_routes(wired: Shell, line: str) -> None:
    assert wired(line).startswith("!2 ")


def test_routes_are_watched(wired: Shell, k: rump.Kernel, capsys: pytest.CaptureFixture[str]) -> None:
    from rumpclients import _route

    with _route.routing_socket(k) as fd:
        wired("route add -net 10.9.0.0/16 10.0.0.253")
        wired("ifconfig vether0 10.0.5.1/24 alias")
        k.sys.fcntl(fd, rump.F_SETFL, rump.O_NONBLOCK)
        lines = []
        while True:
            try:
                lines.append(_route.message(k.pub.route_recv(fd, 0) or rump.Rtmsg()))
            except BlockingIOError:
                break
    assert any(line.startswith("RTM_ADD: ") and "10.9.0.0/16 via 10.0.0.253" in line for line in lines), lines
    assert any(line.startswith("RTM_NEWADDR: vether0: 10.0.5.1/24") for line in lines), lines


# -- neighbours


def test_arp(wired: Shell) -> None:
    assert not wired("arp -s 10.0.0.7 02:00:00:00:00:07")
    assert wired("arp 10.0.0.7") == "? (10.0.0.7) at 02:00:00:00:00:07 on vether0 permanent\n"
    assert not wired("arp -s 10.0.0.8 02:00:00:00:00:08 pub")
    assert "published" in wired("arp -a")
    assert wired("arp 10.0.0.9") == "!1 rump.arp: 10.0.0.9: no entry\n"
    assert not wired("arp -d 10.0.0.7")
    assert "10.0.0.7" not in wired("arp -a")
    assert not wired("arp -d -a")
    assert wired("arp").startswith("!2 ")
    assert wired("arp -s 10.0.0.7 02:00").startswith("!1 ")


def test_ndp(wired: Shell) -> None:
    assert not wired("ndp -s 2001:db8::7 02:00:00:00:00:07")
    shown = wired("ndp -a").splitlines()
    assert shown[0].startswith("Neighbor")
    assert any(line.split()[:3] == ["2001:db8::7", "02:00:00:00:00:07", "vether0"] for line in shown)
    assert not wired("ndp -c")
    assert "2001:db8::7" not in wired("ndp -a")
    assert not wired("ndp -r")


# -- netstat and sockstat


def test_sockets_are_listed(wired: Shell, k: rump.Kernel) -> None:
    with k.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound, k.socket(socket.AF_INET, socket.SOCK_DGRAM) as connected:
        bound.bind(("10.0.0.1", 5000))
        connected.connect(("10.0.0.1", 5000))
        assert "10.0.0.1.5000" in wired("netstat -a")
        (line,) = [line for line in wired("netstat").splitlines() if line.startswith("udp")]
        assert line.split()[4] == "10.0.0.1.5000"
        assert wired("sockstat -p 5000").count("udp") == 2
        assert wired("sockstat -p 5001").count("udp") == 0
        assert wired("sockstat -6").count("udp ") == 0
        assert json.loads(wired("sockstat --json -c"))[0]["foreign"] == "10.0.0.1.5000"
        header, line = wired("sockstat -l -4 -p 5000").splitlines()
        assert header.split()[:5] == ["USER", "COMMAND", "PID", "FD", "PROTO"]
        assert line.split()[0] == "root"
        assert line.split()[2:] == [str(k.pid), str(bound.fileno()), "udp", "10.0.0.1.5000", "*.*"]
    assert "5000" not in wired("netstat -a")


def test_owners_of_sockets(wired: Shell, k: rump.Kernel) -> None:
    """A socket of two processes is in two rows."""
    with k.fork() as child:
        shared = child.sys.socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
        child.sys.bind(shared, rump.SockaddrIn(bytes([10, 0, 0, 1]), 5003))
        with child.fork() as heir:
            rows = json.loads(wired("sockstat --json -p 5003"))
            assert [(row["pid"], row["fd"]) for row in rows] == [(child.pid, shared), (heir.pid, shared)]
        child.sys.setuid(7)
        assert [row["user"] for row in json.loads(wired("sockstat --json -p 5003"))] == ["7"]


def test_what_nobody_holds_is_nobodys(wired: Shell, k: rump.Kernel) -> None:
    with k.socket(socket.AF_INET, socket.SOCK_STREAM) as server, k.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        server.bind(("10.0.0.1", 5002))
        server.listen(1)
        client.connect(("10.0.0.1", 5002))
        served, _ = server.accept()
        client.close()
        served.close()
        (row,) = [row for row in json.loads(wired("sockstat --json -p 5002")) if row["state"] == "TIME_WAIT"]
        assert (row["user"], row["command"], row["pid"], row["fd"]) == (None, None, None, None)
        (line,) = [line for line in wired("sockstat -p 5002").splitlines() if "TIME_WAIT" in line]
        assert line.split()[:4] == ["?"] * 4


def test_interfaces_and_counters(wired: Shell, k: rump.Kernel) -> None:
    with k.socket(socket.AF_INET, socket.SOCK_DGRAM) as so:
        so.sendto(b"x", ("127.0.0.1", 9))
    assert any(
        line.split()[:4] == ["lo0", "33624", "127.0.0.0/8", "127.0.0.1"] for line in wired("netstat -i").splitlines()
    )
    assert "Ibytes" in wired("netstat -ib")
    assert "Internet:" in wired("netstat -rn")
    assert wired("netstat -s -p ip").startswith("ip:\n")
    assert wired("netstat -s -p nosuch").startswith("!2 ")
    assert "arp" in json.loads(wired("netstat -s --json"))


# -- netconfig


def test_single_calls(sh: Shell) -> None:
    assert not sh("netconfig ifcreate vether3")
    assert not sh("netconfig ipv4_ifaddr_cidr vether3 10.3.0.1 24")
    assert "10.3.0.1/24" in sh("ifconfig vether3")
    assert sh("netconfig nosuch").startswith("!2 ")
    assert sh("netconfig ifcreate").startswith("!2 ")
    assert sh("netconfig ipv4_ifaddr_cidr vether3 10.3.0.1 x").startswith("!2 ")


# -- addresses


@pytest.mark.parametrize(("text", "length"), [("255.255.255.0", 24), ("0xffff0000", 16), ("0.0.0.0", 0)])
def test_masks(text: str, length: int) -> None:
    assert _net.prefix_of_mask(text) == length


def test_masks_with_holes() -> None:
    with pytest.raises(Exception, match="holes"):
        _net.prefix_of_mask("255.0.255.0")
