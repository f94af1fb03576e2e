"""A process of a kernel, as Python code holds it."""

from __future__ import annotations

import contextlib
import functools
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, NoReturn, Self, overload

from rump import _host, _sysctl
from rump._arguments import PathArg
from rump._calls import BatchCalls
from rump._connection import Connection, Prepared, ProcessStatus, Statistics, Status, cookie_of, default_comm
from rump._errors import RumpError, error_of
from rump._handover import VARIABLE, Handover, give, take
from rump._io import open_file
from rump._leases import Leases
from rump._modules import load_wheel
from rump._requests import Requests
from rump._retry import Policy, Retry
from rump._select import FileLike, Kqueue, Poll, Selector, chosen, sets
from rump._signals import Handler
from rump._socket import Socket
from rump._sys import Pub, Sys
from rumpuser.leases import OTHERS
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Dirent, ModuleStat, SysctlNode

_O_DIRECTORY = _host.OPEN.names["O_DIRECTORY"]


@contextlib.contextmanager
def errors(filename: Any = None) -> Iterator[None]:
    """Turns errors of the kernel into exceptions of Python."""
    try:
        yield
    except KernelError as error:
        raise error_of(error, filename) from None


class Batch(BatchCalls):
    """Calls that go in one message when the ``with`` block ends.

    Each gives a `Future`, which may be an argument of later calls (``b.read(f, 10)``), as may its fields (``s.st_size``).
    The block itself raises nothing for calls that fail: their `Future.result` does. After the first failure the rest is
    left out (ECANCELED), unless ``keep_going``.
    """

    def __init__(self, connection: Connection, *, keep_going: bool = False) -> None:
        super().__init__()
        self._connection = connection
        self._keep_going = keep_going
        self._posted: Callable[[], list[Any]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if kind is None:
            self.run()

    def check(self) -> None:
        """Raises what the first call that failed did so with."""
        for future, _ in self._asked:
            error = future.exception()
            if error is not None:
                raise error

    def post(self) -> None:
        """Sends the calls without waiting for them; `run` does that. What is done meanwhile overlaps with them.

        Batches that are under way at once may be done in any order.
        """
        try:
            self._posted = functools.cache(self._connection.post(self._steps, self._keep_going))
        except KernelError as error:
            self._settle([error])
            raise error_of(error) from None

    def run(self) -> None:
        """Does the calls. What keeps the whole batch from being done is raised."""
        try:
            outcomes = self._posted() if self._posted else self._connection.run(self._steps, self._keep_going)
        except KernelError as error:
            self._settle([error])
            raise error_of(error) from None
        self._settle(outcomes)


class Modules:
    """The modules of a kernel."""

    def __init__(self, connection: Connection, sys: Sys) -> None:
        self._connection = connection
        self._sys = sys

    def list(self) -> list[ModuleStat]:
        """The table of modules."""
        return self._sys.modctl_stat()

    def upload(self, wheel: PathArg, *, key: PathArg | None = None) -> ModuleStat:
        """Sends a wheel of this machine to the kernel and loads its module.

        The signature is ``<wheel>.sig`` (``rump module sign``), or is made with the private key in the file ``key``.
        EPERM, EINVAL, ENOENT, EEXIST, EFBIG, ENOEXEC.
        """
        loaded = load_wheel(wheel, key)
        with errors(loaded.filename):
            return self._connection.upload_module(loaded)


class Client:
    """One process of a kernel. Any number of threads may use it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.sys = Sys(connection)
        self.pub = Pub(connection)
        self.modules = Modules(connection, self.sys)
        self.aio = Requests(self.sys)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} pid {self.pid}>"

    @property
    def pid(self) -> int:
        """Process id in the kernel."""
        return self._connection.pid

    @property
    def leases(self) -> Leases | None:
        """What is kept of answers about paths, where the kernel is on this host."""
        return getattr(self._connection, "leases", None)

    @property
    def timeout(self) -> float | None:
        """Seconds after which a call that waits ends with TimeoutError; None: never."""
        found: float | None = getattr(self._connection, "timeout", None)
        return found

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._connection.timeout = seconds  # type: ignore[attr-defined]

    def close(self) -> None:
        """Ends the process. A second call does nothing."""
        with errors():
            self._connection.close()

    def fork(self, flags: int = 0) -> Client:
        """A child process with a connection of its own, and copies of all descriptors (RFFDG, the default).

        With RFCFDG it has none but the console, with RFSHARE both have one table. EINVAL for several, EAGAIN.
        """
        with errors():
            return Client(self._connection.fork(flags))

    def prefork(self, flags: int = 0, *, wait: float = 60.0) -> Prepared:
        """A child process, made now, that another program becomes: ``rump.connect(fork=...)``, once, within ``wait`` seconds.

        Not claimed, it is freed then, or 5 s after this process has ended. EINVAL, EAGAIN.
        """
        with errors():
            return self._connection.prefork(flags, max(1, round(wait * 1000)))

    def fork_cancel(self, prepared: Prepared | bytes) -> None:
        """Frees a child that nobody has claimed. ESRCH."""
        with errors():
            self._connection.fork_cancel(cookie_of(prepared))

    def exec(self, comm: str) -> None:
        """The process has a new program of that name.

        Its other calls that wait end with EINTR, close-on-exec descriptors are closed, pid and all else stay. EBUSY when
        it is in exec already.
        """
        with errors():
            self._connection.execute(comm)

    def execve(
        self, path: PathArg, argv: Sequence[str], env: Mapping[str, str] | None = None, *, wait: float = 60.0
    ) -> NoReturn:
        """`os.execve` of a program that goes on as this process of the kernel.

        Its first ``rump.connect()`` without arguments is `exec` in the kernel, with the name of that program; pid, descriptors
        and all else stay. It must come within ``wait`` seconds. A kernel inside of this process cannot be kept: EOPNOTSUPP.
        """
        handover = getattr(self._connection, "handover", None)
        with errors():
            if handover is None:
                raise KernelError(Errno.EOPNOTSUPP, "a kernel in this process ends with its program")
            fd = give(handover(max(1, round(wait * 1000))))
        try:
            environ = {**(os.environ if env is None else env), VARIABLE: str(fd)}
            os.execve(os.fspath(path), list(argv), environ)  # noqa: S606  that is what it is for
        finally:
            os.close(fd)

    def on_signal(self, handler: Handler | None, signo: int | None = None) -> None:
        """Has signals of this process go to ``handler(signo)``, in a thread of its own, instead of being raised here.

        ``signo`` is one signal, None all that have no handler of their own; None as handler: raised again.
        """
        with errors():
            self._connection.signals.take(signo, handler)
            self._connection.watch_signals()

    def watch_signals(self) -> None:
        """Has signals come also while no call of this process is under way: a thread waits for them."""
        with errors():
            self._connection.watch_signals()

    def batch(self, *, keep_going: bool = False) -> Batch:
        """Collects calls and does them in one message."""
        return Batch(self._connection, keep_going=keep_going)

    def status(self) -> Status:
        """Components of the kernel and how they are."""
        with errors():
            return self._connection.status()

    def processes(self) -> list[ProcessStatus]:
        """Processes of the kernel."""
        with errors():
            return self._connection.processes()

    def statistics(self) -> Statistics:
        """What calls have cost, and what components use. EOPNOTSUPP for a kernel in this process, which keeps none."""
        with errors():
            return self._connection.statistics()

    # -- sysctl

    def sysctl(self, name: str, value: _sysctl.Value | None = None) -> _sysctl.Value:
        """The value of a node; with a value sets it and gives the old one. ENOENT, EPERM, EINVAL, EISDIR."""
        with errors(name):
            if value is None:
                return _sysctl.read(self._connection, name)
            return _sysctl.write(self._connection, name, value)

    def sysctl_tree(self, prefix: str = "") -> dict[str, _sysctl.Value]:
        """All values below a node, by name. ENOENT."""
        return {name: value for name, _, value in self.sysctl_nodes(prefix)}

    def sysctl_nodes(self, prefix: str = "") -> list[tuple[str, SysctlNode, _sysctl.Value]]:
        """All leaves below a node: name, what is known of it, value. ENOENT."""
        with errors(prefix):
            return list(_sysctl.tree(self._connection, prefix))

    # -- files and sockets

    @overload
    def open(
        self,
        file: PathArg,
        mode: Literal["r", "w", "a", "x", "rt", "wt", "at", "xt", "r+", "w+", "a+", "x+"] = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> io.TextIOWrapper: ...

    @overload
    def open(
        self,
        file: PathArg,
        mode: str,
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> Any: ...

    def open(
        self,
        file: PathArg,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> Any:
        """A file of the kernel as an io object; arguments as those of the builtin open."""
        return open_file(self, file, mode, buffering, encoding, errors, newline)

    def socket(self, family: int = -1, type: int = -1, proto: int = 0) -> Socket:
        """A socket of the kernel, with the methods of `socket.socket`; AF_INET and SOCK_STREAM if not said otherwise."""
        return Socket(self.sys, family, type, proto)

    def socketpair(self, family: int = -1, type: int = -1, proto: int = 0) -> tuple[Socket, Socket]:
        """Two connected sockets; AF_UNIX and SOCK_STREAM if not said otherwise."""
        return Socket.pair(self.sys, family, type, proto)

    def select(
        self,
        rlist: Iterable[FileLike],
        wlist: Iterable[FileLike],
        xlist: Iterable[FileLike],
        timeout: float | None = None,
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """Those of the files that are ready, as `select.select` has it: sockets, descriptors."""
        nd, (r, w, x) = sets(rlist, wlist, xlist)
        return chosen([r, w, x], self.sys.select(nd, list(r), list(w), list(x), timeout))

    def poll(self) -> Poll:
        """An object with the methods of `select.poll`."""
        return Poll(self.sys)

    def kqueue(self) -> Kqueue:
        """An object with the methods of `select.kqueue`; events are `rump.Kevent`."""
        return Kqueue(self.sys)

    def selector(self) -> Selector:
        """An object with the methods of `selectors.BaseSelector`, over a kqueue."""
        return Selector(self.sys)

    def scandir(self, path: PathArg = "/") -> list[Dirent]:
        """Entries of a directory without ``.`` and ``..``. ENOENT, ENOTDIR, EACCES."""
        if self.leases is None:
            return self._scandir(path)
        name = os.fsencode(path)
        return list(self.leases.remember(("entries", name), lambda: self._scandir(path), lambda _: (OTHERS,)))

    def _scandir(self, path: PathArg) -> list[Dirent]:
        out: list[Dirent] = []
        fd = self.sys.open(path, _O_DIRECTORY)
        try:
            while entries := self.sys.getdents(fd):
                out += [entry for entry in entries if entry.d_name not in (b".", b"..")]
        finally:
            self.sys.close(fd)
        return out

    def listdir(self, path: PathArg = "/") -> list[str]:
        """Names in a directory without ``.`` and ``..``. ENOENT, ENOTDIR, EACCES."""
        return [os.fsdecode(entry.d_name) for entry in self.scandir(path)]

    def halt(self, flags: int = 0) -> None:
        """Halts the kernel, RB_*. EPERM."""
        self.sys.reboot(flags)


def connect(
    url: str | None = None,
    *,
    comm: str | None = None,
    timeout: float | None = None,
    retry: Retry | None = None,
    fork: Prepared | bytes | None = None,
) -> Client:
    """Becomes a process of the kernel at a URL, or at RUMP_SERVER: a new one, or the child that ``fork`` names.

    ``comm`` is the name of the process, ``timeout`` the first value of `Client.timeout`. FileNotFoundError when no kernel
    is named or its socket is not there, ConnectionRefusedError when nobody listens, EINVAL for a bad URL.

    ``retry`` says what to do when the connection is lost: 0 (calls fail with ENOTCONN), for how many seconds to try to get
    it back, ``"once"``, ``"inftime"`` (for ever) or ``"die"`` (exit with status 1); if it is not given RUMP_RETRYCONNECT
    is asked. With a connection that is back in time the process is the same, and every call is done once. Otherwise calls
    fail once with ESTALE, and the next one is made as a new process.
    """
    from rump._grpc import Credentials, server_url
    from rump._remote import RemoteConnection

    try:
        policy = Policy.parse(retry)
        if url is None and fork is None and (left := take()) is not None:
            return _succeed(left, comm or default_comm(), timeout, policy)
        connection = RemoteConnection(
            server_url(url),
            Credentials.from_environment(),
            comm or default_comm(),
            policy=policy,
            cookie=cookie_of(fork),
        )
    except KernelError as error:
        raise error_of(error) from None
    connection.timeout = timeout
    return Client(connection)


def _succeed(left: Handover, comm: str, timeout: float | None, policy: Policy) -> Client:
    """Goes on as the process of the program before this one."""
    from rump._grpc import Attached, Credentials, server_url
    from rump._remote import RemoteConnection

    session = Attached(left.session, left.pid, left.limit, left.frames)
    connection = RemoteConnection(server_url(left.url), Credentials.from_environment(), comm, session, policy)
    try:
        connection.execute(comm)
    except BaseException:
        connection.close()
        raise
    connection.timeout = timeout
    return Client(connection)


__all__ = ["Batch", "Client", "Modules", "RumpError", "connect"]
