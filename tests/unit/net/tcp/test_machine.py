"""The machine over a link in memory: handshake, data, close, in the usual course and in trouble."""

from __future__ import annotations

from rumpnet.core.tcp.state import State
from rumpwire.errno import Errno
from tests.unit.net.tcp.machines import B, Link, Trouble


def test_handshake_data_and_close() -> None:
    link = Link()
    client, server = link.pair()
    assert client.c.state == server.c.state == State.ESTABLISHED
    assert client.events == ["connected"]
    client.write(b"ping")
    link.run(0.1)
    assert server.got == b"ping"
    server.write(b"pong" * 10000)
    link.run(1)
    assert client.got == b"pong" * 10000
    client.shut()
    link.run(0.1)
    assert server.eof
    assert (client.c.state, server.c.state) == (State.FIN_WAIT_2, State.CLOSE_WAIT)
    server.shut()
    link.run(0.1)
    assert client.over
    assert server.over
    assert len(link.a.tcp.connections) == 1, "the one who closed first waits"
    assert not link.b.tcp.connections
    link.run(61)
    assert not link.a.tcp.connections


def test_refused() -> None:
    link = Link()
    client = link.a.connect(B, 81)
    link.run(0.1)
    assert client.errno == Errno.ECONNREFUSED
    assert not link.a.tcp.connections


def test_bulk() -> None:
    link = Link()
    client, server = link.pair()
    data = bytes(range(256)) * 4096 * 2
    client.write(data)
    client.shut()
    link.run(30)
    assert server.got == data
    assert link.a.tcp.stats["data packets retransmitted"] == 0


def test_bulk_with_loss() -> None:
    for seed in range(8):
        link = Link(seed=seed)
        client, server = link.pair()
        link.fate = Trouble(seed, loss=0.03, duplicate=0.02, reorder=0.1)
        data = bytes(range(256)) * 1024
        client.write(data)
        server.write(data[::-1])
        client.shut()
        server.shut()
        link.run(120)
        assert server.got == data, seed
        assert client.got == data[::-1], seed
        assert client.over
        assert server.over
