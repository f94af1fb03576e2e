"""rump.tcpdump: its own lines, and what it does without and with the host's tcpdump."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import rump
from rumpclients import _npf_conf, tcpdump
from rumpclients._command import CommandError
from rumpclients._packets import describe
from tests.live import LiveKernel, live_kernel
from tests.tools import need

ETHER = bytes.fromhex("020000000002020000000001")
IPV4 = bytes.fromhex("4500002a0001000040110000") + bytes([10, 0, 0, 1, 10, 0, 0, 2])
UDP = bytes.fromhex("0035040000160000")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (ETHER + b"\x08\0" + IPV4 + UDP, "IP 10.0.0.1.53 > 10.0.0.2.1024: UDP"),
        (ETHER + b"\x81\0\0\x0a\x08\0" + IPV4 + UDP, "vlan 10, IP 10.0.0.1.53 > 10.0.0.2.1024: UDP"),
        (b"\2\0\0\0" + IPV4[:9] + b"\1" + IPV4[10:], "IP 10.0.0.1 > 10.0.0.2: ICMP"),
        (ETHER + b"\x08\0" + IPV4[:9] + b"\x84" + IPV4[10:], "IP 10.0.0.1 > 10.0.0.2: protocol 132"),
        (
            ETHER + b"\x86\xdd\x60\0\0\0\0\x08\x06\x40" + bytes(15) + b"\1" + bytes(15) + b"\2" + UDP,
            "IP6 ::1.53 > ::2.1024: TCP",
        ),
        (
            ETHER + b"\x08\x06\0\1\x08\0\6\4\0\1" + bytes(6) + bytes([10, 0, 0, 1]) + bytes(6) + bytes([10, 0, 0, 2]),
            "ARP, Request who-has 10.0.0.2 tell 10.0.0.1",
        ),
        (ETHER + b"\x88\xcc" + bytes(50), "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 0x88cc"),
        (ETHER + b"\x08\0" + IPV4[:10], "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 0x0800"),
        (b"short", "short"),
    ],
)
def test_lines_of_our_own(data: bytes, text: str) -> None:
    assert describe(1, 42, data, 99).split(".000042 ", 1)[1] == f"{text}, length 99"


def test_any_packet_has_a_line() -> None:
    whole = ETHER + b"\x81\0\0\x0a\x08\0" + IPV4 + UDP
    for cut in range(len(whole)):
        assert describe(0, 0, whole[:cut], 1)
        assert describe(0, 0, os.urandom(cut), 1)


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--factions", "net", "--placement", "server") as made:
        yield made


class Done(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def run(
    kernel: LiveKernel, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Done]]:
    """The program, while somebody sends datagrams over lo0."""
    monkeypatch.setenv("RUMP_SERVER", kernel.url)
    ended = threading.Event()

    def send() -> None:
        with rump.connect(kernel.url) as k, k.socket(rump.AF_INET, rump.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 7777))
            while not ended.wait(0.02):
                s.sendto(b"hello", ("127.0.0.1", 7777))

    def program(*arguments: str) -> Done:
        try:
            status = tcpdump.main(arguments)
        except SystemExit as end:
            status = int(end.code or 0)
        return Done(status, *capfd.readouterr())

    sender = threading.Thread(target=send)
    sender.start()
    yield program
    ended.set()
    sender.join()


Run = Callable[..., Done]


def test_without_the_tcpdump_of_the_host(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcpdump, "_host_tcpdump", lambda: None)
    done = run("-c", "2")
    assert done.status == 0, done.err
    assert done.out.count("IP 127.0.0.1.7777 > 127.0.0.1.7777: UDP, length 37") == 2
    assert done.err.startswith("listening on lo0, link-type NULL\n2 packets captured\n")
    done = run("udp")
    assert (done.status, done.err.count("\n")) == (1, 1)
    assert "expressions need the tcpdump of this machine" in done.err


def test_files_and_options(run: Run, tmp_path: Path) -> None:
    program = need("tcpdump")
    file = tmp_path / "file.pcap"
    done = run("-i", "lo0", "-c", "3", "-s", "40", "-w", str(file), "udp and port 7777")
    assert done.status == 0, done.err
    listed = subprocess.run([program, "-nr", str(file)], capture_output=True, text=True, check=True).stdout
    assert listed.count("127.0.0.1.7777 > 127.0.0.1.7777") == 3
    assert "0x0000:  4500 0021" in run("-c", "1", "-x", "udp").out
    assert run("-D").out == "1.lo0\n"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["-i", "nope0"], 1), (["-y", "EN10MB"], 2), (["-s", "0"], 2), (["-c", "-1"], 2), (["no", "such", "filter"], 2)],
)
def test_refusals(run: Run, arguments: list[str], status: int) -> None:
    need("tcpdump")
    done = run(*arguments)
    assert done.status == status
    assert done.err.strip().splitlines()[-1].startswith("rump.tcpdump: ")


@pytest.fixture
def logging(kernel: LiveKernel, tmp_path: Path) -> Iterator[None]:
    """The filter logs what comes for port 7777, and lets it pass."""
    rules = tmp_path / "npf.conf"
    rules.write_text('procedure "log" { log: npflog0 }\ngroup default {\n pass all\n'
                     ' pass in final proto udp to any port 7777 apply "log"\n}\n')  # fmt: skip
    with rump.connect(kernel.url) as k:
        k.pub.netconfig_ifcreate("npflog0")
        k.pub.npf_load(_npf_conf.parse(rules.read_text()))
        k.pub.npf_switch(True)
        yield
        k.pub.npf_switch(False)
        k.pub.netconfig_ifdestroy("npflog0")


def test_what_the_filter_logs(run: Run, logging: None, monkeypatch: pytest.MonkeyPatch) -> None:
    need("tcpdump")
    line = "rule 2/0(match): pass in on lo0: 127.0.0.1.7777 > 127.0.0.1.7777: UDP, length 5"
    done = run("-i", "npflog0", "-c", "2", "-e", "-t")
    assert done.out.splitlines() == [line] * 2
    wanted = "rnr 2 and action pass and inbound and on lo0 and udp port 7777"
    done = run("-i", "npflog0", "-c", "1", "-e", "-t", "-vv", wanted)
    assert "udp sum ok" in done.out
    monkeypatch.setattr(tcpdump, "_host_tcpdump", lambda: None)
    assert "IP 127.0.0.1.7777 > 127.0.0.1.7777: UDP, length 33" in run("-i", "npflog0", "-c", "1").out


def test_buffers_that_make_no_sense() -> None:
    assert list(tcpdump.split(b"")) == []
    with pytest.raises(CommandError):
        list(tcpdump.split(bytes(33)))
