"""Filter programs: what is refused, what they answer, and that tcpdump's programs take what tcpdump takes."""

from __future__ import annotations

import contextlib
import random
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpnet.core.bpf import program
from rumpnet.core.bpf.program import INSNS_MAX, compiled, validate
from rumpnet.core.wire import pcapng
from rumpwire.errno import KernelError
from rumpwire.values import BpfInsn
from tests.tools import need
from tests.unit.net.bpf.reference import interpret

EXPRESSIONS = (
    "arp", "ip", "ip6", "tcp", "udp port 53", "tcp dst port 80", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "host 10.0.0.1", "src net 10.0.0.0/8 and not icmp", "ip[6:2] & 0x1fff != 0", "greater 600", "less 70",
    "ether broadcast", "ether multicast and not arp", "vlan 10", "vlan and ip", "ip6 and udp portrange 1000-2000",
    "icmp[icmptype] == icmp-echo", "ip[2:2] % 3 == 1", "(ip[0] & 0xf) * 4 > 20", "ether[12:2] >> 8 = 8",
    "tcp port 80 or (udp and (src host 10.0.0.2 or dst port 9)) or ip proto 41", "len - 14 < ip[2:2]",
    "ether src 02:00:00:00:00:01",
)  # fmt: skip


def packets() -> list[bytes]:
    """Frames of many kinds, some of them cut short."""
    rng = random.Random(4)
    made = [_frame(rng) for _ in range(400)]
    return [data[: rng.randrange(14, len(data))] if rng.random() < 0.15 else data for data in made]


def _frame(rng: random.Random) -> bytes:
    dst = rng.choice([b"\xff" * 6, b"\1\0\x5e\0\0\1", b"\2\0\0\0\0\2"])
    ether = dst + b"\2\0\0\0\0" + bytes([rng.choice((1, 2))])
    if rng.random() < 0.2:
        ether += struct.pack("!HH", 0x8100, rng.choice((10, 11, 0x600A)))
    proto = rng.choice((1, 6, 17, 41))
    if rng.random() < 0.7:
        return ether + b"\x08\0" + _ipv4(rng, proto, _upper(rng, proto))
    if rng.random() < 0.7:
        upper = _upper(rng, proto)
        return ether + b"\x86\xdd\x60\0\0\0" + struct.pack("!HBB", len(upper), proto, 64) + bytes(32) + upper
    return ether + b"\x08\x06" + bytes(28)


def _upper(rng: random.Random, proto: int) -> bytes:
    begin = struct.pack("!HH", rng.choice((53, 80, 1234)), rng.choice((9, 53, 80, 1500)))
    if proto == 1:
        begin = bytes([rng.choice((0, 8, 3)), 0, 0, 0])
    return begin + bytes(9) + bytes([rng.choice((2, 0x10, 0x11))]) + bytes(6 + rng.randrange(900))


def _ipv4(rng: random.Random, proto: int, upper: bytes) -> bytes:
    options = bytes(4 * rng.choice((0, 0, 1)))
    src, dst = (bytes([10, rng.choice((0, 1)), 0, rng.choice((1, 2))]) for _ in range(2))
    sizes = struct.pack("!HHH", 20 + len(options) + len(upper), 1, rng.choice((0, 0, 0x2000, 100)))
    return bytes([0x45 + len(options) // 4, 0]) + sizes + bytes([64, proto, 0, 0]) + src + dst + options + upper


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bytes]]:
    """One packet per second, so that tcpdump's lines say which they are."""
    path = tmp_path_factory.mktemp("bpf") / "all.pcapng"
    made = packets()
    blocks = [pcapng.packet((1000 + n) * 10**9, data, len(data), out=False) for n, data in enumerate(made)]
    path.write_bytes(pcapng.header("eth0", 1, 262144) + b"".join(blocks))
    return path, made


def assemble(expression: str) -> list[BpfInsn]:
    done = subprocess.run(
        [need("tcpdump"), "-y", "EN10MB", "-ddd", expression], capture_output=True, text=True, check=True
    )
    return [BpfInsn(*map(int, line.split())) for line in done.stdout.splitlines()[1:]]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_programs_of_tcpdump_take_what_tcpdump_takes(capture: tuple[Path, list[bytes]], expression: str) -> None:
    path, made = capture
    if subprocess.run([need("tcpdump"), "-r", path, "-ddd", expression], capture_output=True, check=False).returncode:
        pytest.skip("this tcpdump does not know the expression")
    insns = assemble(expression)
    run = compiled(insns)
    ours = [number for number, data in enumerate(made) if run(memoryview(data), len(data))]
    listed = subprocess.run(
        [need("tcpdump"), "-nttr", str(path), expression], capture_output=True, text=True, check=True
    ).stdout
    theirs = [int(line.split(".")[0]) - 1000 for line in listed.splitlines() if line[:1].isdigit()]
    assert ours == theirs
    assert ours == [number for number, data in enumerate(made) if interpret(insns, data, len(data))]
    assert 0 < len(ours) < len(made)


_CODES = sorted(program._CODES)


@st.composite
def programs(draw: st.DrawFn) -> list[BpfInsn]:
    count = draw(st.integers(0, 14))
    made = []
    for number in range(count):
        rest = count - number
        code = draw(st.sampled_from(_CODES))
        kind = code & 7
        if kind == 5:
            jump = st.integers(0, rest - 1)
            made.append(BpfInsn(code, draw(jump), draw(jump), draw(jump if code == 5 else st.integers(0, 300))))
            continue
        k = draw(st.one_of(st.integers(0, 40), st.integers(0, 0xFFFFFFFF)))
        if kind in (2, 3) or (kind in (0, 1) and code & 0xE0 == 0x60):
            k %= 16
        if kind == 4 and code & 0xF0 in (0x30, 0x90) and not code & 8:
            k = k or 1
        made.append(BpfInsn(code, 0, 0, k))
    return [*made, BpfInsn(0x16)]


@settings(max_examples=200, deadline=None)
@given(insns=programs(), data=st.binary(max_size=60), more=st.integers(0, 10))
def test_the_translation_is_the_machine(insns: list[BpfInsn], data: bytes, more: int) -> None:
    assert compiled(insns)(memoryview(data), len(data) + more) == interpret(insns, data, len(data) + more)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.builds(BpfInsn, *[st.integers(0, 2**32 - 1)] * 4), max_size=6), st.binary(max_size=40))
def test_anything_is_refused_or_runs_to_its_end(insns: list[BpfInsn], data: bytes) -> None:
    with contextlib.suppress(KernelError):
        run = compiled(insns)
        assert 0 <= run(memoryview(data), len(data)) <= 0xFFFFFFFF


RET = BpfInsn(0x06, 0, 0, 1)


@pytest.mark.parametrize(
    "insns",
    [
        [BpfInsn(0x00)], [RET] * (INSNS_MAX + 1), [BpfInsn(0x15, 1, 0, 0), RET], [BpfInsn(0x15, 0, 1, 0), RET],
        [BpfInsn(0x05, 0, 0, 1), RET], [BpfInsn(0x05, 0, 0, 0xFFFFFFFF), RET], [BpfInsn(0x02, 0, 0, 16), RET],
        [BpfInsn(0x60, 0, 0, 16), RET], [BpfInsn(0x61, 0, 0, 16), RET], [BpfInsn(0x34, 0, 0, 0), RET],
        [BpfInsn(0x94, 0, 0, 0), RET], [BpfInsn(0xFFFF), RET], [BpfInsn(0x18), RET], [BpfInsn(0xA0), RET],
        [BpfInsn(0x0E), RET], [BpfInsn(0x06, 0, 0, 1 << 32)], [BpfInsn(0x10006)],
    ],
)  # fmt: skip
def test_programs_that_could_do_harm(insns: list[BpfInsn]) -> None:
    with pytest.raises(KernelError) as caught:
        validate(insns)
    assert caught.value.name == "EINVAL"


def test_the_longest_program_and_none() -> None:
    longest = [BpfInsn(0x04, 0, 0, 1)] * (INSNS_MAX - 1) + [BpfInsn(0x16)]
    assert compiled(longest)(memoryview(b""), 0) == INSNS_MAX - 1
    assert compiled([])(memoryview(b"x"), 1) == 0xFFFFFFFF
