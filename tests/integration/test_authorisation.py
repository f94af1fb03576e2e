"""The matrix of the contract: every call, for everybody, allowed or refused as the contract says, by a running kernel.

Calls are made with empty arguments; what else is wrong with those does not matter. The columns are root, a root who may
do nothing, a user, nobody, for each action one who may do that alone, and a client without a credential.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass

import rump
from rumpuser.authority import Authority
from rumpuser.kauth import ANYBODY
from rumpuser.url import parse
from rumpwire import codec, const, rump_sp_pb2
from rumpwire.calls import OPS, Op
from rumpwire.errno import Errno, KernelError
from tests.live import LiveKernel, start_kernel

CALLS = [op for op in OPS.values() if not op.internal]
ALWAYS = sorted({op.authorisation for op in CALLS if op.authorisation})
LABELS = sorted({label for op in CALLS for label in (op.authorisation, *op.conditional) if label})
BROKEN = (Errno.EIO, Errno.ENOTCONN, Errno.ESTALE)
EVERYBODY = {action.label for action in ANYBODY}
RULES = """
[jwt]
keys = "{keys}"
issuer = "rump ca"
audience = "rump"
algorithms = ["EdDSA"]

[[rule]]
match = "jwt:root"
uid = 0

[[rule]]
match = "jwt:powerless"
uid = 0
allow = []
deny = "*"

[[rule]]
match = "jwt:user"
uid = 1000

[[rule]]
match = "jwt:nobody"
uid = 65534
deny = "*"
"""
ONLY = '\n[[rule]]\nmatch = "jwt:{label}"\nuid = 1000\ndeny = "{deny}"\nallow = "{label}"\n'


class Matrix:
    """A kernel, and a client for each identity."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority.create(folder / "ca")
        rules = RULES.format(keys=folder / "ca" / "keys.json")
        rules += "".join(ONLY.format(label=label, deny="generic") for label in LABELS)
        (folder / "policy.toml").write_text(rules)
        self.kernel: LiveKernel = start_kernel(
            folder / "k", "--placement", "server", "--policy", str(folder / "policy.toml"), "--log-level", "error"
        )
        self._clients: dict[str, rump.Client] = {}

    def client(self, who: str) -> rump.Client:
        if who not in self._clients:
            token = self.authority.token(who, "rump ca", "rump", 600)
            with mock.patch.dict(os.environ, {"RUMP_TOKEN": token}):
                self._clients[who] = rump.connect(self.kernel.url, timeout=0.2)
        return self._clients[who]

    def refused(self, who: str, op: Op, args: tuple[Any, ...] | None = None) -> str:
        """The action that a call was refused for, or nothing."""
        try:
            connection: Any = self.client(who)._connection
            connection.call(op, empty(op) if args is None else args)
        except KernelError as error:
            return named(error.text) if error.errno not in BROKEN else f"{op.name}: {error}"
        return ""

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self.kernel.stop()
        assert self.kernel.process.stdout is not None
        self.kernel.process.stdout.close()


def named(text: str) -> str:
    _, found, label = text.partition("is not allowed ")
    return label.split()[0] if found else ""


def request_class(op: Op) -> Any:
    descriptor = rump_sp_pb2.DESCRIPTOR.services_by_name[op.service].methods_by_name[op.method]
    return GetMessageClass(descriptor.input_type)


def empty(op: Op) -> tuple[Any, ...]:
    return codec.REQUEST[op.name][1](request_class(op)())


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    found = Matrix(tmp_path_factory.mktemp("matrix"))
    yield found
    found.close()


MAY = {
    "root": set(LABELS) | EVERYBODY,
    "powerless": set(),
    "user": EVERYBODY,
    "nobody": set(),
    **{label: EVERYBODY | {label} for label in ALWAYS},
}
COLUMNS = ("root", "powerless", "user", "nobody")
"""Who makes every call; those who may do one thing make the calls that ask for something whatever their arguments."""
HALTS = {"reboot"}
"""What is not tried by those who may: it has a test of its own."""


@pytest.mark.parametrize("who", MAY)
def test_every_call_asks_for_what_the_contract_says(matrix: Matrix, who: str) -> None:
    wrong = {}
    for op in CALLS if who in COLUMNS else [op for op in CALLS if op.authorisation]:
        allowed = op.authorisation in MAY[who]
        if allowed and op.name in HALTS:
            continue
        found = matrix.refused(who, op)
        expected = {"", *op.conditional} if allowed or not op.authorisation else {op.authorisation}
        if allowed or not op.authorisation:
            expected -= MAY[who]
        if found not in expected:
            wrong[op.name] = (found, expected)
    assert wrong == {}


# -- what is asked for by the arguments

Sample = Callable[[rump.Client], Any]
SAMPLES: dict[tuple[str, str], Sample] = {
    ("setuid", "process.setid"): lambda k: k.sys.setuid(1),
    ("seteuid", "process.setid"): lambda k: k.sys.seteuid(1),
    ("setreuid", "process.setid"): lambda k: k.sys.setreuid(1, 1),
    ("setgid", "process.setid"): lambda k: k.sys.setgid(1),
    ("setegid", "process.setid"): lambda k: k.sys.setegid(1),
    ("setregid", "process.setid"): lambda k: k.sys.setregid(1, 1),
    ("modctl", "system.module"): lambda k: k.sys.modctl(const.MODCTL_EXISTS, None, None, False),
    ("mknod", "system.mknod"): lambda k: k.sys.mknod(f"/tmp/n{os.urandom(4).hex()}", 0o020666, 0),
    ("socket", "network.socket.rawsock"): lambda k: k.sys.socket(rump.AF_INET, rump.SOCK_RAW, 1),
    ("bind", "network.bind.privport"): lambda k: _bind(k, 7),
    ("mount", "system.mount.new"): lambda k: k.sys.mount("tmpfs", "/tmp", 0, None),
    ("mount", "system.mount.update"): lambda k: k.sys.mount("tmpfs", "/", const.MNT_UPDATE, None),
    ("chown", "vnode.change_ownership"): lambda k: k.sys.chown("/", 5, 5),
    ("chmod", "vnode.admin"): lambda k: k.sys.chmod("/", 0o755),
    ("revoke", "vnode.revoke"): lambda k: k.sys.revoke("/"),
}


def _bind(k: rump.Client, port: int) -> None:
    s = k.sys.socket(rump.AF_INET, rump.SOCK_DGRAM, 0)
    try:
        k.sys.bind(s, ("127.0.0.1", port))
    finally:
        k.sys.close(s)


@pytest.mark.parametrize(("name", "label"), SAMPLES)
def test_what_the_arguments_ask_for(matrix: Matrix, name: str, label: str) -> None:
    assert label in OPS[name].conditional
    sample = SAMPLES[name, label]
    with pytest.raises(PermissionError, match=label.replace(".", r"\.")):
        sample(matrix.client("user"))
    with matrix.client(label).fork() as k:  # some leave the process as somebody else
        assert label not in outcome(lambda: sample(k))


def outcome(call: Callable[[], Any]) -> str:
    try:
        call()
    except OSError as error:
        return str(error)
    return ""


# -- nobody


def test_without_a_credential_there_is_nothing(matrix: Matrix) -> None:
    target = parse(matrix.kernel.url).target
    with grpc.insecure_channel(target) as channel:
        methods = [f"/rump.sp.v1.{op.service}/{op.method}" for op in CALLS]
        methods += [
            f"/rump.sp.v1.Session/{m}" for m in ("Attach", "Fork", "Batch", "Status", "Processes", "Statistics")
        ]
        for method in methods:
            for metadata in ((), (("rump-session", "0" * 32),), (("authorization", "Bearer e30.e30."),)):
                with pytest.raises(grpc.RpcError) as caught:
                    channel.unary_unary(method)(b"", metadata=metadata, timeout=10)
                code = caught.value.code()
                assert code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED), (method, metadata)
        stream = channel.stream_stream("/rump.sp.v1.Session/Stream")
        with pytest.raises(grpc.RpcError) as caught:
            list(stream(iter([b""]), timeout=10))
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(PermissionError):
        rump.connect(matrix.kernel.url)


def test_who_may_reboot_may(matrix: Matrix) -> None:
    """The last one."""
    matrix.client("system.reboot").sys.reboot(0)
    assert matrix.kernel.process.wait(20) == 0
