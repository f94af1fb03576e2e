"""Who may do what: certificates, tokens and the policy, against a running kernel that serves TLS and a unix socket."""

from __future__ import annotations

import errno
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import grpc
import pytest

import rump
from rump._grpc import Credentials
from rumpuser.authority import Authority
from rumpuser.url import parse
from rumpwire import rump_kern_pb2 as sp_kern
from rumpwire import rump_sp_pb2 as sp
from tests.live import eventually
from tests.tools import need

POLICY = """
[jwt]
keys = "{keys}"
issuer = "rump ca"
audience = "rump"
algorithms = ["EdDSA"]
once = true

[[rule]]
match = "jwt:web"
uid = 1001
gid = 101

[[rule]]
match = "spiffe://example.org/user"
uid = 1000
gid = 100
allow = ["network.bind.privport"]

[[rule]]
match = "spiffe://example.org/operator"
uid = 0
deny = ["system.reboot", "system.status", "process.cansee"]

[[rule]]
match = "spiffe://example.org/small"
uid = 1002
limits = {{ processes = 2, descriptors = 8, calls = 3, rate = 50 }}

[[rule]]
match = "jwt:thrifty"
uid = 1003
limits = {{ memory = 65536 }}

[[rule]]
match = "jwt:rich"
uid = 1004
limits = {{ memory = 16777216 }}

[[rule]]
match = "jwt:bounded"
uid = 0
limits = {{ memory = 1048576 }}

[[rule]]
match = "unix"
uid = 0
"""


@dataclass
class Site:
    """A kernel, and an authority whose clients it takes."""

    folder: Path
    authority: Authority
    tls: str
    local: str
    gateway: subprocess.Popen[str]

    def credentials(self, name: str, token: str = "") -> Credentials:
        ca = str(self.folder / "ca" / "ca.pem")
        return Credentials(ca, str(self.folder / "ca" / f"{name}.pem"), str(self.folder / "ca" / f"{name}.key"), token)

    def connect(self, name: str, token: str = "") -> rump.Client:
        with mock.patch.dict(os.environ, {**_variables(self, name), "RUMP_TOKEN": token}):
            return rump.connect(self.tls)

    def channel(self, name: str) -> grpc.Channel:
        c = self.credentials(name)
        ca, key, cert = (Path(path).read_bytes() for path in (c.ca, c.key, c.cert))
        return grpc.secure_channel(parse(self.tls).target, grpc.ssl_channel_credentials(ca, key, cert))

    @property
    def audit(self) -> str:
        return (self.folder / "audit.log").read_text()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("identity")
    authority = Authority.create(folder / "ca")
    authority.server("server")
    for name in ("user", "operator", "small", "stranger"):
        authority.client(name, [f"spiffe://example.org/{name}"])
    authority.client("expired", ["spiffe://example.org/user"], days=-1 / 1440)
    Authority.create(folder / "foreign").client("user", ["spiffe://example.org/user"])
    _self_signed(folder / "ca", "selfsigned")
    (folder / "policy.toml").write_text(POLICY.format(keys=folder / "ca" / "keys.json"))
    ca = folder / "ca"
    command = [
        sys.executable, "-m", "rumpgateway", "--dir", str(folder / "run"), "--placement", "server",
        "--url", "tcp://localhost:0", "--url", f"unix://{folder}/run/k.sock", "--tls-cert", str(ca / "server.pem"),
        "--tls-key", str(ca / "server.key"), "--tls-client-ca", str(ca / "ca.pem"),
        "--policy", str(folder / "policy.toml"), "--audit-log", str(folder / "audit.log"),
    ]  # fmt: skip
    with (folder / "log").open("w") as log:
        gateway = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert gateway.stdout is not None
    assert select.select([gateway.stdout], [], [], 60)[0], (folder / "log").read_text()
    urls = [gateway.stdout.readline().split()[-1] for _ in range(2)]
    yield Site(folder, authority, *urls, gateway)
    gateway.terminate()
    assert gateway.wait(20) == 0
    gateway.stdout.close()


def _self_signed(folder: Path, name: str) -> None:
    """A certificate that no authority has signed but its own key."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
               "-days", "1", "-subj", "/CN=user", "-addext", "subjectAltName=URI:spiffe://example.org/user",
               "-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]  # fmt: skip
    subprocess.run([need("openssl"), *command[1:]], check=True, capture_output=True)


def token(site: Site, subject: str = "web", **changes: Any) -> str:
    given = {"issuer": "rump ca", "audience": "rump", "seconds": 60.0, **changes}
    return site.authority.token(subject, **given)


# -- who one is


def test_a_certificate_makes_a_user_of_the_policy(site: Site) -> None:
    with site.connect("user") as k:
        assert (k.sys.getuid(), k.sys.getgid()) == (1000, 100)
        with pytest.raises(PermissionError, match=r"system\.chroot\.chroot"):
            k.sys.chroot("/tmp")
        s = k.sys.socket(rump.AF_INET, rump.SOCK_DGRAM, 0)
        k.sys.bind(s, ("127.0.0.1", 7))


def test_a_token_says_more_than_the_certificate_that_carries_it(site: Site) -> None:
    with site.connect("stranger", token(site)) as k:
        assert k.sys.getuid() == 1001


def test_clients_of_the_unix_socket_are_what_the_policy_says(site: Site) -> None:
    with rump.connect(site.local) as k:
        assert k.sys.getuid() == 0
        k.sys.chroot("/tmp")


def test_limits_outlive_every_change_of_uid_and_are_inherited(site: Site) -> None:
    with site.connect("operator") as k:
        assert k.sys.getuid() == 0
        k.sys.seteuid(5)
        k.sys.seteuid(0)
        with k.fork() as child, pytest.raises(PermissionError, match=r"system\.reboot"):
            child.sys.reboot(0)
        with pytest.raises(PermissionError, match=r"system\.status"):
            k.status()
        with pytest.raises(PermissionError, match=r"process\.cansee"):
            k.processes()


# -- who one is not


@pytest.mark.parametrize("name", ["stranger", "expired", "../foreign/user", "selfsigned"])
def test_a_certificate_that_is_foreign_expired_or_nobody_s_gets_nothing(site: Site, name: str) -> None:
    with pytest.raises(OSError, match=r".") as caught:
        site.connect(name)
    assert not isinstance(caught.value, TimeoutError)
    with site.channel(name) as channel:
        for method, request in _listings():
            call = channel.unary_unary(method)
            with pytest.raises(grpc.RpcError) as refused:
                call(request, timeout=10)
            assert refused.value.code() in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED,
                                            grpc.StatusCode.UNAVAILABLE)  # fmt: skip


def _listings() -> list[tuple[str, bytes]]:
    names = ("Status", "Processes", "Statistics")
    return [(f"/rump.sp.v1.Session/{name}", b"") for name in names] + [
        ("/rump.sp.v1.Session/Attach", sp.AttachRequest(comm="x").SerializeToString()),
        ("/rump.sp.v1.Kern/Getpid", b""),
    ]


@pytest.mark.parametrize(
    "changes",
    [{"subject": "nobody"}, {"seconds": -10.0}, {"issuer": "x"}, {"audience": "x"}],
    ids=["unknown", "expired", "foreign", "not for us"],
)
def test_a_token_that_proves_nothing_gets_nothing(site: Site, changes: dict[str, Any]) -> None:
    with pytest.raises(PermissionError):
        site.connect("stranger", token(site, **changes))


def test_a_bad_token_is_no_better_than_none_also_with_a_good_certificate(site: Site) -> None:
    with pytest.raises(PermissionError):
        site.connect("user", "e30.e30.")


def test_a_token_for_one_use_cannot_be_replayed(site: Site) -> None:
    once = token(site)
    site.connect("stranger", once).close()
    with pytest.raises(PermissionError, match="used"):
        site.connect("stranger", once)


def _unsigned(site: Site) -> str:
    _, body, _ = token(site).split(".")
    return f"eyJhbGciOiJub25lIn0.{body}."


def _replayed(site: Site) -> str:
    once = token(site)
    site.connect("stranger", once).close()
    return once


REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
BAD: dict[str, Callable[[Site], str]] = {
    "expired": lambda site: token(site, seconds=-10.0),
    "foreign": lambda site: Authority.create(site.folder / "other").token("web", "rump ca", "rump", 60.0),
    "unsigned": _unsigned,
    "replayed": _replayed,
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_token_shows_nothing(site: Site, what: str) -> None:
    """No process, no listing, no stream and no reflection."""
    bad = BAD[what](site)
    metadata = (("authorization", f"Bearer {bad}"),)
    nobody = (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)
    attach = sp.AttachRequest(comm="x", token=bad).SerializeToString()
    with site.channel("user") as channel:
        names = ("Status", "Processes", "Statistics", "Fork", "Batch")
        calls = [(f"/rump.sp.v1.Session/{name}", b"") for name in names]
        for method, request in [*calls, ("/rump.sp.v1.Kern/Getpid", b""), ("/rump.sp.v1.Session/Attach", attach)]:
            with pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary(method)(request, metadata=metadata, timeout=20)
            assert refused.value.code() in nobody, method
        for method in ("/rump.sp.v1.Session/Stream", REFLECTION):
            with pytest.raises(grpc.RpcError) as refused:
                list(channel.stream_stream(method)(iter([b""]), metadata=metadata, timeout=20))
            assert refused.value.code() in nobody, method
    with pytest.raises(PermissionError):
        site.connect("user", bad)
    for transport in ("ring", "grpc"):  # the unix socket, whose clients are known without one
        variables = {"RUMP_TOKEN": bad, "RUMP_TRANSPORT": transport}
        with mock.patch.dict(os.environ, variables), pytest.raises(PermissionError):
            rump.connect(site.local)


def test_a_kernel_with_a_foreign_certificate_is_not_talked_to(site: Site) -> None:
    """The other way round: the client goes no further, and shows neither its token nor anything else."""
    names = {"RUMP_TLS_CA": str(site.folder / "foreign" / "ca.pem"), "RUMP_TOKEN": token(site)}
    before = site.audit.count("action=attach")
    with mock.patch.dict(os.environ, names), pytest.raises(OSError, match=r"."):
        rump.connect(site.tls)
    assert site.audit.count("action=attach") == before


def test_a_cookie_is_of_use_to_its_identity_alone(site: Site) -> None:
    with site.connect("user") as k, site.connect("operator") as other:
        prepared = k.prefork()
        with mock.patch.dict(os.environ, _variables(site, "operator")), pytest.raises(OSError, match="cookie"):
            rump.connect(site.tls, fork=prepared)
        with pytest.raises(OSError, match="cookie"):
            other.fork_cancel(prepared)
        with pytest.raises(OSError, match="cookie"):
            rump.connect(site.local, fork=prepared)
        with mock.patch.dict(os.environ, _variables(site, "user")), rump.connect(site.tls, fork=prepared) as child:
            assert child.sys.getppid() == k.pid


def _variables(site: Site, name: str) -> dict[str, str]:
    c = site.credentials(name)
    return {"RUMP_TLS_CA": c.ca, "RUMP_TLS_CERT": c.cert, "RUMP_TLS_KEY": c.key}


def test_reflection_is_for_those_whom_the_policy_knows_and_health_for_all(site: Site) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    request = reflection_pb2.ServerReflectionRequest(list_services="")
    with site.channel("stranger") as channel:
        found = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert found.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError):
            list(reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request]), timeout=10))
    with site.channel("user") as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        assert list(stub.ServerReflectionInfo(iter([request]), timeout=10))


def test_a_session_is_of_use_to_nobody_else(site: Site) -> None:
    with site.connect("user") as k:
        stolen = _session_token(k)
        for channel in (site.channel("operator"), grpc.insecure_channel(parse(site.local).target)):
            with channel, pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary("/rump.sp.v1.Kern/Getpid")(b"", metadata=(("rump-session", stolen),), timeout=10)
            assert "another client" in (caught.value.details() or "")
            assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
        assert k.sys.getpid() == k.pid


def _session_token(k: rump.Client) -> str:
    """What a thief would have to know."""
    connection: Any = k._connection
    return str(connection._metadata[0][1])


# -- how much one may have


def test_processes_and_descriptors_are_counted(site: Site) -> None:
    with site.connect("small") as k, k.fork() as child:
        with pytest.raises(BlockingIOError):
            k.fork()
        with pytest.raises(OSError, match="processes"):
            site.connect("small")
        assert "action=quota.processes" in site.audit
        fds = [child.sys.dup(0) for _ in range(5)]
        with pytest.raises(OSError, match="descriptor") as full:
            child.sys.dup(0)
        assert full.value.errno == errno.EMFILE
        assert fds == [3, 4, 5, 6, 7]
        k.sys.getpid()


def test_calls_that_wait_are_counted_over_all_sessions_of_the_identity(site: Site) -> None:
    with site.connect("small") as k, site.connect("small") as other, ThreadPoolExecutor(3) as pool:
        r, w = k.sys.pipe()
        waiting = [pool.submit(k.sys.read, r, 1) for _ in range(3)]
        eventually(lambda: next(p["nlwps"] for p in _processes(site) if p["pid"] == k.pid) == 3, 20, "all three wait")
        for refused in (k.sys.getpid, other.sys.getpid, other.sys.pipe):
            with pytest.raises(BlockingIOError, match="3 calls wait"):
                refused()
        write = sp_kern.WriteRequest(fd=w, data=b"x").SerializeToString()
        metadata = (("rump-session", _session_token(k)),)
        with site.channel("small") as channel, pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/rump.sp.v1.Kern/Write")(write, metadata=metadata, timeout=20)
        assert "3 calls wait" in (caught.value.details() or "")
        other.close()
        k.close()
        for call in waiting:
            with pytest.raises(OSError, match=r"."):
                call.result(20)
    assert "action=quota.calls" in site.audit


def _processes(site: Site) -> list[Any]:
    with rump.connect(site.local) as k:
        return list(k.processes())


def test_a_client_above_its_rate_is_refused_and_others_go_on(site: Site) -> None:
    rate = 50
    with site.connect("small") as k, site.connect("user") as other:
        done = refused = 0
        begun = time.monotonic()
        while refused < rate and time.monotonic() < begun + 60:
            try:
                k.sys.getpid()
                done += 1
            except BlockingIOError:
                refused += 1
        assert refused == rate
        assert done <= rate * (1 + time.monotonic() - begun) + 1  # a second's worth at once, and then so many in each
        for _ in range(200):
            other.sys.getpid()
    assert "action=quota.rate" in site.audit


KIB = 1024


def test_memory_is_one_sum_of_all_kinds_of_things(site: Site) -> None:
    """Whatever kind takes the last of it, every other kind is refused, to all clients of the identity."""
    with (
        site.connect("stranger", token(site, "thrifty")) as k,
        site.connect("stranger", token(site, "thrifty")) as other,
        site.connect("user") as user,
    ):
        before = _held(user)
        a = k.sys.socket(rump.AF_INET, rump.SOCK_DGRAM, 0)
        k.sys.setsockopt(a, rump.SOL_SOCKET, rump.SO_RCVBUF, 8 * KIB)
        k.sys.setsockopt(a, rump.SOL_SOCKET, rump.SO_SNDBUF, 8 * KIB)
        pipe = other.sys.pipe()
        data = rump.Aiocb(aiocbp=1, aio_fildes=pipe[0], aio_nbytes=8 * KIB)
        other.sys.aio_read(data)
        queue = k.sys.kqueue()
        k.sys.kevent(queue, [rump.Kevent(number, rump.EVFILT_USER, rump.EV_ADD) for number in range(4)], 0, None)
        path = f"/tmp/thrifty{k.pid}"
        fd = k.sys.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        k.sys.write(fd, bytes(16 * KIB))
        held = _held(user)
        assert {kind: count - before.get(kind, 0) for kind, count in held.items() if kind != "replies"} == {
            "sockets": 16 * KIB, "pipes": 16 * KIB, "aio": 8 * KIB, "kqueues": KIB, "files": 17 * KIB,
        }  # fmt: skip
        left = 64 * KIB - (16 + 16 + 8 + 1 + 17) * KIB
        with pytest.raises(OSError, match="quota of memory") as full:
            k.sys.pwrite(fd, bytes(32 * KIB), 16 * KIB)
        assert (full.value.errno, k.sys.fstat(fd).st_size) == (errno.EDQUOT, 16 * KIB)
        refused: list[tuple[int, Callable[[], object]]] = [
            (errno.ENOBUFS, lambda: other.sys.socket(rump.AF_INET, rump.SOCK_DGRAM, 0)),
            (errno.ENOBUFS, lambda: k.sys.setsockopt(a, rump.SOL_SOCKET, rump.SO_RCVBUF, 8 * KIB + left + 1)),
            (errno.ENOMEM, other.sys.pipe),
            (errno.EAGAIN, lambda: k.sys.aio_read(data._replace(aiocbp=2, aio_fildes=fd, aio_nbytes=left + 1))),
        ]
        _are_refused(refused)
        k.sys.setsockopt(a, rump.SOL_SOCKET, rump.SO_RCVBUF, 8 * KIB + left)
        refused += [
            (errno.ENOMEM, lambda: k.sys.kevent(queue, [rump.Kevent(9, rump.EVFILT_USER, rump.EV_ADD)], 0, None)),
            (errno.EDQUOT, lambda: other.sys.mkdir(f"{path}.d", 0o755)),
            (errno.EAGAIN, lambda: k.sys.aio_read(data._replace(aiocbp=2, aio_fildes=fd, aio_nbytes=1))),
        ]
        _are_refused(refused)
        assert k.sys.pwrite(fd, b"what is there may be changed", 100) == 28
        user.sys.close(user.sys.pipe()[0])
        assert "who=jwt:thrifty" in next(line for line in site.audit.splitlines() if "action=quota.memory" in line)
        k.sys.ftruncate(fd, 0)
        other.sys.pipe()
        with pytest.raises(OSError, match="quota of memory"):
            k.sys.pwrite(fd, bytes(16 * KIB), 0)
        k.sys.unlink(path)
        k.sys.close(fd)
        other.sys.close(pipe[1])
    with site.connect("user") as user:
        eventually(lambda: not sum(_held(user).values()), 20, "all is given back")


def _are_refused(calls: list[tuple[int, Callable[[], object]]]) -> None:
    for number, call in calls:
        with pytest.raises(OSError, match="quota of memory") as full:
            call()
        assert full.value.errno == number


def _held(k: rump.Client, subject: str = "thrifty") -> dict[str, int]:
    return {h["kind"]: h["bytes"] for h in k.statistics()["held"] if h["subject"] == f"jwt:{subject}"}


def test_what_others_write_is_on_the_account_of_who_made_the_file(site: Site) -> None:
    with site.connect("stranger", token(site, "thrifty")) as k, rump.connect(site.local) as other:
        path = f"/tmp/open{k.pid}"
        fd = k.sys.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        k.sys.fchmod(fd, 0o666)
        theirs = other.sys.open(path, os.O_RDWR)
        with pytest.raises(OSError, match="jwt:thrifty") as full:
            other.sys.write(theirs, bytes(128 * KIB))
        assert full.value.errno == errno.EDQUOT
        assert other.sys.write(theirs, bytes(32 * KIB)) == 32 * KIB
        assert _held(other)["files"] == 33 * KIB
        other.sys.unlink(path)
        k.sys.close(fd)
        other.sys.close(theirs)
        assert _held(other).get("files", 0) == 0


def test_a_bounded_root_mounts_and_gets_all_back_with_the_unmount(site: Site) -> None:
    with mock.patch.dict(os.environ, {"RUMP_TOKEN": token(site, "bounded")}):
        k = rump.connect(site.local)
    with k, site.connect("user") as user:
        k.sys.mkdir("/tmp/bounded", 0o755)
        k.sys.mount("tmpfs", "/tmp/bounded")
        before = _held(user, "bounded")
        fd = k.sys.open("/tmp/bounded/file", os.O_RDWR | os.O_CREAT | rump.O_EXLOCK, 0o644)
        k.sys.setxattr("/tmp/bounded/file", "user.name", bytes(100), 0)
        k.sys.posix_fallocate(fd, 0, 256 * KIB)
        with k.batch(keep_going=True) as b:
            pipes = [b.pipe() for _ in range(60)]
        assert sum(pipe.exception() is None for pipe in pipes) == (1024 - 258 - before["files"] // KIB) // 16
        k.sys.close(fd)
        k.sys.unmount("/tmp/bounded", 0)
        assert _held(user, "bounded")["files"] == before["files"]


def test_shared_memory_counts_and_more_than_the_quota_is_not_taken(site: Site) -> None:
    """Contents then go in messages."""
    for subject, shared in (("thrifty", 0), ("rich", 8 * KIB * KIB)):
        with mock.patch.dict(os.environ, {"RUMP_TOKEN": token(site, subject)}):
            k = rump.connect(site.local)
        with k, site.connect("user") as user:
            fd = k.sys.open("/dev/zero", os.O_RDONLY)
            assert len(k.sys.read(fd, KIB * KIB)) == KIB * KIB
            assert _held(user, subject).get("shared", 0) == shared


# -- the policy, again


def test_the_policy_is_read_again_and_a_broken_one_is_not_taken(site: Site) -> None:
    path = site.folder / "policy.toml"
    before = path.read_text()
    user = site.connect("user")
    try:
        path.write_text(before + "\n[[rule]]\nmatch = 3\n")
        with site.connect("user") as k:
            assert k.sys.getuid() == 1000
        path.write_text(before.replace("uid = 1000", "uid = 1003"))
        with site.connect("user") as k:
            assert k.sys.getuid() == 1003
        eventually(lambda: _gone(user), 5, "the session of the old identity ends")
    finally:
        temporary = site.folder / "policy.new"
        temporary.write_text(before)
        temporary.replace(path)
    with site.connect("user") as k:
        assert k.sys.getuid() == 1000
    assert "the policy stays as it was" in (site.folder / "log").read_text()


def _gone(k: rump.Client) -> bool:
    try:
        k.sys.getpid()
    except OSError:
        return True
    return False


def test_the_audit_log_says_who_was_granted_and_refused_what(site: Site) -> None:
    with site.connect("user") as k:
        with pytest.raises(PermissionError):
            k.sys.mknod("/tmp/null", 0o020666, 0)
        pid = k.pid
    line = next(line for line in site.audit.splitlines() if f"pid={pid}" in line and "system.mknod" in line)
    assert "msg=refused" in line
    assert "who=spiffe://example.org/user" in line
    assert "uid=1000" in line
    assert os.stat(site.folder / "audit.log").st_mode & 0o777 == 0o600
