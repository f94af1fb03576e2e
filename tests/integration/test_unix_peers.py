"""Users of this host: the policy tells them apart where they attach over frames, and nothing leads around that."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

import rump
import rump.aio
from rumpuser.authority import Authority
from rumpwire import rump_sp_pb2
from rumpwire.errno import Errno
from tests.live import LiveKernel, eventually, start_kernel

sp: Any = rump_sp_pb2

ALICE, BOB, EVE = 20001, 20002, 20003
STAFF, USERS = 30001, 30002

POLICY = """
[jwt]
keys = "ca/keys.json"
issuer = "rump ca"
audience = "rump"
algorithms = ["EdDSA"]

[[rule]]
match = "jwt:web"
uid = 7

[[rule]]
match = "uid:{alice}"
uid = 1000
gid = 100
groups = [100, 20]
limits = {{ processes = 3 }}

[[rule]]
match = "gid:{staff}"
uid = 2000
allow = ["system.chroot.chroot"]

[[rule]]
match = "uid:{me}"
uid = 0

[[rule]]
match = "unix"
uid = 9000
deny = ["process.fork"]
"""

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: becomes other users of this host")


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with tempfile.TemporaryDirectory(prefix="rump-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        Authority.create(folder / "ca")
        _write_policy(folder)
        live = start_kernel(
            folder, "--placement", "server", "--url", f"unix://{folder}/k.sock", "--socket-mode", "0666",
            "--policy", str(folder / "policy.toml"), "--audit-log", str(folder / "audit.log"),
        )  # fmt: skip
        yield live
        assert live.stop() == 0
        assert live.process.stdout is not None
        live.process.stdout.close()


def _write_policy(folder: Path, **changes: int) -> None:
    ids = {"alice": ALICE, "staff": STAFF, "me": os.geteuid(), **changes}
    (folder / "policy.new").write_text(POLICY.format(**ids))
    (folder / "policy.new").replace(folder / "policy.toml")


@contextmanager
def user(uid: int, gid: int = USERS, groups: Sequence[int] = ()) -> Iterator[None]:
    """What connects meanwhile connects as this user of the host."""
    before = os.getgroups(), os.getegid(), os.geteuid()
    os.setgroups(groups)
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(before[2])
        os.setegid(before[1])
        os.setgroups(before[0])


def connect(kernel: LiveKernel, *who: Any) -> rump.Client:
    with user(*who):
        return rump.connect(kernel.url)


def grpc_call(kernel: LiveKernel, method: str, request: Any = b"", metadata: Any = ()) -> bytes:
    with grpc.insecure_channel(kernel.url.replace("unix://", "unix:")) as channel:
        call: Any = channel.unary_unary(f"/rump.sp.v1.{method}")
        reply: bytes = call(request, metadata=metadata, timeout=20)
        return reply


@root
def test_the_user_of_the_host_decides(kernel: LiveKernel) -> None:
    with connect(kernel, ALICE) as k:
        assert (k.sys.getuid(), k.sys.getgid(), list(k.sys.getgroups().gidset)) == (1000, 100, [100, 20])
        with pytest.raises(PermissionError, match="chroot"):
            k.sys.chroot("/tmp")
    with connect(kernel, BOB, STAFF) as k:
        assert k.sys.getuid() == 2000
        k.sys.chroot("/tmp")
    with connect(kernel, BOB, USERS, [USERS, STAFF]) as k:
        assert k.sys.getuid() == 2000, "further groups count as well"
    with connect(kernel, EVE) as k:
        assert k.sys.getuid() == 9000, "who is nobody in particular still came by the unix socket"
        with pytest.raises(PermissionError, match="fork"):
            k.fork()


@root
def test_limits_are_those_of_the_user(kernel: LiveKernel) -> None:
    with connect(kernel, ALICE) as first, connect(kernel, ALICE):
        with user(ALICE):
            child = first.fork()
        assert child.sys.getuid() == 1000
        with pytest.raises(OSError, match="uid:20001 has 3 processes"):
            connect(kernel, ALICE)
        with connect(kernel, BOB) as k:
            assert k.sys.getuid() == 9000
        child.close()


def test_one_s_own_user_with_and_without_asyncio(kernel: LiveKernel) -> None:
    with rump.connect(kernel.url) as k:
        assert k.sys.getuid() == 0
        assert k.status()["components"]

    async def use() -> None:
        async with rump.aio.connect(kernel.url) as k:
            assert await k.sys.getuid() == 0
            assert await k.processes()

    asyncio.run(use())


@pytest.mark.parametrize("method", ["Attach", "Status", "Processes", "Statistics"])
def test_grpc_on_the_same_socket_proves_nothing(kernel: LiveKernel, method: str) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        grpc_call(kernel, f"Session/{method}", sp.AttachRequest(comm="x").SerializeToString())
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert "attach through that of frames" in (refused.value.details() or "")


def test_a_token_proves_who_one_is_over_grpc_as_well(kernel: LiveKernel) -> None:
    token = Authority(kernel.folder / "ca").token("web", "rump ca", "rump", 60.0)
    request = sp.AttachRequest(comm="x", token=token)
    reply = sp.AttachResponse.FromString(grpc_call(kernel, "Session/Attach", request.SerializeToString()))
    metadata = (("rump-session", reply.session),)
    assert grpc_call(kernel, "Kern/Getuid", metadata=metadata).startswith(b"\x08\x07")
    assert grpc_call(kernel, "Session/Status", metadata=(("authorization", f"Bearer {token}"),))
    grpc_call(kernel, "Session/Detach", metadata=metadata)


@root
def test_unary_calls_of_a_session_that_attached_in_frames_are_hers_and_no_more(kernel: LiveKernel) -> None:
    """They go over gRPC, which proves nothing there: the session's identity is what holds, with all its limits."""
    with connect(kernel, ALICE) as k:
        connection: Any = k._connection
        session = (("rump-session", connection._attached.token),)
        assert grpc_call(kernel, "Kern/Getuid", metadata=session).startswith(b"\x08\xe8\x07")  # 1000
        forked = sp.ForkResponse.FromString(grpc_call(kernel, "Session/Fork", metadata=session))
        child = (("rump-session", forked.session),)
        assert grpc_call(kernel, "Kern/Getuid", metadata=child).startswith(b"\x08\xe8\x07")
        grpc_call(kernel, "Session/Detach", metadata=child)
        for method, action in (("Vfs/Chroot", "system.chroot.chroot"), ("Kern/Reboot", "system.reboot")):
            with pytest.raises(grpc.RpcError) as refused:
                grpc_call(kernel, method, metadata=session)
            assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED, method
            assert f"uid 1000 is not allowed {action}" in (refused.value.details() or "")
        with user(ALICE):
            child_of_frames = k.fork()
        with pytest.raises(OSError, match="uid:20001 has 3 processes"), connect(kernel, ALICE):
            connect(kernel, ALICE)
        child_of_frames.close()
        with pytest.raises(grpc.RpcError) as refused:
            grpc_call(kernel, "Kern/Getuid")
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


@root
def test_a_session_is_of_use_to_its_user_alone(kernel: LiveKernel) -> None:
    with connect(kernel, ALICE) as k:
        with user(EVE):
            eve = _show(kernel, k)
        eve.settimeout(20)
        length = int.from_bytes(eve.recv(4, socket.MSG_WAITALL), "little")
        assert sp.StreamResponse.FromString(eve.recv(length, socket.MSG_WAITALL)).end.errno == Errno.EAUTH
        eve.close()
        assert k.sys.getpid() == k.pid
        with user(ALICE):
            alice = _show(kernel, k)
        eventually(lambda: _ended(k), 30, "her own other program takes the session over")
        alice.close()
    assert f"uid {EVE}" in _refused(kernel, "action=session")


def _show(kernel: LiveKernel, k: rump.Client) -> socket.socket:
    """Connects with the token of a session."""
    connection: Any = k._connection
    link = socket.socket(socket.AF_UNIX)
    link.connect(kernel.url.removeprefix("unix://") + ".frames")
    hello = connection._attached.token.encode()
    link.sendall(len(hello).to_bytes(4, "little") + hello)
    return link


def _refused(kernel: LiveKernel, what: str) -> str:
    lines = (kernel.folder / "audit.log").read_text().splitlines()
    return next(line for line in lines if "msg=refused" in line and what in line)


@root
def test_the_audit_log_has_the_user_and_the_program(kernel: LiveKernel) -> None:
    with connect(kernel, ALICE):
        lines = (kernel.folder / "audit.log").read_text().splitlines()
    line = [line for line in lines if f"who=uid:{ALICE}" in line and "action=attach" in line][-1]
    assert "msg=granted" in line
    assert "uid=1000" in line
    assert f"k.sock pid {os.getpid()} uid {ALICE} gid {USERS}" in line


@root
def test_a_rule_that_changes_ends_the_sessions_of_its_users_alone(kernel: LiveKernel) -> None:
    with connect(kernel, ALICE) as alice, connect(kernel, EVE) as eve:
        try:
            _write_policy(kernel.folder, alice=BOB)
            eventually(lambda: _ended(alice), 30, "what was the rule of another is not that of alice")
            assert eve.sys.getuid() == 9000
            with connect(kernel, BOB) as k:
                assert k.sys.getuid() == 1000
        finally:
            _write_policy(kernel.folder)


def _ended(k: rump.Client) -> bool:
    try:
        k.sys.getpid()
    except OSError:
        return True
    return False
